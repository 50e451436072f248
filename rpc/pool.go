package rpc

import (
	"bytes"
	"cmp"
	"slices"

	"cheese/coin"
	"cheese/mempool"
)

var poolMethods = []method{
	{name: "getmempoolentry", category: inBlockchain, run: getMempoolEntry,
		help:   "Returns mempool data for given transaction",
		args:   []arg{{name: "txid", kind: text, help: "The transaction id (must be in mempool)"}},
		result: "(json object) vsize, weight, time, fees, depends and more"},
	{name: "getmempoolinfo", category: inBlockchain, run: getMempoolInfo,
		help:   "Returns details on the active state of the TX memory pool.",
		result: "(json object) size, bytes, usage, total_fee and more"},
	{name: "getrawmempool", category: inBlockchain, run: getRawMempool,
		help: "Returns all transaction ids in memory pool, best fee rate first.",
		args: []arg{
			{name: "verbose", kind: boolean, optional: true, standard: "false", help: "True for a json object, false for array of transaction ids"},
			{name: "mempool_sequence", kind: boolean, optional: true, standard: "false", help: "If verbose=false, returns a json object with transaction list and mempool sequence number attached."},
		},
		result: "(json array) of transaction ids, or (json object) of what is known of each by its id"},
}

type mempoolInfoJSON struct {
	Loaded              bool   `json:"loaded"`
	Size                int    `json:"size"`
	Bytes               int    `json:"bytes"`
	Usage               int64  `json:"usage"`
	TotalFee            amount `json:"total_fee"`
	MaxMempool          int64  `json:"maxmempool"`
	MinFee              amount `json:"mempoolminfee"`
	MinRelayFee         amount `json:"minrelaytxfee"`
	IncrementalRelayFee amount `json:"incrementalrelayfee"`
	Unbroadcast         int    `json:"unbroadcastcount"` // 0: what is accepted is announced at once, and to every later peer
	FullRBF             bool   `json:"fullrbf"`
}

func getMempoolInfo(c *call) (any, error) {
	v, o := c.node.Pool.View(), c.node.Pool.Options()
	return mempoolInfoJSON{Loaded: true, Size: v.Len(), Bytes: v.Bytes(), Usage: v.Usage(), TotalFee: amount(v.Fees()), MaxMempool: v.MaxBytes(),
		MinFee: amount(max(v.MinFee(), v.MinRelayFee())), MinRelayFee: amount(v.MinRelayFee()), IncrementalRelayFee: amount(o.IncrementalRelayFee), FullRBF: o.FullRBF}, nil
}

type poolFeesJSON struct {
	Base       amount `json:"base"`
	Modified   amount `json:"modified"`
	Ancestor   amount `json:"ancestor"`
	Descendant amount `json:"descendant"`
}

// poolEntryJSON has the fields of Core's entryToJSON in its order.
type poolEntryJSON struct {
	VSize           int          `json:"vsize"`
	Weight          int          `json:"weight"`
	Time            int64        `json:"time"`
	Height          int32        `json:"height"`
	DescendantCount int          `json:"descendantcount"`
	DescendantSize  int          `json:"descendantsize"`
	AncestorCount   int          `json:"ancestorcount"`
	AncestorSize    int          `json:"ancestorsize"`
	WitnessID       coin.Hash    `json:"wtxid"`
	Fees            poolFeesJSON `json:"fees"`
	Depends         []coin.Hash  `json:"depends"`
	SpentBy         []coin.Hash  `json:"spentby"`
	Replaceable     bool         `json:"bip125-replaceable"`
	Unbroadcast     bool         `json:"unbroadcast"`
}

