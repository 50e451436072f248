package chain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

func TestExtend(t *testing.T) {
	h := chaintest.New(t)
	blocks := h.Extend(3)
	h.ExpectTip(blocks[2])
	if err := h.Chain.Submit(blocks[1]); !errors.Is(err, chain.ErrDuplicate) {
		t.Errorf("second submission: %v", err)
	}
	pay := chaintest.Spend(chaintest.Coinbase(blocks[0]), 1000, 2)
	again := chaintest.Spend(chaintest.Output(pay, 0), 500, 1) // of a coin that the same block makes
	h.Accept(h.Build(h.Tip(), chaintest.Plan{Txs: []*coin.Tx{pay, again}, Fees: 1500}))
	if h.HasCoin(chaintest.Coinbase(blocks[0]).At) || h.HasCoin(chaintest.Output(pay, 0).At) {
		t.Error("a spent coin is still there")
	}
	if !h.HasCoin(chaintest.Output(pay, 1).At) || !h.HasCoin(chaintest.Output(again, 0).At) {
		t.Error("a coin that was made is not there")
	}
}

func TestRefuse(t *testing.T) {
	for name, break_ := range map[string]func(h *chaintest.Harness) *coin.Block{
		"bad-cb-amount": func(h *chaintest.Harness) *coin.Block {
			return h.Build(h.Tip(), chaintest.Plan{Fees: 1})
		},
		"bad-txnmrklroot": func(h *chaintest.Harness) *coin.Block {
			return h.Build(h.Tip(), chaintest.Plan{Break: func(b *coin.Block) { b.Merkle[3]++ }})
		},
		"bad-cb-height": func(h *chaintest.Harness) *coin.Block {
			return h.Build(h.Tip(), chaintest.Plan{Change: func(b *coin.Block) { b.Txs[0].In[0].Script = []byte{1, 99, 0} }})
		},
		"time-too-new": func(h *chaintest.Harness) *coin.Block {
			return h.Build(h.Tip(), chaintest.Plan{Time: uint32(h.Now.Add(3 * time.Hour).Unix())})
		},
		"time-too-old": func(h *chaintest.Harness) *coin.Block {
			return h.Build(h.Tip(), chaintest.Plan{Time: 1})
		},
		"bad-diffbits": func(h *chaintest.Harness) *coin.Block {
			return h.Build(h.Tip(), chaintest.Plan{Break: func(b *coin.Block) { b.Bits-- }})
		},
		"prev-blk-not-found": func(h *chaintest.Harness) *coin.Block { return h.Fork(h.Tip(), 2)[1] },
		"bad-txns-inputs-missingorspent": func(h *chaintest.Harness) *coin.Block {
			return h.Next(chaintest.Spend(chaintest.Out{At: coin.OutPoint{Index: 7}, Value: 5000}, 0, 1))
		},
		"bad-txns-premature-spend-of-coinbase": func(h *chaintest.Harness) *coin.Block {
			return h.Next(chaintest.Spend(chaintest.Coinbase(h.Extend(1)[0]), 0, 1))
		},
		"mandatory-script-verify-flag-failed (Witness program hash mismatch)": func(h *chaintest.Harness) *coin.Block {
			tx := chaintest.Spend(chaintest.Coinbase(h.Extend(2)[0]), 0, 1)
			tx.In[0].Witness = [][]byte{{0x52}}
			return h.Next(tx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := chaintest.New(t)
			b := break_(h)
			before := h.Tip()
			h.Reject(b, name)
			if h.Tip().Hash() != before.Hash() {
				t.Error("the tip moved")
			}
			h.Extend(1) // and the chain goes on
		})
	}
}

func TestWhatIsRemembered(t *testing.T) {
	h := chaintest.New(t)
	early := h.Build(h.Tip(), chaintest.Plan{Time: uint32(h.Now.Add(3 * time.Hour).Unix())})
	h.Reject(early, "time-too-new")
	h.Now = h.Now.Add(2 * time.Hour)
	h.Accept(early) // its time has come

	good := h.Next()
	swapped := &coin.Block{Header: good.Header, Txs: append(good.Txs[:1:1], good.Txs[0])}
	h.Reject(swapped, "bad-txnmrklroot")
	h.Accept(good) // the header was not to blame

	bad := h.Build(h.Tip(), chaintest.Plan{Fees: 1})
	child := h.Build(h.Tip().Extend(bad.Header), chaintest.Plan{})
	h.Reject(bad, "bad-cb-amount")
	h.Reject(bad, "duplicate-invalid")
	h.Reject(child, "bad-prevblk")
	var rule *consensus.RuleError
	if err := h.Chain.AddHeaders(headersOf(child)); !errors.As(err, &rule) || rule.Reason != "bad-prevblk" {
		t.Errorf("header on an invalid block: %v", err)
	}
	h.Restart()
	h.Reject(bad, "duplicate-invalid")
	h.ExpectTip(good)
}

