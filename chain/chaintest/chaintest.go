// Package chaintest builds valid blocks and lets tests of chain, and of the rooms above it, read as stories.
package chaintest

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

// opTrue is a script that anyone satisfies.
var opTrue = []byte{0x51}

// Anyone is an output script whose coins anyone may spend, in a form that the pool's policy allows: P2WSH of OP_TRUE.
func Anyone() []byte { return script.PayToWitnessScriptHash(sha256.Sum256(opTrue)) }

// Params returns regtest with a maturity of two blocks, so that stories stay short.
func Params() *coin.Params {
	p := coin.Regtest()
	p.Maturity = 2
	return p
}

// Plan says what Build puts into a block. The zero Plan is a coinbase alone.
type Plan struct {
	Txs    []*coin.Tx
	Fees   coin.Amount       // of Txs, added to what the coinbase claims
	PayTo  []byte            // the coinbase's output script; nil: Anyone
	Time   uint32            // Unix seconds; 0: the parent's plus the network's spacing
	Tag    uint64            // tells blocks apart that are otherwise the same
	Change func(*coin.Block) // last change before the Merkle root is set and the nonce searched
	Break  func(*coin.Block) // last change before the nonce is searched
}

// Build makes the next block on a state and searches its nonce, which is quick on regtest alone.
func Build(parent consensus.State, plan Plan) *coin.Block {
	p := parent.Params()
	payTo := plan.PayTo
	if payTo == nil {
		payTo = Anyone()
	}
	at := plan.Time
	if at == 0 {
		at = max(parent.EarliestTime(), parent.Header().Time+uint32(p.Spacing/time.Second))
	}
	height := parent.Height() + 1
	tag := binary.LittleEndian.AppendUint64(nil, plan.Tag)
	coinbase := &coin.Tx{
		Version: 2,
		In: []coin.TxIn{{
			Prev: coin.OutPoint{Index: coin.NullIndex}, Sequence: coin.SequenceFinal,
			Script: append(script.PushInt(int64(height)), script.PushData(tag)...),
		}},
		Out: []coin.TxOut{{Value: consensus.Subsidy(p, height) + plan.Fees, Script: payTo}},
	}
	b := &coin.Block{
		Header: coin.Header{Version: 0x20000000, Prev: parent.Hash(), Time: at, Bits: parent.NextBits()},
		Txs:    append([]*coin.Tx{coinbase}, plan.Txs...),
	}
	if plan.Change != nil {
		plan.Change(b)
	}
	consensus.SetWitnessCommitment(b)
	if plan.Break != nil {
		plan.Break(b)
	}
	Mine(b)
	return b
}

// Mine searches the nonce.
func Mine(b *coin.Block) {
	for target := coin.Target(b.Bits); !coin.MeetsTarget(b.Hash(), target); b.Nonce++ {
	}
}

// Out is an output that Anyone can spend.
type Out struct {
	At    coin.OutPoint
	Value coin.Amount
}

// Output names an output of a transaction.
func Output(tx *coin.Tx, index int) Out {
	return Out{coin.OutPoint{Hash: tx.ID(), Index: uint32(index)}, tx.Out[index].Value}
}

// Coinbase is the output of a block's coinbase that pays its miner.
func Coinbase(b *coin.Block) Out { return Output(b.Txs[0], 0) }

// Spend spends one output of Anyone into n equal ones of Anyone, less the fee.
func Spend(from Out, fee coin.Amount, n int) *coin.Tx {
	outs := make([]coin.TxOut, n)
	for i := range outs {
		outs[i] = coin.TxOut{Value: (from.Value - fee) / coin.Amount(n), Script: Anyone()}
	}
	return Pay([]Out{from}, outs...)
}

// Pay spends outputs of Anyone into the given ones.
func Pay(from []Out, outs ...coin.TxOut) *coin.Tx {
	tx := &coin.Tx{Version: 2, Out: outs}
	for _, f := range from {
		tx.In = append(tx.In, coin.TxIn{Prev: f.At, Sequence: coin.SequenceFinal - 2, Witness: [][]byte{opTrue}})
	}
	return tx
}

