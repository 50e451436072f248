package mempool

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// anyone is a witness script that anybody satisfies, and toAnyone the standard output that pays to it: stories about
// the pool need no keys.
var (
	anyone    = []byte{0x51}
	anyoneSum = sha256.Sum256(anyone)
	toAnyone  = script.PayToWitnessScriptHash(anyoneSum)
)

// world is a chain with a short maturity and a pool on it.
type world struct {
	t     testing.TB
	p     *coin.Params
	chain *chain.Chain
	pool  *Pool
	clock time.Time
	salt  uint64 // makes each coinbase its own
}

func newWorld(t testing.TB, o Options) *world {
	t.Helper()
	w := &world{t: t, p: coin.Regtest(), clock: time.Unix(1_700_000_000, 0)}
	w.p.Maturity = 3
	now := func() time.Time { return w.clock }
	verifier := script.NewVerifier(1<<10, 1)
	c, err := chain.Open(w.p, "data", vfs.NewMem(), chain.Options{Now: now, Verifier: verifier})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	o.Params, o.Now, o.Verifier = w.p, now, verifier
	w.chain, w.pool = c, New(c, o)
	return w
}

// mine adds a block with these transactions to the best chain.
func (w *world) mine(txs ...*coin.Tx) *coin.Block {
	w.t.Helper()
	return w.mineOn(w.chain.View().Tip(), txs...)
}

// mineOn adds a block after any other.
func (w *world) mineOn(parent consensus.State, txs ...*coin.Tx) *coin.Block {
	w.t.Helper()
	b := w.block(parent, txs...)
	if err := w.chain.Submit(b); err != nil {
		w.t.Fatalf("block %d: %v", parent.Height()+1, err)
	}
	return b
}

func (w *world) block(parent consensus.State, txs ...*coin.Tx) *coin.Block {
	w.salt++
	height := parent.Height() + 1
	in := append(script.PushInt(int64(height)), script.PushInt(int64(w.salt)+1000)...)
	coinbase := &coin.Tx{Version: 2, In: []coin.TxIn{{Prev: coin.OutPoint{Index: coin.NullIndex}, Script: in, Sequence: coin.SequenceFinal}},
		Out: []coin.TxOut{{Value: consensus.Subsidy(w.p, height), Script: toAnyone}}}
	b := &coin.Block{Header: coin.Header{Version: 0x20000000, Prev: parent.Hash(), Bits: parent.NextBits(),
		Time: max(parent.EarliestTime(), uint32(w.clock.Unix()))}, Txs: append([]*coin.Tx{coinbase}, txs...)}
	consensus.SetWitnessCommitment(b)
	for target := coin.Target(b.Bits); !coin.MeetsTarget(b.Hash(), target); {
		b.Nonce++
	}
	return b
}

// state returns the chain's state after a block it knows.
func (w *world) state(b *coin.Block) consensus.State {
	w.t.Helper()
	e, ok := w.chain.View().ByHash(b.Hash())
	if !ok {
		w.t.Fatalf("the chain does not know block %v", b.Hash())
	}
	return e.State
}

// funds mines n coinbases and lets them mature.
func (w *world) funds(n int) []coin.OutPoint {
	w.t.Helper()
	var outs []coin.OutPoint
	for range n {
		outs = append(outs, coin.OutPoint{Hash: w.mine().Txs[0].ID()})
	}
	for range w.p.Maturity {
		w.mine()
	}
	return outs
}

// value looks an output up in pool and chain.
func (w *world) value(o coin.OutPoint) coin.Amount {
	w.t.Helper()
	if out, ok := w.pool.View().Coin(o); ok {
		return out.Value
	}
	c, ok, err := w.chain.View().Coin(o)
	if err != nil || !ok {
		w.t.Fatalf("no coin %v: %v", o, err)
	}
	return c.Out.Value
}

// pay spends outputs with a fee, splitting what is left over n outputs.
func (w *world) pay(fee coin.Amount, n int, from ...coin.OutPoint) *coin.Tx {
	w.t.Helper()
	total := -fee
	for _, o := range from {
		total += w.value(o)
	}
	return payment(total, n, from...)
}

