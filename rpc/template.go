package rpc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"cheese/coin"
	"cheese/consensus"
	"cheese/mempool"
	"cheese/miner"
)

// templateRequest is the argument of getblocktemplate that BIPs 22, 23 and 9 define.
type templateRequest struct {
	Mode     json.RawMessage `json:"mode"`
	Rules    json.RawMessage `json:"rules"`
	LongPoll json.RawMessage `json:"longpollid"`
}

// templateJSON has the fields of Core's getblocktemplate in its order.
type templateJSON struct {
	Capabilities  []string         `json:"capabilities"`
	Version       int32            `json:"version"`
	Rules         []string         `json:"rules"`
	Available     struct{}         `json:"vbavailable"` // no deployment waits for miners' votes
	Required      int              `json:"vbrequired"`
	Prev          coin.Hash        `json:"previousblockhash"`
	Txs           []templateTxJSON `json:"transactions"`
	Aux           struct{}         `json:"coinbaseaux"`
	CoinbaseValue int64            `json:"coinbasevalue"` // crumbs
	LongPollID    string           `json:"longpollid"`
	Target        string           `json:"target"`
	MinTime       uint32           `json:"mintime"`
	Mutable       []string         `json:"mutable"`
	NonceRange    string           `json:"noncerange"`
	SigOpLimit    int              `json:"sigoplimit"`
	SizeLimit     int              `json:"sizelimit"`
	WeightLimit   int              `json:"weightlimit"`
	Time          uint32           `json:"curtime"`
	Bits          bits32           `json:"bits"`
	Height        int32            `json:"height"`
	Commitment    hexed            `json:"default_witness_commitment,omitempty"`
}

type templateTxJSON struct {
	Data    hexed     `json:"data"`
	TxID    coin.Hash `json:"txid"`
	Hash    coin.Hash `json:"hash"`
	Depends []int     `json:"depends"` // places in the list, from 1
	Fee     int64     `json:"fee"`     // crumbs
	SigOps  int       `json:"sigops"`
	Weight  int       `json:"weight"`
}

// anyoneCanSpend is a script for the coinbase of a template, which the miner replaces.
var anyoneCanSpend = []byte{0x51} // OP_TRUE

func getBlockTemplate(c *call) (any, error) {
	var r templateRequest
	if c.has(0) && json.Unmarshal(c.params[0], &r) != nil {
		return nil, errorf(codeParse, "Parse error")
	}
	rules, err := r.check()
	if err != nil {
		return nil, err
	}
	if err := c.awaitTemplate(r.LongPoll); err != nil {
		return nil, err
	}
	if !slices.Contains(rules, "segwit") {
		return nil, errorf(codeParameter, `getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})`)
	}
	pool, v := c.node.Pool.View(), c.node.Chain.View()
	tip := v.Tip()
	b, _, err := miner.Template(tip, pool, miner.TemplateOptions{PayTo: anyoneCanSpend, Now: c.node.Now()})
	if err != nil {
		return nil, internal(err)
	}
	return templateOf(b, tip, pool), nil
}

// check reads what the request asks for and returns the rules that the caller knows.
func (r *templateRequest) check() (rules []string, err error) {
	mode := "template"
	if isSet(r.Mode) && json.Unmarshal(r.Mode, &mode) != nil || mode != "template" && mode != "proposal" {
		return nil, errorf(codeParameter, "Invalid mode")
	}
	if mode == "proposal" {
		return nil, errorf(codeParameter, "Invalid mode (proposals are not served: use submitblock)")
	}
	if typeName(r.Rules) == "array" && json.Unmarshal(r.Rules, &rules) != nil {
		return nil, wrongType(r.Rules, "array of strings")
	}
	return rules, nil
}

func templateOf(b *coin.Block, tip consensus.State, pool *mempool.View) *templateJSON {
	j := &templateJSON{Capabilities: []string{}, Version: b.Version, Rules: []string{"csv", "!segwit", "taproot"}, Prev: b.Prev,
		Txs: []templateTxJSON{}, CoinbaseValue: int64(b.Txs[0].Out[0].Value), LongPollID: longPollID(b.Prev, pool.Seq()),
		Target: fmt.Sprintf("%064x", coin.Target(b.Bits)), MinTime: tip.EarliestTime(), Mutable: []string{"time", "transactions", "prevblock"},
		NonceRange: "00000000ffffffff", SigOpLimit: consensus.MaxBlockSigOpCost, SizeLimit: consensus.MaxBlockWeight,
		WeightLimit: consensus.MaxBlockWeight, Time: b.Time, Bits: bits32(b.Bits), Height: tip.Height() + 1}
	if at, _, ok := consensus.WitnessCommitment(b); ok {
		j.Commitment = b.Txs[0].Out[at].Script
	}
	place := map[coin.Hash]int{}
	for i, tx := range b.Txs[1:] {
		t := templateTxJSON{Data: tx.Bytes(), TxID: tx.ID(), Hash: tx.WitnessID(), Depends: []int{}, Weight: tx.Weight()}
		if e, ok := pool.Get(tx.ID()); ok {
			t.Fee, t.SigOps = int64(e.Fee), e.SigOpCost
		}
		for _, in := range tx.In {
			if at, ok := place[in.Prev.Hash]; ok {
				t.Depends = append(t.Depends, at)
			}
		}
		place[t.TxID] = i + 1
		j.Txs = append(j.Txs, t)
	}
	return j
}

// longPollID names a template: the block it builds on, and the pool's state (BIP 22).
func longPollID(prev coin.Hash, pool uint64) string {
	return prev.String() + strconv.FormatUint(pool, 10)
}

// A caller who has a template waits for a better one until the tip changes, or so long if only the pool did.
const (
	longPollFirst = time.Minute
	longPollAgain = 10 * time.Second
)

// awaitTemplate holds the call until the template that id names is outdated. No id means no waiting.
func (c *call) awaitTemplate(id json.RawMessage) error {
	if !isSet(id) {
		return nil
	}
	was, seen := c.node.Chain.View().Tip().Hash(), c.node.Pool.View().Seq()
	var words string
	if json.Unmarshal(id, &words) == nil {
		digits, rest := words[:min(64, len(words))], words[min(64, len(words)):]
		h, err := coin.ParseHash(digits)
		if err != nil {
			return errorf(codeParameter, "longpollid must be of length 64 (not %d, for '%s')", len(digits), clip(digits))
		}
		was = h
		seen, _ = strconv.ParseUint(rest, 10, 64) // what is not a number is a state that never was
	}
	wait := longPollFirst
	for {
		bell := c.node.Chain.Changed()
		if c.node.Chain.View().Tip().Hash() != was {
			return nil
		}
		select {
		case <-c.ctx.Done():
			return errorf(codeOffline, "Shutting down")
		case <-bell:
		case <-time.After(wait):
			if c.node.Pool.View().Seq() != seen {
				return nil
			}
			wait = longPollAgain
		}
	}
}
