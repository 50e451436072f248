package chain_test

import (
	"errors"
	"testing"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
)

func invalidate(t *testing.T, h *chaintest.Harness, b *coin.Block) {
	t.Helper()
	if err := h.Chain.Invalidate(b.Hash()); err != nil {
		t.Fatal(err)
	}
}

func reconsider(t *testing.T, h *chaintest.Harness, b *coin.Block) {
	t.Helper()
	if err := h.Chain.Reconsider(b.Hash()); err != nil {
		t.Fatal(err)
	}
}

// genesis ── a1 ── a2 ── a3
//
//	└── b1 ── b2
func TestInvalidateGoesToTheBestBranchLeft(t *testing.T) {
	h := chaintest.New(t)
	genesis := h.Tip()
	a := h.Extend(3)
	b := h.Fork(genesis, 2)
	h.Accept(b...)
	var reader follow
	reader.catchUp(t, h.Chain.View(), 10)
	pinned, bell := h.Chain.View(), h.Chain.Changed()

	invalidate(t, h, a[1])
	h.ExpectTip(b[1])
	select {
	case <-bell:
	default:
		t.Error("the doorbell did not ring")
	}
	reader.catchUp(t, h.Chain.View(), 10)
	if reader.steps != " +0 +1 +2 +3 -3 -2 -1 +1 +2" {
		t.Errorf("reader went%s", reader.steps)
	}
	if e, _ := pinned.ByHash(a[1].Hash()); e.Status != chain.Active || pinned.Tip().Hash() != a[2].Hash() {
		t.Error("the view taken before has changed")
	}
	if e, _ := h.Chain.View().ByHash(a[2].Hash()); e.Status != chain.Invalid {
		t.Errorf("a descendant is %v", e.Status)
	}
	if got, want := dump(t, h.Chain.View()), replay(t, h.Chain.View()); got != want {
		t.Errorf("coins are %s, want %s", got, want)
	}
	h.Reject(a[2], "duplicate-invalid")
	h.Reject(h.Build(h.State(a[2]), chaintest.Plan{}), "bad-prevblk")

	between := h.Chain.View()
	reconsider(t, h, a[2]) // and with it a2
	h.ExpectTip(a[2])
	if e, _ := between.ByHash(a[1].Hash()); e.Status != chain.Invalid {
		t.Errorf("in the view taken between, a2 is %v", e.Status)
	}
	if best := h.Chain.View().BestHeader(); best.Hash() != a[2].Hash() {
		t.Errorf("best header is at height %d", best.Height())
	}
}

func TestInvalidateIsDurable(t *testing.T) {
	h := chaintest.New(t)
	a := h.Extend(4)
	invalidate(t, h, a[1])
	h.ExpectTip(a[0])
	h.Restart()
	h.ExpectTip(a[0])
	h.Reject(a[3], "duplicate-invalid")
	b := h.Extend(1)
	reconsider(t, h, a[1])
	h.ExpectTip(a[3])
	h.Restart()
	h.ExpectTip(a[3])
	invalidate(t, h, a[1])
	h.ExpectTip(b[0])
	invalidate(t, h, a[1]) // again
	h.ExpectTip(b[0])
}

// The tip's ancestor that is left goes behind a block with the same work that came before it.
//
//	genesis ── a1
//	   └── b1 ── b2 (invalidated) ── b3
func TestFirstSeenCountsAfterInvalidate(t *testing.T) {
	h := chaintest.New(t)
	genesis := h.Tip()
	a := h.Extend(1)
	b := h.Fork(genesis, 3)
	h.Accept(b...)
	h.ExpectTip(b[2])
	invalidate(t, h, b[1])
	h.ExpectTip(a[0]) // not b1
}

func TestReconsiderFindsTheFaultAgain(t *testing.T) {
	h := chaintest.New(t)
	bad := h.Build(h.Tip(), chaintest.Plan{Fees: 1})
	h.Reject(bad, "bad-cb-amount")
	tip := h.Extend(1)[0]
	reconsider(t, h, bad)
	h.ExpectTip(tip)
	h.Reject(bad, "duplicate-invalid")
}