// A block of bad shape leaves no trace, unless its header came first.
func TestBadShape(t *testing.T) {
	h := chaintest.New(t)
	tip := h.Tip()
	bad := h.Build(tip, chaintest.Plan{Change: func(b *coin.Block) { b.Txs[0].In[0].Script = []byte{0x51} }})
	child := h.Build(tip.Extend(bad.Header), chaintest.Plan{})
	h.Reject(bad, "bad-cb-length")
	h.Reject(bad, "bad-cb-length")
	h.Reject(child, "prev-blk-not-found")
	orphan := h.Build(tip.Extend(bad.Header), chaintest.Plan{Change: func(b *coin.Block) { b.Txs[0].In[0].Script = []byte{0x51} }})
	h.Reject(orphan, "bad-cb-length") // its shape comes before its parent

	if err := h.Chain.AddHeaders(headersOf(bad, child)); err != nil {
		t.Fatal(err)
	}
	h.Reject(bad, "bad-cb-length")
	h.Reject(bad, "duplicate-invalid")
	if best := h.Chain.View().BestHeader(); best.Hash() != tip.Hash() {
		t.Errorf("best header is at height %d", best.Height())
	}
}

// genesis ── a1 ── a2
//
//	└── b1 ── b2 ── b3
func TestReorganize(t *testing.T) {
	h := chaintest.New(t)
	var reader follow
	genesis := h.Tip()
	a := h.Extend(2)
	reader.catchUp(t, h.Chain.View(), 1)
	pinned := h.Chain.View()
	b := h.Fork(genesis, 3)
	h.Accept(b[0], b[1])
	h.ExpectTip(a[1]) // first seen wins
	bell := h.Chain.Changed()
	h.Accept(b[2])
	h.ExpectTip(b[2])
	select {
	case <-bell:
	default:
		t.Error("the doorbell did not ring")
	}
	if h.HasCoin(chaintest.Coinbase(a[0]).At) || !h.HasCoin(chaintest.Coinbase(b[0]).At) {
		t.Error("coins are not those of the new branch")
	}
	reader.catchUp(t, h.Chain.View(), 2)
	if reader.steps != " +0 +1 +2 -2 -1 +1 +2 +3" {
		t.Errorf("reader went%s", reader.steps)
	}
	if _, ok, _ := pinned.Coin(chaintest.Coinbase(a[1]).At); !ok || pinned.Contains(b[0].Hash()) || pinned.Tip().Hash() != a[1].Hash() {
		t.Error("the view taken before the reorganization has changed")
	}
}

// genesis ── a1 ── a2 ── a3
//
//	└── b1 ── b2 ── b3 (pays itself too much) ── b4 ── b5
func TestReorganizeToInvalidBranchAndBack(t *testing.T) {
	h := chaintest.New(t)
	genesis := h.Tip()
	a := h.Extend(3)
	before := dump(t, h.Chain.View())

	b := h.Fork(genesis, 2)
	at := genesis.Extend(b[0].Header).Extend(b[1].Header)
	b = append(b, h.Build(at, chaintest.Plan{Fees: 1}))
	b = append(b, h.Fork(at.Extend(b[2].Header), 2)...)
	if err := h.Chain.AddHeaders(headersOf(b...)); err != nil {
		t.Fatal(err)
	}
	if best := h.Chain.View().BestHeader(); best.Hash() != b[4].Hash() {
		t.Errorf("best header is at height %d", best.Height())
	}
	h.Accept(b[0], b[1], b[2]) // as much work as the tip: stored, not yet tried
	h.Accept(b[3])             // it is an ancestor that is to blame, which shows only now
	h.Reject(b[3], "duplicate-invalid")
	h.ExpectTip(a[2])
	if after := dump(t, h.Chain.View()); after != before {
		t.Errorf("coins were %s and are %s", before, after)
	}
	v := h.Chain.View()
	if v.BestHeader().Hash() != a[2].Hash() {
		t.Error("the best header is still on the invalid branch")
	}
	for i, want := range []chain.Status{chain.Valid, chain.Valid, chain.Invalid, chain.Invalid, chain.Invalid} {
		if e, _ := v.ByHash(b[i].Hash()); e.Status != want {
			t.Errorf("b%d is %v, want %v", i+1, e.Status, want)
		}
	}
	h.Extend(1)
}

