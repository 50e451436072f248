package rpc

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
)

var blockchainMethods = []method{
	{name: "getbestblockhash", category: inBlockchain, run: getBestBlockHash,
		help:   "Returns the hash of the best (tip) block in the most-work fully-validated chain.",
		result: `"hex" (string) the block hash, hex-encoded`},
	{name: "getblock", category: inBlockchain, run: getBlock,
		help: "Returns a block: as hexadecimal data for verbosity 0, as an object for 1, with its transactions for 2, and\n" +
			"with the outputs they spend for 3.",
		args: []arg{
			{name: "blockhash", kind: text, help: "The block hash"},
			{name: "verbosity|verbose", kind: level, optional: true, standard: "1", help: "0, 1, 2 or 3; false means 0 and true means 1"},
		},
		result: "The block as hexadecimal data or as an object"},
	{name: "getblockchaininfo", category: inBlockchain, run: getBlockchainInfo,
		help:   "Returns an object containing various state info regarding blockchain processing.",
		result: "(json object) chain, blocks, headers, bestblockhash and more"},
	{name: "getblockcount", category: inBlockchain, run: getBlockCount,
		help:   "Returns the height of the most-work fully-validated chain. The genesis block has height 0.",
		result: "n (numeric) The current block count"},
	{name: "getblockhash", category: inBlockchain, run: getBlockHash,
		help:   "Returns hash of block in best-block-chain at height provided.",
		args:   []arg{{name: "height", kind: number, help: "The height index"}},
		result: `"hex" (string) The block hash`},
	{name: "getchaintips", category: inBlockchain, run: getChainTips,
		help:   "Return information about all known tips in the block tree, including the main chain as well as orphaned branches.",
		result: "(json array) of objects: height, hash, branchlen, status"},
	{name: "getblockheader", category: inBlockchain, run: getBlockHeader,
		help: "Returns a block's header, as an object or as hexadecimal data.",
		args: []arg{
			{name: "blockhash", kind: text, help: "The block hash"},
			{name: "verbose", kind: boolean, optional: true, standard: "true", help: "true for a json object, false for the hex-encoded data"},
		},
		result: "The header as hexadecimal data or as an object"},
}

func getBestBlockHash(c *call) (any, error) { return c.node.Chain.View().Tip().Hash(), nil }

func getBlockCount(c *call) (any, error) { return c.node.Chain.View().Tip().Height(), nil }

func getBlockHash(c *call) (any, error) {
	height := c.integer(0, 0)
	if c.err != nil {
		return nil, c.err
	}
	v := c.node.Chain.View()
	if height < 0 || height > int(v.Tip().Height()) {
		return nil, errorf(codeParameter, "Block height out of range")
	}
	e, ok := v.ByHeight(int32(height))
	if !ok {
		return nil, errorf(codeParameter, "Block height out of range")
	}
	return e.Hash, nil
}

type tipJSON struct {
	Height    int32     `json:"height"`
	Hash      coin.Hash `json:"hash"`
	BranchLen int32     `json:"branchlen"`
	Status    string    `json:"status"`
}

// getChainTips lists the highest first, as Core does.
func getChainTips(c *call) (any, error) {
	tips := []tipJSON{}
	for _, t := range c.node.Chain.View().Tips() {
		tips = append(tips, tipJSON{t.Height, t.Hash, t.BranchLen, t.Status})
	}
	slices.SortFunc(tips, func(a, b tipJSON) int { return cmp.Or(cmp.Compare(b.Height, a.Height), a.Hash.Compare(b.Hash)) })
	return tips, nil
}

// headerJSON has the fields of Core's blockheaderToJSON in its order.
type headerJSON struct {
	Hash          coin.Hash  `json:"hash"`
	Confirmations int32      `json:"confirmations"` // -1 off the best chain
	Height        int32      `json:"height"`
	Version       int32      `json:"version"`
	VersionHex    bits32     `json:"versionHex"`
	Merkle        coin.Hash  `json:"merkleroot"`
	Time          uint32     `json:"time"`
	MedianTime    uint32     `json:"mediantime"`
	Nonce         uint32     `json:"nonce"`
	Bits          bits32     `json:"bits"`
	Difficulty    float64    `json:"difficulty"`
	ChainWork     string     `json:"chainwork"`
	Txs           int        `json:"nTx"`
	Prev          *coin.Hash `json:"previousblockhash,omitempty"`
	Next          *coin.Hash `json:"nextblockhash,omitempty"`
}

// headerOf describes the block of e, which has txs transactions; 0 where its body is not here.
func headerOf(v *chain.View, e chain.Entry, txs int) headerJSON {
	h := e.Header
	j := headerJSON{Hash: e.Hash, Confirmations: -1, Height: e.Height, Version: h.Version, VersionHex: bits32(h.Version), Merkle: h.Merkle,
		Time: h.Time, MedianTime: e.State.MedianTime(), Nonce: h.Nonce, Bits: bits32(h.Bits), Difficulty: coin.Difficulty(h.Bits),
		ChainWork: workHex(e.State.Work()), Txs: txs}
	if e.Height > 0 {
		j.Prev = &h.Prev
	}
	if v.Contains(e.Hash) {
		j.Confirmations = v.Tip().Height() - e.Height + 1
		if next, ok := v.ByHeight(e.Height + 1); ok {
			j.Next = &next.Hash
		}
	}
	return j
}