// TB is what a harness needs of a test; *testing.T and *rapid.T have it.
type TB interface {
	Helper()
	Cleanup(func())
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Harness is a chain and the clock it runs by.
type Harness struct {
	T      TB
	Params *coin.Params
	FS     vfs.FS
	Dir    string
	Chain  *chain.Chain
	Now    time.Time // what the chain takes for now; ten years after genesis at first. Set it between calls only

	options chain.Options
	tag     uint64
}

// New opens a chain on Params in memory and closes it when the test ends.
func New(t TB) *Harness { return Open(t, Params(), vfs.NewMem(), chain.Options{}) }

// Open opens a chain and closes it when the test ends. Options.Now is replaced by the harness's clock.
func Open(t TB, p *coin.Params, fs vfs.FS, o chain.Options) *Harness {
	t.Helper()
	h := &Harness{T: t, Params: p, FS: fs, Dir: "data", Now: time.Unix(int64(p.Genesis.Time), 0).AddDate(10, 0, 0)}
	o.Now = func() time.Time { return h.Now }
	h.options = o
	h.Reopen()
	t.Cleanup(func() { h.Chain.Close() })
	return h
}

// Reopen opens the chain again after Close.
func (h *Harness) Reopen() {
	h.T.Helper()
	c, err := chain.Open(h.Params, h.Dir, h.FS, h.options)
	if err != nil {
		h.T.Fatalf("open chain: %v", err)
	}
	h.Chain = c
}

// Close closes the chain and fails the test if that fails.
func (h *Harness) Close() {
	h.T.Helper()
	if err := h.Chain.Close(); err != nil {
		h.T.Fatalf("close chain: %v", err)
	}
}

// Restart closes the chain and opens it again.
func (h *Harness) Restart() {
	h.T.Helper()
	h.Close()
	h.Reopen()
}

// Crash goes on with the chain on fs, which holds what a crash left of the files.
func (h *Harness) Crash(fs vfs.FS) {
	h.T.Helper()
	h.Chain.Close() // of the files that the crash did not leave
	h.FS = fs
	h.Reopen()
}

// Tip returns the state of the best chain.
func (h *Harness) Tip() consensus.State { return h.Chain.View().Tip() }

// State returns the state after a block that the chain knows.
func (h *Harness) State(b *coin.Block) consensus.State {
	h.T.Helper()
	e, ok := h.Chain.View().ByHash(b.Hash())
	if !ok {
		h.T.Fatalf("block %v is not known", b.Hash())
	}
	return e.State
}

// Build makes a block on a state, different from all before.
func (h *Harness) Build(parent consensus.State, plan Plan) *coin.Block {
	if plan.Tag == 0 {
		h.tag++
		plan.Tag = h.tag
	}
	return Build(parent, plan)
}

// Next makes a block on the tip with the given transactions, whose fees it does not claim, and does not submit it.
func (h *Harness) Next(txs ...*coin.Tx) *coin.Block { return h.Build(h.Tip(), Plan{Txs: txs}) }

// Fork makes n empty blocks, the first of them on a state, and does not submit them.
func (h *Harness) Fork(parent consensus.State, n int) []*coin.Block {
	blocks := make([]*coin.Block, n)
	for i := range blocks {
		blocks[i] = h.Build(parent, Plan{})
		parent = parent.Extend(blocks[i].Header)
	}
	return blocks
}

// Extend makes n empty blocks on the tip and has them accepted.
func (h *Harness) Extend(n int) []*coin.Block {
	h.T.Helper()
	blocks := h.Fork(h.Tip(), n)
	h.Accept(blocks...)
	return blocks
}

// Accept submits blocks and fails the test unless the chain takes them.
func (h *Harness) Accept(blocks ...*coin.Block) {
	h.T.Helper()
	for _, b := range blocks {
		if err := h.Chain.Submit(b); err != nil {
			h.T.Fatalf("block %v: %v", b.Hash(), err)
		}
	}
}

// Reject submits a block and fails the test unless a rule refuses it for that reason.
func (h *Harness) Reject(b *coin.Block, reason string) {
	h.T.Helper()
	err := h.Chain.Submit(b)
	var rule *consensus.RuleError
	if !errors.As(err, &rule) || rule.Reason != reason {
		h.T.Fatalf("block %v: got %v, want %s", b.Hash(), err, reason)
	}
}

// ExpectTip fails the test unless the best chain ends in b.
func (h *Harness) ExpectTip(b *coin.Block) {
	h.T.Helper()
	if tip := h.Tip(); tip.Hash() != b.Hash() {
		h.T.Fatalf("tip is %v at height %d, want %v", tip.Hash(), tip.Height(), b.Hash())
	}
}

// HasCoin tells whether an output is unspent.
func (h *Harness) HasCoin(o coin.OutPoint) bool {
	h.T.Helper()
	_, ok, err := h.Chain.View().Coin(o)
	if err != nil {
		h.T.Fatalf("coin %v: %v", o, err)
	}
	return ok
}