// fork ── a (pays Anna) ── a2
//
//	└── b (pays Bert from the same coin) ── b2 ── b3
func TestDoubleSpendInTwoBranches(t *testing.T) {
	h := chaintest.New(t)
	coinbase := chaintest.Coinbase(h.Extend(3)[0])
	fork := h.Tip()
	toAnna, toBert := chaintest.Spend(coinbase, 1000, 1), chaintest.Spend(coinbase, 2000, 1)
	h.Accept(h.Next(toAnna))
	h.Extend(1)
	again := h.Next(toBert)
	h.Reject(again, "bad-txns-inputs-missingorspent")

	b := h.Build(fork, chaintest.Plan{Txs: []*coin.Tx{toBert}})
	h.Accept(b)
	h.Accept(h.Fork(fork.Extend(b.Header), 2)...)
	if h.HasCoin(chaintest.Output(toAnna, 0).At) || !h.HasCoin(chaintest.Output(toBert, 0).At) {
		t.Error("Bert has no coin, or Anna has one")
	}
	undo, err := h.Chain.View().Undo(b.Hash())
	if err != nil || len(undo) != 1 || undo[0].OutPoint != coinbase.At || undo[0].Coin.Out.Value != coinbase.Value {
		t.Errorf("undo data of b: %+v, %v", undo, err)
	}
}

func TestHeadersFirst(t *testing.T) {
	h := chaintest.New(t)
	blocks := h.Fork(h.Tip(), 6)
	if err := h.Chain.AddHeaders(headersOf(blocks[:4]...)); err != nil {
		t.Fatal(err)
	}
	if err := h.Chain.AddHeaders(headersOf(blocks...)); err != nil { // the first four are known
		t.Fatal(err)
	}
	for _, i := range []int{4, 1, 5, 3} {
		h.Accept(blocks[i])
	}
	v := h.Chain.View()
	if v.Tip().Height() != 0 || v.BestHeader().Hash() != blocks[5].Hash() {
		t.Errorf("tip at %d, best header at %d", v.Tip().Height(), v.BestHeader().Height())
	}
	missing := v.Missing(10)
	if len(missing) != 2 || missing[0].Hash != blocks[0].Hash() || missing[1].Hash != blocks[2].Hash() {
		t.Errorf("missing: %v", missing)
	}
	h.Restart() // what waits survives
	h.Accept(blocks[0])
	h.ExpectTip(blocks[1])
	h.Accept(blocks[2])
	h.ExpectTip(blocks[5])
	if len(v.Missing(10)) != 2 || len(h.Chain.View().Missing(10)) != 0 {
		t.Error("the old view changed, or the new one misses something")
	}
}

//	genesis ── p ── a
//	            └── b
//
// Among equals it is the header that came first that is wanted, and the body that came first that wins.
func TestFirstSeenWins(t *testing.T) {
	h := chaintest.New(t)
	p := h.Fork(h.Tip(), 1)[0]
	at := h.Tip().Extend(p.Header)
	a, b := h.Build(at, chaintest.Plan{}), h.Build(at, chaintest.Plan{})
	for _, headers := range [][]coin.Header{headersOf(p, a), headersOf(p, b)} {
		if err := h.Chain.AddHeaders(headers); err != nil {
			t.Fatal(err)
		}
	}
	if best := h.Chain.View().BestHeader(); best.Hash() != a.Hash() {
		t.Error("the later header is best")
	}
	c := h.Build(at, chaintest.Plan{})
	h.Accept(b, a, c, p)
	h.ExpectTip(b)
}

