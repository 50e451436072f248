package consensus

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"cheese/coin"
	"cheese/script"
)

// harness is a chain in memory: enough of a node to judge blocks, scripts aside.
type harness struct {
	t      testing.TB
	p      *coin.Params
	states []State
	coins  CoinMap
	now    time.Time
	nextID uint32
}

func newHarness(t testing.TB, p *coin.Params) *harness {
	g := Genesis(p)
	return &harness{t: t, p: p, states: []State{g}, coins: CoinMap{}, now: time.Unix(int64(g.Header().Time), 0).Add(1000 * time.Hour)}
}

func (h *harness) tip() State                        { return h.states[len(h.states)-1] }
func (h *harness) height() int32                     { return h.tip().Height() + 1 } // of the block to come
func (h *harness) MedianTime(height int32) uint32    { return h.states[height].MedianTime() }
func (h *harness) Coin(o coin.OutPoint) (Coin, bool) { return h.coins.Coin(o) }

// anyone is an output script that anybody can spend.
var anyone = []byte{0x51}

// give makes a coin out of nothing, at the tip's height.
func (h *harness) give(value coin.Amount, script []byte) coin.OutPoint {
	h.nextID++
	o := coin.OutPoint{Index: h.nextID}
	binary.BigEndian.PutUint32(o.Hash[:], 0xc0ffee)
	h.coins[o] = Coin{Out: coin.TxOut{Value: value, Script: script}, Height: h.tip().Height()}
	return o
}

// pay returns a transaction from the given outputs to one that anybody can spend.
func pay(value coin.Amount, from ...coin.OutPoint) *coin.Tx {
	tx := &coin.Tx{Version: 2, Out: []coin.TxOut{{Value: value, Script: anyone}}}
	for _, o := range from {
		tx.In = append(tx.In, coin.TxIn{Prev: o, Sequence: coin.SequenceFinal})
	}
	return tx
}

func output(tx *coin.Tx, index uint32) coin.OutPoint {
	return coin.OutPoint{Hash: tx.ID(), Index: index}
}

// block returns a block on the tip that lacks nothing but work. Its coinbase takes the subsidy and fees.
func (h *harness) block(fees coin.Amount, txs ...*coin.Tx) *coin.Block {
	cb := &coin.Tx{Version: 2,
		In:  []coin.TxIn{{Prev: coin.OutPoint{Index: coin.NullIndex}, Script: append(script.PushInt(int64(h.height())), 0x51), Sequence: coin.SequenceFinal}},
		Out: []coin.TxOut{{Value: Subsidy(h.p, h.height()) + fees, Script: anyone}}}
	b := &coin.Block{Txs: append([]*coin.Tx{cb}, txs...), Header: coin.Header{
		Version: 0x20000000, Prev: h.tip().Hash(), Bits: h.tip().NextBits(),
		Time: max(h.tip().EarliestTime(), h.tip().Header().Time+uint32(h.p.Spacing/time.Second)),
	}}
	if h.height() >= h.p.Heights.Segwit {
		SetWitnessCommitment(b)
	}
	b.Merkle, _ = b.MerkleRoot()
	return b
}

// work finds a nonce that meets the header's own target.
func work(h *coin.Header) {
	for target := coin.Target(h.Bits); !coin.MeetsTarget(h.Hash(), target); {
		h.Nonce++
	}
}

// judge takes the block through all three steps.
func (h *harness) judge(b *coin.Block) (State, Diff, []script.Check, error) {
	child, err := h.tip().CheckHeader(b.Header, h.now)
	if err == nil {
		err = h.tip().CheckBlock(b)
	}
	if err != nil {
		return State{}, Diff{}, nil, err
	}
	diff, checks, err := h.tip().Connect(b, h.coins, h)
	return child, diff, checks, err
}

// accept makes a valid block the tip.
func (h *harness) accept(b *coin.Block) Diff {
	h.t.Helper()
	work(&b.Header)
	child, diff, _, err := h.judge(b)
	if err != nil {
		h.t.Fatalf("block at height %d: %v", h.height(), err)
	}
	h.states = append(h.states, child)
	apply(h.coins, diff)
	return diff
}

// reject checks why a block is refused.
func (h *harness) reject(b *coin.Block, reason string, kind Kind) {
	h.t.Helper()
	_, _, _, err := h.judge(b)
	var rule *RuleError
	if !errors.As(err, &rule) {
		h.t.Fatalf("got %v, want a RuleError %q", err, reason)
	}
	if rule.Reason != reason || rule.Kind != kind {
		h.t.Fatalf("got %q (%v), %v; want %q (%v)", rule.Reason, rule.Kind, rule.Detail, reason, kind)
	}
}

// grow adds n empty blocks.
func (h *harness) grow(n int) {
	h.t.Helper()
	for range n {
		h.accept(h.block(0))
	}
}

// apply and reverse do with a Diff what its comment says.
func apply(m CoinMap, d Diff) {
	for _, c := range d.Created {
		m[c.OutPoint] = c.Coin
	}
	for _, c := range d.Spent {
		delete(m, c.OutPoint)
	}
}

func reverse(m CoinMap, d Diff) {
	for _, c := range d.Spent {
		m[c.OutPoint] = c.Coin
	}
	for _, c := range d.Created {
		delete(m, c.OutPoint)
	}
}