func payment(total coin.Amount, n int, from ...coin.OutPoint) *coin.Tx {
	tx := &coin.Tx{Version: 2}
	for _, o := range from {
		tx.In = append(tx.In, coin.TxIn{Prev: o, Sequence: coin.SequenceFinal, Witness: [][]byte{anyone}})
	}
	for range n {
		tx.Out = append(tx.Out, coin.TxOut{Value: total / coin.Amount(n), Script: toAnyone})
	}
	return tx
}

// out names an output of a transaction.
func out(tx *coin.Tx, n int) coin.OutPoint { return coin.OutPoint{Hash: tx.ID(), Index: uint32(n)} }

func (w *world) accept(txs ...*coin.Tx) {
	w.t.Helper()
	for i, tx := range txs {
		if err := w.pool.Accept(tx); err != nil {
			w.t.Fatalf("transaction %d: %v", i, err)
		}
	}
	w.check()
}

// reject expects Core's reason.
func (w *world) reject(tx *coin.Tx, reason string) *RejectError {
	w.t.Helper()
	err := w.pool.Accept(tx)
	r, ok := errors.AsType[*RejectError](err)
	if !ok || r.Reason != reason {
		w.t.Fatalf("got %v, want %q", err, reason)
	}
	w.check()
	return r
}

// holds expects exactly these transactions to wait.
func (w *world) holds(txs ...*coin.Tx) {
	w.t.Helper()
	v := w.pool.View()
	for i, tx := range txs {
		if !v.Has(tx.ID()) {
			w.t.Errorf("transaction %d is missing", i)
		}
	}
	if v.Len() != len(txs) {
		w.t.Errorf("the pool holds %d, want %d", v.Len(), len(txs))
	}
	w.check()
}

// check holds a view to what must always be so.
func (w *world) check() {
	w.t.Helper()
	v := w.pool.View()
	checkGraph(w.t, &v.graph)
	if v.Tip().Hash() != w.chain.View().Tip().Hash() {
		w.t.Errorf("the pool is at %v, the chain at %v", v.Tip().Hash(), w.chain.View().Tip().Hash())
	}
	if v.Usage() > v.MaxBytes() {
		w.t.Errorf("uses %d bytes of %d", v.Usage(), v.MaxBytes())
	}
}

// fataler is a testing.TB or a rapid.T.
type fataler interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkGraph recounts everything a graph keeps count of.
func checkGraph(t fataler, g *graph) {
	t.Helper()
	var bytes int
	var usage int64
	var fees coin.Amount
	spends, links := 0, 0
	for id, e := range g.entries.all() {
		if e.ID != id || e.Tx.ID() != id {
			t.Errorf("entry %v is filed under %v", e.ID, id)
		}
		links += len(g.parents(e.Tx))
		bytes, usage, fees = bytes+e.VSize, usage+e.memory(), fees+e.Fee
		for i := range e.Tx.In {
			spends++
			if by, ok := g.spends.get(e.Tx.In[i].Prev); !ok || by != id {
				t.Errorf("%v spends %v, but the pool says %v", id, e.Tx.In[i].Prev, by)
			}
		}
		if by, ok := g.witness.get(e.Tx.WitnessID()); !ok || by != id {
			t.Errorf("%v is not found by its witness id", id)
		}
		if got := sum(g.ancestors(e.Tx), e); got != e.Ancestors {
			t.Errorf("%v: ancestors %+v, recounted %+v", id, e.Ancestors, got)
		}
		if got := sum(g.descendants(e.ID, e.Tx), e); got != e.Descendants {
			t.Errorf("%v: descendants %+v, recounted %+v", id, e.Descendants, got)
		}
	}
	if bytes != g.bytes || usage != g.usage || links != g.links || fees != g.fees {
		t.Errorf("sums are %d bytes, %d usage, %v fees; recounted %d, %d, %v", g.bytes, g.usage, g.fees, bytes, usage, fees)
	}
	if spends != g.spends.len || g.witness.len != g.entries.len {
		t.Errorf("%d entries with %d inputs, but %d witness ids and %d spends", g.entries.len, spends, g.witness.len, g.spends.len)
	}
}