func TestHeadersRefused(t *testing.T) {
	h := chaintest.New(t)
	blocks := h.Fork(h.Tip(), 4)
	late := h.Build(h.Tip().Extend(blocks[0].Header), chaintest.Plan{Time: uint32(h.Now.AddDate(1, 0, 0).Unix())})
	for _, c := range []struct {
		headers []coin.Header
		reason  string
		kind    consensus.Kind
	}{
		{headersOf(blocks[1:]...), "prev-blk-not-found", consensus.MissingParent},
		{headersOf(blocks[0], blocks[2]), "non-continuous-headers", consensus.Invalid},
		{headersOf(blocks[0], late), "time-too-new", consensus.TooNew},
	} {
		var rule *consensus.RuleError
		if err := h.Chain.AddHeaders(c.headers); !errors.As(err, &rule) || rule.Reason != c.reason || rule.Kind != c.kind {
			t.Errorf("got %v, want %s", err, c.reason)
		}
	}
	if best := h.Chain.View().BestHeader(); best.Hash() != blocks[0].Hash() {
		t.Errorf("best header is %v: the one before the early one was good", best.Hash())
	}
	if err := h.Chain.AddHeaders(nil); err != nil {
		t.Errorf("no headers: %v", err)
	}
}

func TestRestartContinues(t *testing.T) {
	h := chaintest.New(t)
	blocks := h.Extend(5)
	side := h.Fork(h.State(blocks[2]), 2)
	h.Accept(side...)
	h.Accept(h.Next(chaintest.Spend(chaintest.Coinbase(blocks[0]), 10, 3)))
	tip, coins, tips := h.Tip(), dump(t, h.Chain.View()), len(h.Chain.View().Tips())
	h.Restart()
	if h.Tip().Hash() != tip.Hash() || dump(t, h.Chain.View()) != coins || len(h.Chain.View().Tips()) != tips {
		t.Error("the chain is another one after a restart")
	}
	// The side branch needs two more to win; what it reverts was flushed by the earlier run.
	h.Accept(h.Fork(h.State(side[1]), 2)...)
	if h.Tip().Height() != 7 {
		t.Errorf("tip at height %d", h.Tip().Height())
	}
	if got, want := dump(t, h.Chain.View()), replay(t, h.Chain.View()); got != want {
		t.Errorf("coins are %s, want %s", got, want)
	}
}

// First seen wins among equals, after a restart too.
func TestRestartKeepsFirstSeen(t *testing.T) {
	h := chaintest.New(t)
	genesis := h.Tip()
	a := h.Extend(1)
	h.Accept(h.Fork(genesis, 1)...)
	h.Restart()
	h.ExpectTip(a[0])
}

func TestScriptTypesSurvive(t *testing.T) {
	h := chaintest.New(t)
	from := chaintest.Coinbase(h.Extend(3)[0])
	scripts := [][]byte{
		script.PayToTaproot([32]byte{1}), script.PayToWitnessKeyHash([20]byte{2}), script.PayToPubKeyHash([20]byte{3}),
		script.PayToScriptHash([20]byte{4}), chaintest.Anyone(), {}, {0x51}, make([]byte, 9000), {0x6a, 1, 2},
	}
	var outs []coin.TxOut
	for i, s := range scripts {
		outs = append(outs, coin.TxOut{Value: coin.Amount(i) * 1001, Script: s})
	}
	tx := chaintest.Pay([]chaintest.Out{from}, outs...)
	h.Accept(h.Next(tx))
	h.Restart()
	for i, o := range outs {
		c, ok, err := h.Chain.View().Coin(coin.OutPoint{Hash: tx.ID(), Index: uint32(i)})
		if unspendable := i == len(outs)-1; ok == unspendable || err != nil {
			t.Errorf("output %d: found %v, %v", i, ok, err)
		} else if ok && (c.Out.Value != o.Value || string(c.Out.Script) != string(o.Script) || c.Height != 4 || c.Coinbase) {
			t.Errorf("output %d is %+v", i, c)
		}
	}
}

// Side branches fill the index up to a bound; whoever brings more work than the best header still gets in.
func TestSideHeadersAreBounded(t *testing.T) {
	h := chaintest.Open(t, chaintest.Params(), vfs.NewMem(), chain.Options{MaxSide: 10})
	genesis := h.Tip()
	h.Extend(5)
	for range 10 {
		if err := h.Chain.AddHeaders(headersOf(h.Fork(genesis, 1)...)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Chain.AddHeaders(headersOf(h.Fork(genesis, 5)...)); !errors.Is(err, chain.ErrTooManyHeaders) {
		t.Errorf("a branch with no more work: %v", err)
	}
	if err := h.Chain.Submit(h.Fork(genesis, 1)[0]); !errors.Is(err, chain.ErrTooManyHeaders) {
		t.Errorf("a side block: %v", err)
	}
	if err := h.Chain.AddHeaders(headersOf(h.Fork(genesis, 6)...)); err != nil {
		t.Errorf("a branch with more work: %v", err)
	}
}
