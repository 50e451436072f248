package mempool

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"cheese/coin"
)

// FuzzAccept hands a pool whatever decodes as a transaction. It may refuse, but not break.
func FuzzAccept(f *testing.F) {
	w := newWorld(f, Options{})
	funds := w.funds(2)
	first := w.pay(1000, 2, funds[0])
	for _, tx := range []*coin.Tx{first, w.pay(20_000, 2, funds[0]), w.pay(1000, 1, funds...), payment(1000, 1, out(first, 0)),
		payment(1, 1, coin.OutPoint{Index: coin.NullIndex}), w.mine().Txs[0]} {
		f.Add(tx.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := coin.ParseTx(b)
		if err != nil {
			return
		}
		err = w.pool.Accept(tx)
		if _, ok := errors.AsType[*RejectError](err); err != nil && !ok {
			t.Errorf("not a rejection: %v", err)
		}
		if v := w.pool.View(); err == nil {
			if !v.Has(tx.ID()) {
				t.Error("accepted, but not there")
			}
			checkGraph(t, &v.graph)
		}
	})
}

// TestRandomLife lets random payments, double spends, blocks and reorgs come, and holds the pool to its invariants after
// each: its counts are right, it is on the chain's tip, and its selection makes a valid block.
func TestRandomLife(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, Options{MaxBytes: 30_000})
		coins := w.funds(4)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch tip := w.chain.View().Tip(); rapid.IntRange(0, 6).Draw(rt, "op") {
			case 0:
				w.mine(w.candidate(tip.Height() + 1)...)
			case 1: // a reorg of one or two blocks
				depth := int32(rapid.IntRange(1, 2).Draw(rt, "depth"))
				fork, _ := w.chain.View().ByHeight(tip.Height() - depth)
				for at := fork.State; at.Height() <= tip.Height(); {
					at = w.state(w.mineOn(at))
				}
			default:
				i := rapid.IntRange(max(0, len(coins)-12), len(coins)-1).Draw(rt, "coin")
				if !w.known(coins[i]) {
					continue
				}
				fee := coin.Amount(rapid.IntRange(0, 20_000).Draw(rt, "fee"))
				tx := w.pay(fee, rapid.IntRange(1, 3).Draw(rt, "outputs"), coins[i])
				if w.pool.Accept(tx) == nil {
					coins = append(coins, out(tx, 0), out(tx, len(tx.Out)-1))
				}
			}
			w.check()
		}
		w.mine(w.candidate(w.chain.View().Tip().Height() + 1)...)
		w.check()
		if err := w.chain.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// candidate is what the next block would hold.
func (w *world) candidate(height int32) (txs []*coin.Tx) {
	for _, e := range w.pool.View().Select(100_000, 1000, height, w.chain.View().Tip().MedianTime()) {
		txs = append(txs, e.Tx)
	}
	return txs
}

// known tells whether an output is in the pool or unspent in the chain.
func (w *world) known(o coin.OutPoint) bool {
	if _, ok := w.pool.View().Coin(o); ok {
		return true
	}
	_, ok, err := w.chain.View().Coin(o)
	return ok && err == nil
}
