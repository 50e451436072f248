package rpc

import (
	"context"
	"errors"
	"math/big"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
)

var miningMethods = []method{
	{name: "generatetoaddress", category: inGenerating, run: generateToAddress,
		help: "Mine to a specified address and return the block hashes.",
		args: []arg{
			{name: "nblocks", kind: number, help: "How many blocks are generated."},
			{name: "address", kind: text, help: "The address to send the newly generated coins to."},
			{name: "maxtries", kind: number, optional: true, standard: "1000000", help: "How many iterations to try."},
		},
		result: "(json array) hashes of blocks generated"},
	{name: "getblocktemplate", category: inMining, run: getBlockTemplate,
		help:   "Returns data needed to construct a block to work on (BIPs 22, 23, 9 and 145). Proposals are not served.",
		args:   []arg{{name: "template_request", kind: object, help: `mode ("template"), capabilities, rules (which must hold "segwit"), longpollid`}},
		result: "(json object) version, rules, previousblockhash, transactions, coinbasevalue, target, mintime, curtime, bits, height and more"},
	{name: "getmininginfo", category: inMining, run: getMiningInfo,
		help:   "Returns a json object containing mining-related information.",
		result: "(json object) blocks, difficulty, networkhashps, pooledtx, chain, warnings"},
	{name: "submitblock", category: inMining, run: submitBlock,
		help: "Attempts to submit new block to network (BIP 22).",
		args: []arg{
			{name: "hexdata", kind: text, help: "the hex-encoded block data to submit"},
			{name: "dummy", kind: text, optional: true, standard: "ignored", help: "dummy value, for compatibility with BIP22. This value is ignored."},
		},
		result: `null if the block was accepted, otherwise "str" (string) why not, according to BIP22`},
}

const defaultMaxTries = 1_000_000

func generateToAddress(c *call) (any, error) {
	n, address, tries := c.integer(0, 0), c.text(1), c.integer(2, defaultMaxTries)
	if c.err != nil {
		return nil, c.err
	}
	script, err := c.node.Params.ParseAddress(address)
	if err != nil {
		return nil, errorf(codeAddressOrKey, "Error: Invalid address (%v)", err)
	}
	hashes := []coin.Hash{}
	if n <= 0 || tries <= 0 { // the miner takes no tries for no bound
		return hashes, nil
	}
	found, err := c.node.Miner.Generate(c.ctx, script, n, uint64(tries))
	if errors.Is(err, context.Canceled) {
		return nil, errorf(codeMisc, "the caller has gone after %d of %d blocks", len(found), n)
	}
	if err != nil {
		return nil, errorf(codeInternal, "generate blocks: %v", err)
	}
	return append(hashes, found...), nil
}

type miningInfoJSON struct {
	Blocks      int32    `json:"blocks"`
	Difficulty  float64  `json:"difficulty"`
	NetworkRate float64  `json:"networkhashps"`
	Pooled      int      `json:"pooledtx"`
	Chain       string   `json:"chain"`
	Warnings    []string `json:"warnings"`
}

func getMiningInfo(c *call) (any, error) {
	v := c.node.Chain.View()
	tip := v.Tip()
	return miningInfoJSON{Blocks: tip.Height(), Difficulty: coin.Difficulty(tip.Header().Bits), NetworkRate: networkRate(v),
		Pooled: c.node.Pool.View().Len(), Chain: c.node.Params.Name, Warnings: c.warnings()}, nil
}

// rateBlocks is over how many blocks the network's hash rate is measured.
const rateBlocks = 120

// networkRate estimates the network's hashes per second from the work of the last blocks and the span of their
// timestamps, as Core's getnetworkhashps.
func networkRate(v *chain.View) float64 {
	tip := v.Tip()
	lookup := min(rateBlocks, tip.Height())
	first := tip.Header().Time
	last := first
	var from *big.Int
	for n := range lookup {
		e, ok := v.ByHeight(tip.Height() - n - 1)
		if !ok {
			return 0
		}
		first, last, from = min(first, e.Header.Time), max(last, e.Header.Time), e.State.Work()
	}
	if first == last {
		return 0
	}
	work, _ := new(big.Float).SetInt(new(big.Int).Sub(tip.Work(), from)).Float64()
	return work / float64(last-first)
}

func submitBlock(c *call) (any, error) {
	b := c.bytes(0, "Block decode failed")
	if c.err != nil {
		return nil, c.err
	}
	block, err := coin.ParseBlock(b)
	if err != nil {
		return nil, errorf(codeDecode, "Block decode failed")
	}
	if len(block.Txs) == 0 || !block.Txs[0].IsCoinbase() {
		return nil, errorf(codeDecode, "Block does not start with a coinbase")
	}
	hash := block.Hash()
	if e, ok := c.node.Chain.View().ByHash(hash); ok {
		switch e.Status {
		case chain.Active, chain.Valid:
			return "duplicate", nil
		case chain.Invalid:
			return "duplicate-invalid", nil
		}
	}
	addReserved(block)
	var broken *consensus.RuleError
	switch err := c.node.Chain.Submit(block); {
	case errors.Is(err, chain.ErrDuplicate):
		return "duplicate", nil
	case errors.As(err, &broken):
		return broken.Reason, nil
	case err != nil:
		return nil, errorf(codeVerify, "%v", err)
	}
	if err := errors.Join(c.node.Chain.Flush(), c.node.Pool.Sync()); err != nil { // the pool sees every block
		return nil, internal(err)
	}
	if !c.node.Chain.View().Contains(hash) {
		return "inconclusive", nil
	}
	return nil, nil
}

// addReserved adds the coinbase's witness, 32 zero bytes, to a block whose miner committed to witnesses and left it
// out, as miners may that know nothing of segwit (BIP 141).
func addReserved(b *coin.Block) {
	coinbase := b.Txs[0]
	if _, _, commits := consensus.WitnessCommitment(b); !commits || coinbase.HasWitness() {
		return
	}
	completed := coinbase.Clone()
	completed.In[0].Witness = [][]byte{make([]byte, 32)}
	b.Txs[0] = completed
}
