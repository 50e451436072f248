package chain_test

import (
	"errors"
	"testing"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
	"cheese/consensus"
)

func TestExtend(t *testing.T) {
	h := chaintest.New(t)
	blocks := h.Extend(3)
	h.ExpectTip(blocks[2])
	if err := h.Chain.Submit(blocks[1]); !errors.Is(err, chain.ErrDuplicate) {
		t.Errorf("second submission: %v", err)
	}
	pay := chaintest.Spend(chaintest.Coinbase(blocks[0]), 1000, 2)
	h.Accept(h.Next(pay))
	if h.HasCoin(chaintest.Coinbase(blocks[0]).At) || !h.HasCoin(chaintest.Output(pay, 1).At) {
		t.Error("the payment is not in the set of coins")
	}
}

func TestReject(t *testing.T) {
	h := chaintest.New(t)
	h.Extend(3)
	h.Reject(h.Build(h.Tip(), chaintest.Plan{Fees: 1}), "bad-cb-amount")
	orphan := h.Fork(h.Tip(), 2)[1]
	h.Reject(orphan, "prev-blk-not-found")
}

//	genesis ── a1 ── a2
//	    └── b1 ── b2 ── b3
func TestReorganize(t *testing.T) {
	h := chaintest.New(t)
	genesis := h.Tip()
	a := h.Extend(2)
	b := h.Fork(genesis, 3)
	h.Accept(b[0], b[1])
	h.ExpectTip(a[1]) // first seen wins
	h.Accept(b[2])
	h.ExpectTip(b[2])
	if h.HasCoin(chaintest.Coinbase(a[0]).At) || !h.HasCoin(chaintest.Coinbase(b[0]).At) {
		t.Error("coins are not those of the new branch")
	}
}

var _ = coin.Coin
var _ consensus.State