func poolEntryOf(v *mempool.View, e *mempool.Entry) poolEntryJSON {
	return poolEntryJSON{VSize: e.VSize, Weight: e.Weight, Time: e.Time.Unix(), Height: e.Height,
		DescendantCount: e.Descendants.Count, DescendantSize: e.Descendants.VSize,
		AncestorCount: e.Ancestors.Count, AncestorSize: e.Ancestors.VSize, WitnessID: e.Tx.WitnessID(),
		Fees:    poolFeesJSON{Base: amount(e.Fee), Modified: amount(e.ModifiedFee), Ancestor: amount(e.Ancestors.Fee), Descendant: amount(e.Descendants.Fee)},
		Depends: parents(v, e.Tx), SpentBy: children(v, e.Tx), Replaceable: replaceable(v, e.Tx)}
}

func getMempoolEntry(c *call) (any, error) {
	id := c.hash(0, "txid")
	if c.err != nil {
		return nil, c.err
	}
	v := c.node.Pool.View()
	e, ok := v.Get(id)
	if !ok {
		return nil, errorf(codeAddressOrKey, "Transaction not in mempool")
	}
	return poolEntryOf(v, e), nil
}

// parents returns the unconfirmed transactions that tx spends from, each once, in the order of their text.
func parents(v *mempool.View, tx *coin.Tx) []coin.Hash {
	ids := []coin.Hash{}
	for _, in := range tx.In {
		if v.Has(in.Prev.Hash) {
			ids = append(ids, in.Prev.Hash)
		}
	}
	return sorted(ids)
}

// children returns the unconfirmed transactions that spend from tx, each once, in the order of their text.
func children(v *mempool.View, tx *coin.Tx) []coin.Hash {
	ids := []coin.Hash{}
	for i := range tx.Out {
		if id, ok := v.Spender(coin.OutPoint{Hash: tx.ID(), Index: uint32(i)}); ok {
			ids = append(ids, id)
		}
	}
	return sorted(ids)
}

func sorted(ids []coin.Hash) []coin.Hash {
	slices.SortFunc(ids, func(a, b coin.Hash) int { return cmp.Compare(a.String(), b.String()) })
	return slices.Compact(ids)
}

// signalsReplacement is the highest sequence number by which an input opts in to replacement (BIP 125).
const signalsReplacement = 0xfffffffd

// replaceable tells whether a transaction, or an unconfirmed ancestor in v, opts in to replacement. This pool replaces
// whatever is outbid, whether it opts in or not; the sign is for others.
func replaceable(v *mempool.View, tx *coin.Tx) bool {
	seen := map[coin.Hash]bool{}
	line := []*coin.Tx{tx}
	for len(line) > 0 {
		tx, line = line[0], line[1:]
		for _, in := range tx.In {
			if in.Sequence <= signalsReplacement {
				return true
			}
			if e, ok := v.Get(in.Prev.Hash); ok && !seen[in.Prev.Hash] {
				seen[in.Prev.Hash] = true
				line = append(line, e.Tx)
			}
		}
	}
	return false
}

// keyed is a JSON object whose keys are hashes, in the order of the list.
type keyed[T any] []struct {
	key   coin.Hash
	value T
}

// MarshalJSON writes the object in order.
func (k keyed[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range k {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + e.key.String() + `":`)
		value, err := encode(e.value)
		if err != nil {
			return nil, err
		}
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

type sequencedJSON struct {
	TxIDs    []coin.Hash `json:"txids"`
	Sequence uint64      `json:"mempool_sequence"`
}

func getRawMempool(c *call) (any, error) {
	verbose, sequence := c.boolean(0, false), c.boolean(1, false)
	if c.err != nil {
		return nil, c.err
	}
	if verbose && sequence {
		return nil, errorf(codeParameter, "Verbose results cannot contain mempool sequence values.")
	}
	v := c.node.Pool.View()
	entries := v.Entries()
	if verbose {
		all := make(keyed[poolEntryJSON], len(entries))
		for i, e := range entries {
			all[i].key, all[i].value = e.ID, poolEntryOf(v, e)
		}
		return all, nil
	}
	ids := make([]coin.Hash, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	if sequence {
		return sequencedJSON{ids, v.Seq()}, nil
	}
	return ids, nil
}
