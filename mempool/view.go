package mempool

import (
	"cmp"
	"slices"
	"sync"

	"cheese/coin"
	"cheese/consensus"
)

// View is an immutable snapshot of the pool. It holds nothing that needs closing.
type View struct {
	*contents
	minFee coin.Amount
}

// contents is what views share until the pool changes.
type contents struct {
	graph    graph
	tip      consensus.State
	seq      uint64
	relayFee coin.Amount
	blockFee coin.Amount
	maxBytes int64

	sort   sync.Once
	sorted []*Entry
}

// Tip returns the state of the chain's block on which every transaction here is valid.
func (v *View) Tip() consensus.State { return v.tip }

// Seq returns the cursor for Pool.Since that goes on from this snapshot.
func (v *View) Seq() uint64 { return v.seq }

// Get returns the entry of a transaction id.
func (v *View) Get(id coin.Hash) (*Entry, bool) { return v.graph.entries.get(id) }

// GetWitness returns the entry of a witness id.
func (v *View) GetWitness(id coin.Hash) (*Entry, bool) {
	txid, ok := v.graph.witness.get(id)
	if !ok {
		return nil, false
	}
	return v.Get(txid)
}

// Has tells whether a transaction id is in the pool.
func (v *View) Has(id coin.Hash) bool {
	_, ok := v.Get(id)
	return ok
}

// Len returns how many transactions wait.
func (v *View) Len() int { return v.graph.entries.len }

// Bytes returns the sum of their virtual sizes.
func (v *View) Bytes() int { return v.graph.bytes }

// Usage returns the memory they would take in Bitcoin Core, in bytes.
func (v *View) Usage() int64 { return v.graph.memory() }

// MaxBytes returns the limit on Usage.
func (v *View) MaxBytes() int64 { return v.maxBytes }

// Fees returns the sum of their fees.
func (v *View) Fees() coin.Amount { return v.graph.fees }

// Entries returns all entries, best fee rate first. The slice is made once and shared: do not change it.
func (v *View) Entries() []*Entry {
	v.sort.Do(func() {
		v.sorted = make([]*Entry, 0, v.Len())
		for _, e := range v.graph.entries.all() {
			v.sorted = append(v.sorted, e)
		}
		slices.SortFunc(v.sorted, func(a, b *Entry) int {
			return cmp.Or(compareRate(b.Fee, b.VSize, a.Fee, a.VSize), cmp.Compare(a.Seq, b.Seq))
		})
	})
	return v.sorted
}

// Spender returns the id of the transaction that spends an output.
func (v *View) Spender(o coin.OutPoint) (coin.Hash, bool) { return v.graph.spends.get(o) }

// Coin returns an output that a transaction in the pool creates, whether or not another one there spends it.
func (v *View) Coin(o coin.OutPoint) (coin.TxOut, bool) { return v.graph.output(o) }

// Ancestors returns the entries that id, which is in the pool, depends on, parents before children.
func (v *View) Ancestors(id coin.Hash) []*Entry {
	e, ok := v.Get(id)
	if !ok {
		return nil
	}
	found := v.graph.ancestors(e.Tx)
	slices.SortFunc(found, compareTopology)
	return found
}

// Descendants returns the entries that depend on id, which is in the pool, parents before children.
func (v *View) Descendants(id coin.Hash) []*Entry {
	e, ok := v.Get(id)
	if !ok {
		return nil
	}
	found := v.graph.descendants(id, e.Tx)
	slices.SortFunc(found, compareTopology)
	return found
}

// MinFee returns the least fee a transaction must pay to enter, in crumbs per 1000 virtual bytes: the relay fee, or more
// while the pool is full.
func (v *View) MinFee() coin.Amount { return v.minFee }

// MinRelayFee returns the part of MinFee that does not depend on how full the pool is.
func (v *View) MinRelayFee() coin.Amount { return v.relayFee }

// output returns an output of a transaction in the graph.
func (g *graph) output(o coin.OutPoint) (coin.TxOut, bool) {
	e, ok := g.entries.get(o.Hash)
	if !ok || uint64(o.Index) >= uint64(len(e.Tx.Out)) {
		return coin.TxOut{}, false
	}
	return e.Tx.Out[o.Index], true
}