func TestSurgeryRefuses(t *testing.T) {
	h := chaintest.New(t)
	h.Extend(1)
	for name, f := range map[string]func(coin.Hash) error{
		"invalidate": h.Chain.Invalidate, "reconsider": h.Chain.Reconsider, "prefer": h.Chain.Precious,
	} {
		if err := f(coin.Hash{1}); !errors.Is(err, chain.ErrUnknown) {
			t.Errorf("%s an unknown block: %v", name, err)
		}
	}
	if err := h.Chain.Invalidate(h.Params.Genesis.Hash()); !errors.Is(err, chain.ErrGenesis) {
		t.Errorf("invalidate genesis: %v", err)
	}
	h.Close()
	if err := h.Chain.Invalidate(h.Params.Genesis.Hash()); !errors.Is(err, chain.ErrClosed) {
		t.Errorf("invalidate after Close: %v", err)
	}
	h.Reopen()
}

// genesis ── a1 ── a2
//
//	├── b1 ── b2
//	└── c1 ── c2 ── c3
func TestPrecious(t *testing.T) {
	h := chaintest.New(t)
	genesis := h.Tip()
	a := h.Extend(2)
	b, c := h.Fork(genesis, 2), h.Fork(genesis, 3)
	h.Accept(b...)
	h.Accept(c[:2]...)
	prefer := func(block, want *coin.Block) {
		t.Helper()
		if err := h.Chain.Precious(block.Hash()); err != nil {
			t.Fatal(err)
		}
		h.ExpectTip(want)
	}
	prefer(b[0], a[1]) // too little work
	prefer(b[1], b[1])
	prefer(c[1], c[1]) // the last word counts
	prefer(b[1], b[1])
	h.Restart()
	h.ExpectTip(b[1])
	prefer(a[1], a[1])
	h.Accept(c[2])
	h.ExpectTip(c[2]) // more work
	invalidate(t, h, c[2])
	h.ExpectTip(a[1])
}

// genesis ── a1 ── a2 ── header
//
//	├── b1 ── b2 (once active)
//	├── c1
//	├── header ── d2
//	└── e1 (invalid) ── header
func TestTips(t *testing.T) {
	h := chaintest.New(t)
	genesis := h.Tip()
	b := h.Extend(2)
	a, c, d, e := h.Fork(genesis, 4), h.Fork(genesis, 1), h.Fork(genesis, 2), h.Fork(genesis, 2)
	h.Accept(a[:3]...)
	h.Accept(c[0])
	if err := errors.Join(h.Chain.AddHeaders(headersOf(a...)), h.Chain.AddHeaders(headersOf(d...)), h.Chain.AddHeaders(headersOf(e...))); err != nil {
		t.Fatal(err)
	}
	h.Accept(d[1])
	h.Accept(e[0])
	invalidate(t, h, e[0])
	want := map[coin.Hash]chain.Tip{
		a[3].Hash(): {Status: "headers-only", BranchLen: 1},
		a[2].Hash(): {Status: "active"},
		b[1].Hash(): {Status: "valid-fork", BranchLen: 2},
		c[0].Hash(): {Status: "valid-headers", BranchLen: 1},
		d[1].Hash(): {Status: "headers-only", BranchLen: 2},
		e[1].Hash(): {Status: "invalid", BranchLen: 2},
	}
	tips := h.Chain.View().Tips()
	for i, tip := range tips {
		if w := want[tip.Hash]; tip.Status != w.Status || tip.BranchLen != w.BranchLen {
			t.Errorf("tip %v is %+v, want %+v", tip.Position, tip, w)
		}
		if i > 0 && tip.Height > tips[i-1].Height {
			t.Errorf("tips are not in order: %v", tips)
		}
	}
	if len(tips) != len(want) {
		t.Errorf("%d tips, want %d", len(tips), len(want))
	}
}
