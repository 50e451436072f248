package web

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
	"cheese/miner"
	"cheese/script"
)

// blockFacts is what a summary needs of a block's body, which never changes.
type blockFacts struct {
	miner    string
	txs      int
	size     int
	reward   coin.Amount
	coinbase *coin.Tx
}

// maxFacts bounds the remembered facts; all are forgotten when it is reached.
const maxFacts = 4096

// facts reads a block's body once. Of a block without body nothing is known.
func (s *Server) facts(v *chain.View, e chain.Entry) blockFacts {
	s.mu.Lock()
	f, ok := s.seen[e.Hash]
	s.mu.Unlock()
	if ok || !e.HasBody {
		return f
	}
	b, err := v.Block(e.Hash)
	if err != nil {
		return f
	}
	f = s.blockFacts(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) >= maxFacts {
		clear(s.seen)
	}
	s.seen[e.Hash] = f
	return f
}

func (s *Server) blockFacts(b *coin.Block) blockFacts {
	return blockFacts{miner: miner.MinerName(b.Txs[0]), txs: len(b.Txs), size: b.Size(), coinbase: b.Txs[0], reward: b.Txs[0].OutputSum()}
}

type jsonStack struct {
	Tip    coin.Hash   `json:"tip"`
	Blocks []jsonBlock `json:"blocks"`
}

type jsonBlock struct {
	Hash       coin.Hash   `json:"hash"`
	Prev       coin.Hash   `json:"prev"`
	Height     int32       `json:"height"`
	Miner      string      `json:"miner"`
	Time       int64       `json:"time"`
	Nonce      uint32      `json:"nonce"`
	Bits       string      `json:"bits"`
	Difficulty float64     `json:"difficulty"`
	Txs        int         `json:"txs"`
	Size       int         `json:"size"`
	Fees       coin.Amount `json:"fees"`
	Reward     coin.Amount `json:"reward"`
	Best       bool        `json:"best"`
	Valid      bool        `json:"valid"`
	Mine       bool        `json:"mine"`
	Genesis    bool        `json:"genesis"`
}

// stack returns the newest heights of the best chain at or below from (-1: the tip) with every fork block among them,
// newest first, the best chain's first at each height.
func (s *Server) stack(from int32, heights int32) jsonStack {
	v := s.node.Chain.View()
	top := v.Tip().Height()
	for _, t := range v.Tips() {
		if t.Status != "headers-only" {
			top = max(top, t.Height)
		}
	}
	if from >= 0 {
		top = min(top, from)
	}
	low := max(0, min(top, v.Tip().Height())-heights+1)
	out := jsonStack{Tip: v.Tip().Hash(), Blocks: []jsonBlock{}}
	for h := min(top, v.Tip().Height()); h >= low; h-- {
		if e, ok := v.ByHeight(h); ok {
			out.Blocks = append(out.Blocks, s.block(v, e))
		}
	}
	out.Blocks = append(out.Blocks, s.forks(v, low, top)...)
	slices.SortStableFunc(out.Blocks, func(a, b jsonBlock) int {
		return cmp.Or(cmp.Compare(b.Height, a.Height), compareBool(b.Best, a.Best))
	})
	return out
}

// maxForkBlocks bounds how many blocks of side branches one answer holds.
const maxForkBlocks = 200