func workHex(work *big.Int) string { return fmt.Sprintf("%064x", work) }

func getBlockHeader(c *call) (any, error) {
	hash, verbose := c.hash(0, "hash"), c.boolean(1, true)
	if c.err != nil {
		return nil, c.err
	}
	v := c.node.Chain.View()
	e, ok := v.ByHash(hash)
	if !ok {
		return nil, errorf(codeAddressOrKey, "Block not found")
	}
	if !verbose {
		return hexed(e.Header.Append(nil)), nil
	}
	txs := 0
	if e.HasBody {
		b, err := v.Block(hash)
		if err != nil {
			return nil, internal(err)
		}
		txs = len(b.Txs)
	}
	return headerOf(v, e, txs), nil
}

// blockJSON has the fields of Core's blockToJSON in its order.
type blockJSON struct {
	headerJSON
	StrippedSize int   `json:"strippedsize"`
	Size         int   `json:"size"`
	Weight       int   `json:"weight"`
	Tx           []any `json:"tx"` // hashes or *txJSON
}

func getBlock(c *call) (any, error) {
	hash, verbosity := c.hash(0, "blockhash"), c.level(1, 1)
	if c.err != nil {
		return nil, c.err
	}
	v := c.node.Chain.View()
	e, ok := v.ByHash(hash)
	if !ok {
		return nil, errorf(codeAddressOrKey, "Block not found")
	}
	b, err := v.Block(hash)
	if errors.Is(err, chain.ErrNoBody) {
		return nil, errorf(codeMisc, "Block not found on disk")
	}
	if err != nil {
		return nil, internal(err)
	}
	if verbosity <= 0 {
		return hexed(b.Bytes()), nil
	}
	j := blockJSON{headerJSON: headerOf(v, e, len(b.Txs)), StrippedSize: b.BaseSize(), Size: b.Size(), Weight: b.Weight(), Tx: []any{}}
	if verbosity == 1 {
		for _, tx := range b.Txs {
			j.Tx = append(j.Tx, tx.ID())
		}
		return j, nil
	}
	spent := spentBy(v, b)
	for i, tx := range b.Txs {
		j.Tx = append(j.Tx, c.server.txJSON(tx, spent[i], verbosity > 2).withHex(tx))
	}
	return j, nil
}

// spentBy returns for each transaction of a block the coins it spent, nil for the coinbase. For a block that was never
// connected they are not known, and all are nil.
func spentBy(v *chain.View, b *coin.Block) [][]consensus.SpentCoin {
	spent := make([][]consensus.SpentCoin, len(b.Txs))
	undo, err := v.Undo(b.Hash())
	if err != nil {
		return spent
	}
	for i, tx := range b.Txs {
		if tx.IsCoinbase() {
			continue
		}
		if len(undo) < len(tx.In) {
			return make([][]consensus.SpentCoin, len(b.Txs))
		}
		spent[i], undo = undo[:len(tx.In):len(tx.In)], undo[len(tx.In):]
	}
	return spent
}

type blockchainInfoJSON struct {
	Chain         string    `json:"chain"`
	Blocks        int32     `json:"blocks"`
	Headers       int32     `json:"headers"`
	BestBlockHash coin.Hash `json:"bestblockhash"`
	Difficulty    float64   `json:"difficulty"`
	Time          uint32    `json:"time"`
	MedianTime    uint32    `json:"mediantime"`
	Progress      float64   `json:"verificationprogress"`
	Downloading   bool      `json:"initialblockdownload"`
	ChainWork     string    `json:"chainwork"`
	SizeOnDisk    int64     `json:"size_on_disk"`
	Pruned        bool      `json:"pruned"`
	Warnings      []string  `json:"warnings"`
}

func getBlockchainInfo(c *call) (any, error) {
	v := c.node.Chain.View()
	tip, best := v.Tip(), v.BestHeader()
	size, err := c.node.Chain.SizeOnDisk()
	if err != nil {
		return nil, internal(err)
	}
	return blockchainInfoJSON{Chain: c.node.Params.Name, Blocks: tip.Height(), Headers: best.Height(), BestBlockHash: tip.Hash(),
		Difficulty: coin.Difficulty(tip.Header().Bits), Time: tip.Header().Time, MedianTime: tip.MedianTime(), Progress: progress(tip, best),
		Downloading: c.server.initialDownload(tip), ChainWork: workHex(tip.Work()), SizeOnDisk: size, Warnings: c.warnings()}, nil
}

// progress estimates how much of the best known chain is verified, from 0 to 1, by its work.
func progress(tip, best consensus.State) float64 {
	if tip.Work().Cmp(best.Work()) >= 0 {
		return 1
	}
	done, _ := new(big.Rat).SetFrac(tip.Work(), best.Work()).Float64()
	return done
}

// recentTip is how old a tip may be by its timestamp for a node to count as caught up, as in Core.
const recentTip = 24 * time.Hour

// initialDownload tells whether the node is still fetching the past. As in Core, once false it stays so: a chain that
// nobody mines on for a day is not a download.
func (s *Server) initialDownload(tip consensus.State) bool {
	if s.node.Now().Sub(time.Unix(int64(tip.Header().Time), 0)) < recentTip {
		s.synced.Store(true)
	}
	return !s.synced.Load()
}

// warnings lists what the operator should know.
func (c *call) warnings() []string {
	if w := c.node.ClockWarning(); w != "" {
		return []string{w}
	}
	return []string{}
}