// forks returns the blocks of side branches with heights from low to top.
func (s *Server) forks(v *chain.View, low, top int32) (out []jsonBlock) {
	seen := map[coin.Hash]bool{}
	for _, t := range v.Tips() {
		for e, ok := v.Ancestor(t.Hash, min(t.Height, top)); ok && e.Height >= low && !v.Contains(e.Hash) && !seen[e.Hash]; e, ok = v.ByHash(e.Header.Prev) {
			seen[e.Hash] = true
			if e.Height <= top && e.HasBody && len(out) < maxForkBlocks {
				out = append(out, s.block(v, e))
			}
		}
	}
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (s *Server) block(v *chain.View, e chain.Entry) jsonBlock {
	f := s.facts(v, e)
	fees := max(0, f.reward-consensus.Subsidy(s.node.Params, e.Height))
	return jsonBlock{Hash: e.Hash, Prev: e.Header.Prev, Height: e.Height, Miner: f.miner, Time: int64(e.Header.Time), Nonce: e.Header.Nonce,
		Bits: fmt.Sprintf("%08x", e.Header.Bits), Difficulty: coin.Difficulty(e.Header.Bits), Txs: f.txs, Size: f.size, Fees: fees, Reward: f.reward,
		Best: v.Contains(e.Hash), Valid: e.Status != chain.Invalid, Mine: f.coinbase != nil && s.node.Ours(f.coinbase), Genesis: e.Height == 0}
}

type jsonBlockDetail struct {
	jsonBlock
	Merkle        coin.Hash `json:"merkle"`
	Version       int32     `json:"version"`
	Weight        int       `json:"weight"`
	Confirmations int32     `json:"confirmations"`
	Next          string    `json:"next"`
	CoinbaseText  string    `json:"coinbaseText"`
	TxList        []jsonTx  `json:"txList"`
}

type jsonTx struct {
	TxID     coin.Hash    `json:"txid"`
	Coinbase bool         `json:"coinbase"`
	VSize    int          `json:"vsize"`
	Fee      *coin.Amount `json:"fee"`
	In       []jsonIn     `json:"in"`
	Out      []jsonOut    `json:"out"`
}

type jsonIn struct {
	TxID    coin.Hash    `json:"txid"`
	Vout    uint32       `json:"vout"`
	Address string       `json:"address"`
	Value   *coin.Amount `json:"value"`
}

type jsonOut struct {
	Address string      `json:"address"`
	Value   coin.Amount `json:"value"`
	Type    string      `json:"type"`
}

// getBlock answers GET /api/block/HASH.
func (s *Server) getBlock(r *http.Request) (any, error) {
	hash, err := coin.ParseHash(r.PathValue("hash"))
	if err != nil {
		return nil, &problem{Code: "hash", Field: "hash", Message: err.Error()}
	}
	v := s.node.Chain.View()
	e, ok := v.ByHash(hash)
	if !ok {
		return nil, &problem{Code: "not-found", Field: "hash", Message: "no cheese on this peer has that smell"}
	}
	b, err := v.Block(hash)
	if err != nil {
		return nil, fmt.Errorf("read block: %w", err)
	}
	d := jsonBlockDetail{jsonBlock: s.block(v, e), Merkle: b.Merkle, Version: b.Version, Weight: b.Weight(),
		CoinbaseText: printable(b.Txs[0].In[0].Script), TxList: []jsonTx{}}
	if d.Best {
		d.Confirmations = v.Tip().Height() - e.Height + 1
		if next, ok := v.ByHeight(e.Height + 1); ok {
			d.Next = next.Hash.String()
		}
	}
	spent := spentOutputs(v, hash)
	for _, tx := range b.Txs[:min(len(b.Txs), maxTxShown)] {
		d.TxList = append(d.TxList, s.tx(tx, spent))
	}
	return d, nil
}

// maxTxShown bounds how many transactions of a block one answer holds.
const maxTxShown = 500

// spentOutputs returns the outputs that a connected block spent; of one that never was connected nothing is known.
func spentOutputs(v *chain.View, hash coin.Hash) func(coin.OutPoint) (coin.TxOut, bool) {
	outs := map[coin.OutPoint]coin.TxOut{}
	undo, _ := v.Undo(hash) // missing undo data only leaves values out
	for _, c := range undo {
		outs[c.OutPoint] = c.Coin.Out
	}
	return func(o coin.OutPoint) (coin.TxOut, bool) { out, ok := outs[o]; return out, ok }
}

func (s *Server) tx(tx *coin.Tx, spent func(coin.OutPoint) (coin.TxOut, bool)) jsonTx {
	j := jsonTx{TxID: tx.ID(), Coinbase: tx.IsCoinbase(), VSize: tx.VSize(), In: []jsonIn{}, Out: []jsonOut{}}
	fee, known := coin.Amount(0), !j.Coinbase
	for _, in := range tx.In {
		i := jsonIn{TxID: in.Prev.Hash, Vout: in.Prev.Index}
		if out, ok := spent(in.Prev); ok {
			i.Address, _ = s.node.Params.Address(out.Script)
			i.Value = &out.Value
			fee += out.Value
		} else {
			known = false
		}
		j.In = append(j.In, i)
	}
	for _, out := range tx.Out {
		class, _ := script.Classify(out.Script)
		o := jsonOut{Value: out.Value, Type: class.String()}
		o.Address, _ = s.node.Params.Address(out.Script)
		j.Out = append(j.Out, o)
		fee -= out.Value
	}
	if known {
		j.Fee = &fee
	}
	return j
}

type jsonTxDetail struct {
	jsonTx
	Block         string `json:"block"`
	Height        int32  `json:"height"`
	Confirmations int32  `json:"confirmations"`
	Raw           string `json:"raw"`
}

// searchDepth is how many of the newest blocks are searched for a transaction, since there is no index of them yet.
const searchDepth = 1000

// getTx answers GET /api/tx/TXID from the pool or the newest blocks.
func (s *Server) getTx(r *http.Request) (any, error) {
	id, err := coin.ParseHash(r.PathValue("txid"))
	if err != nil {
		return nil, &problem{Code: "hash", Field: "txid", Message: err.Error()}
	}
	pool := s.node.Pool.View()
	v := s.node.Chain.View()
	if e, ok := pool.Get(id); ok {
		return jsonTxDetail{jsonTx: s.tx(e.Tx, func(o coin.OutPoint) (coin.TxOut, bool) {
			if out, ok := pool.Coin(o); ok {
				return out, true
			}
			c, ok, err := v.Coin(o)
			return c.Out, ok && err == nil
		}), Height: -1, Raw: hex.EncodeToString(e.Tx.Bytes())}, nil
	}
	for h := v.Tip().Height(); h >= 0 && h > v.Tip().Height()-searchDepth; h-- {
		e, ok := v.ByHeight(h)
		if !ok {
			break
		}
		b, err := v.Block(e.Hash)
		if err != nil {
			return nil, fmt.Errorf("read block: %w", err)
		}
		if i := slices.IndexFunc(b.Txs, func(tx *coin.Tx) bool { return tx.ID() == id }); i >= 0 {
			return jsonTxDetail{jsonTx: s.tx(b.Txs[i], spentOutputs(v, e.Hash)), Block: e.Hash.String(), Height: h,
				Confirmations: v.Tip().Height() - h + 1, Raw: hex.EncodeToString(b.Txs[i].Bytes())}, nil
		}
	}
	return nil, &problem{Code: "not-found", Field: "txid", Message: fmt.Sprintf("neither the pool nor the newest %d cheeses hold that transaction", searchDepth)}
}

// getStack answers GET /api/stack?before=HEIGHT&limit=N.
func (s *Server) getStack(r *http.Request) (any, error) {
	before, err1 := queryInt(r, "before", -1)
	limit, err2 := queryInt(r, "limit", stackHeights)
	if err := errors.Join(err1, err2); err != nil {
		return nil, &problem{Code: "number", Message: err.Error()}
	}
	if before == 0 {
		return jsonStack{Tip: s.node.Chain.View().Position().Hash, Blocks: []jsonBlock{}}, nil
	}
	if before > 0 {
		before--
	}
	return s.stack(int32(before), int32(min(max(limit, 1), 200))), nil
}

func queryInt(r *http.Request, name string, fallback int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is a number from 0 on, not %q", name, text)
	}
	return int(n), nil
}

// printable returns the readable parts of a coinbase script.
func printable(b []byte) string {
	return string(slices.DeleteFunc(slices.Clone(b), func(c byte) bool { return c < ' ' || c > '~' }))
}
