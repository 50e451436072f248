package mempool

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cheese/coin"
	"cheese/script"
)

// v3 makes a transaction TRUC.
func v3(tx *coin.Tx) *coin.Tx {
	tx.Version = 3
	return tx
}

// after pays from an output that is not here yet.
func after(tx *coin.Tx, n int, fee coin.Amount, outputs int) *coin.Tx {
	return payment(tx.Out[n].Value-fee, outputs, out(tx, n))
}

// submit expects a package's message, and one word for each transaction: its reason, or "in".
func (w *world) submit(message string, txs []*coin.Tx, words ...string) PackageResult {
	w.t.Helper()
	r, err := w.pool.AcceptPackage(txs)
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.HasPrefix(r.Message, message) {
		w.t.Errorf("package says %q, want %q", r.Message, message)
	}
	w.expect(r.Verdicts, words)
	w.check()
	return r
}

// tests expects one word for each transaction: its reason, "yes", or "?" where another one failed.
func (w *world) tests(txs []*coin.Tx, words ...string) []Verdict {
	w.t.Helper()
	before := w.pool.View().Len()
	verdicts := w.pool.Test(txs)
	w.expect(verdicts, words)
	if w.pool.View().Len() != before {
		w.t.Error("a test changed the pool")
	}
	return verdicts
}

func (w *world) expect(verdicts []Verdict, words []string) {
	w.t.Helper()
	var got []string
	for _, v := range verdicts {
		switch {
		case v.PackageError != "":
			got = append(got, v.PackageError)
		case v.Unfinished:
			got = append(got, "?")
		case v.Allowed:
			got = append(got, "yes")
		default:
			got = append(got, v.Reason)
		}
	}
	if !slices.Equal(got, words) {
		w.t.Errorf("verdicts %q, want %q", got, words)
	}
}

// TestTestAccept asks without changing anything.
func TestTestAccept(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(3)
	parent := w.pay(1000, 2, funds[0])
	child := after(parent, 0, 2000, 1)
	v := w.tests([]*coin.Tx{parent}, "yes")[0]
	if v.Fee != 1000 || v.VSize != parent.VSize() || v.EffectiveFeeRate != rateOf(1000, v.VSize) || !slices.Equal(v.EffectiveWith, []coin.Hash{parent.WitnessID()}) {
		t.Errorf("verdict %+v", v)
	}
	w.tests([]*coin.Tx{child}, "missing-inputs")
	w.tests([]*coin.Tx{parent, child}, "yes", "yes")
	w.tests([]*coin.Tx{child, parent}, "package-not-sorted", "package-not-sorted")
	w.tests([]*coin.Tx{parent, parent}, "package-contains-duplicates", "package-contains-duplicates")
	w.tests([]*coin.Tx{parent, w.pay(3000, 1, funds[0])}, "conflict-in-package", "conflict-in-package")
	poor, bad := w.pay(1, 1, funds[1]), w.pay(1000, 1, funds[2])
	w.tests([]*coin.Tx{parent, poor, child}, "?", "min relay fee not met", "?")
	bad.In[0].Witness = [][]byte{{0x52}}
	w.tests([]*coin.Tx{parent, bad, child}, "yes", "mandatory-script-verify-flag-failed (Witness program hash mismatch)", "?")
	w.accept(parent)
	w.tests([]*coin.Tx{parent}, "txn-already-in-mempool")
	w.tests([]*coin.Tx{w.pay(5000, 1, funds[0])}, "yes")
	w.tests([]*coin.Tx{w.pay(5000, 1, funds[0]), w.pay(1000, 1, funds[1])}, "bip125-replacement-disallowed", "?")
}

// TestPackageLimits: transactions that come together count against each other's limits.
func TestPackageLimits(t *testing.T) {
	w := newWorld(t, Options{})
	next := w.pay(500, 1, w.funds(1)...)
	var txs []*coin.Tx
	for range 26 {
		txs = append(txs, next)
		next = after(next, 0, 500, 1)
	}
	many := slices.Repeat([]string{"package-too-many-transactions"}, 26)
	w.tests(txs, many...)
	w.accept(txs[0])
	w.tests(txs[1:], slices.Repeat([]string{"package-mempool-limits, too many unconfirmed parents [limit: 25]"}, 25)...)
	w.tests(txs[1:25], slices.Repeat([]string{"yes"}, 24)...)
	w.accept(txs[1])
	w.tests(txs[2:], slices.Repeat([]string{"package-mempool-limits, possibly too many unconfirmed ancestors [limit: 25]"}, 24)...)
	w.tests(txs[2:25], slices.Repeat([]string{"yes"}, 23)...)
}

// TestChildPays: a parent below the pool's price comes in with a child that pays for both, and not otherwise.
func TestChildPays(t *testing.T) {
	w := newWorld(t, Options{MaxBytes: roomFor(6, 0)})
	funds := w.funds(9)
	for i, f := range funds[:7] {
		w.pool.Accept(w.pay(coin.Amount(3000+i), 1, f)) // one more than there is room for
	}
	floor := w.pool.View().MinFee()
	cheap := w.pay(200, 2, funds[7])
	w.reject(cheap, "mempool min fee not met")
	stingy := after(cheap, 0, 300, 1)
	w.submit("transaction failed", []*coin.Tx{cheap, stingy}, "mempool min fee not met", "mempool min fee not met")
	generous := after(cheap, 0, 40_000, 1)
	r := w.submit("success", []*coin.Tx{cheap, generous}, "yes", "yes")
	if v := r.Verdicts[0]; v.Fee != 200 || v.EffectiveFeeRate != rateOf(40_200, cheap.VSize()+generous.VSize()) || len(v.EffectiveWith) != 2 {
		t.Errorf("the parent's verdict is %+v", v)
	}
	if r := w.submit("success", []*coin.Tx{cheap, generous}, "yes", "yes"); !r.Verdicts[0].AlreadyHere || r.Verdicts[1].EffectiveFeeRate != 0 {
		t.Errorf("once more: %+v", r)
	}
	if got := w.pool.View().MinFee(); got <= floor {
		t.Errorf("the floor stays at %v", got)
	}
	if _, err := w.pool.AcceptPackage([]*coin.Tx{w.pay(1000, 1, funds[8]), generous}); !errors.Is(err, ErrTopology) {
		t.Errorf("strangers: %v", err)
	}
}

// TestPackageReplaces: a parent that cannot replace alone does so with its child.
func TestPackageReplaces(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(3)
	old := w.pay(10_000, 1, funds[0])
	w.accept(old)
	parent := w.pay(500, 2, funds[0])
	w.reject(parent, "insufficient fee")
	w.submit("package RBF failed: insufficient anti-DoS fees, rejecting replacement", []*coin.Tx{parent, after(parent, 0, 9000, 1)},
		"insufficient fee", "missing-inputs")
	other := w.pay(1000, 1, funds[1])
	w.accept(other)
	tied := payment(1_000_000, 1, out(parent, 0), out(other, 0))
	w.submit("package-not-child-with-unconfirmed-parents", []*coin.Tx{parent, tied})
	child := after(parent, 0, 40_000, 1)
	r := w.submit("success", []*coin.Tx{parent, child}, "yes", "yes")
	if !slices.Equal(r.Replaced, []coin.Hash{old.ID()}) {
		t.Errorf("replaced %v", r.Replaced)
	}
	w.holds(parent, child, other)
}

// TestPackageMustImprove: paying more in all is not enough where miners would earn less on the first bytes.
func TestPackageMustImprove(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(1)
	dense := w.pay(20_000, 1, funds[0])
	w.accept(dense)
	parent := w.pay(150, 2, funds[0])
	large := after(parent, 0, 40_000, 300) // twice the fee on a hundred times the size
	w.submit("package RBF failed: insufficient feerate: does not improve feerate diagram", []*coin.Tx{parent, large}, "insufficient fee", "missing-inputs")
	w.holds(dense)
}

// TestParentNeedsNoHelp: a child that pays worse than its parent does not help it to replace.
func TestParentNeedsNoHelp(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(1)
	old := w.pay(10_000, 20, funds[0])
	w.accept(old)
	parent := w.pay(9000, 2, funds[0])
	w.submit("package RBF failed: package feerate is less than or equal to parent feerate, package feerate 0.000", []*coin.Tx{parent, after(parent, 0, 2500, 1)},
		"insufficient fee", "missing-inputs")
	w.holds(old)
}

// TestTRUCTogether holds version 3 transactions that come together to BIP 431.
func TestTRUCTogether(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(2)
	parent := v3(w.pay(1000, 3, funds[0]))
	child, sibling := v3(after(parent, 0, 1000, 1)), v3(after(parent, 1, 1000, 1))
	grandchild := v3(after(child, 0, 1000, 1))
	same := func(n int, format string, of *coin.Tx) []string {
		return slices.Repeat([]string{"TRUC-violation, " + fmt.Sprintf(format, fmt.Sprintf("%v (wtxid=%v)", of.ID(), of.WitnessID()))}, n)
	}
	const descendants, ancestors = "tx %s would exceed descendant count limit", "tx %s would have too many ancestors"
	w.tests([]*coin.Tx{parent, child}, "yes", "yes")
	w.tests([]*coin.Tx{parent, child, sibling}, same(3, descendants, parent)...)
	w.tests([]*coin.Tx{parent, child, grandchild}, same(3, ancestors, grandchild)...)
	w.accept(parent)
	w.tests([]*coin.Tx{child, sibling}, same(2, descendants, parent)...)
	w.tests([]*coin.Tx{child, grandchild}, same(2, ancestors, grandchild)...)
	w.accept(child)
	w.tests([]*coin.Tx{w.pay(1000, 1, funds[1]), sibling}, "?", "TRUC-violation")
}

// TestTRUC holds version 3 to BIP 431.
func TestTRUC(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(6)
	parent, plain := v3(w.pay(1000, 3, funds[0])), w.pay(1000, 2, funds[1])
	w.accept(parent, plain)
	violates := func(tx *coin.Tx, detail string) {
		t.Helper()
		if r := w.reject(tx, "TRUC-violation"); !strings.Contains(r.Detail, detail) {
			t.Errorf("%s: %q", detail, r.Detail)
		}
	}
	violates(w.pay(1000, 1, out(parent, 0)), "cannot spend from version=3 tx")
	violates(v3(w.pay(1000, 1, out(plain, 0))), "cannot spend from non-version=3 tx")
	violates(v3(w.pay(30_000, 260, funds[2])), "virtual bytes")
	violates(v3(w.pay(5000, 40, out(parent, 0))), "version=3 child tx")
	child := v3(w.pay(1000, 1, out(parent, 0)))
	w.accept(child)
	violates(v3(w.pay(1000, 1, out(child, 0))), "too many ancestors")

	w.reject(v3(w.pay(900, 1, out(parent, 1))), "insufficient fee (including sibling eviction)")
	sibling := v3(w.pay(5000, 1, out(parent, 1)))
	w.accept(sibling)
	w.holds(parent, plain, sibling)

	free := v3(w.pay(0, 1, funds[3])) // only TRUC may pay nothing
	r := w.reject(free, "min relay fee not met")
	if !r.Reconsiderable {
		t.Error("no child could pay for it")
	}
	w.submit("success", []*coin.Tx{free, v3(after(free, 0, 2000, 1))}, "yes", "yes")
	two := v3(w.pay(0, 2, funds[4]))
	w.submit("TRUC-violation, non-version=3 tx", []*coin.Tx{two, after(two, 0, 2000, 1)}, "min relay fee not met", "missing-inputs")
	w.tests([]*coin.Tx{v3(w.pay(1000, 1, funds[5])), plain}, "?", "txn-already-in-mempool")
}

// TestOptIn: without full replace-by-fee only what signals can be replaced, and TRUC.
func TestOptIn(t *testing.T) {
	o := DefaultOptions()
	o.FullRBF = false
	w := newWorld(t, o)
	funds := w.funds(3)
	final, signals, truc := w.pay(1000, 1, funds[0]), w.pay(1000, 1, funds[1]), v3(w.pay(1000, 1, funds[2]))
	signals.In[0].Sequence = maxSignal
	w.accept(final, signals, truc)
	w.reject(w.pay(9000, 1, funds[0]), "txn-mempool-conflict")
	w.accept(w.pay(9000, 1, funds[1]), w.pay(9000, 1, funds[2]))
}

// TestKnobs turns each of policy's knobs.
func TestKnobs(t *testing.T) {
	key := append([]byte{2}, make([]byte, 32)...)
	bare := slices.Concat([]byte{0x51}, script.PushData(key), []byte{0x51, 0xae})
	data := func(n int) []byte { return append([]byte{0x6a}, script.PushData(make([]byte, n))...) }
	for name, c := range map[string]struct {
		turn   func(*Options)
		out    coin.TxOut
		reason string
	}{
		"bare":           {func(o *Options) {}, coin.TxOut{Value: 1000, Script: bare}, ""},
		"no bare":        {func(o *Options) { o.PermitBareMultisig = false }, coin.TxOut{Value: 1000, Script: bare}, "bare-multisig"},
		"long data":      {func(o *Options) { o.DataCarrierSize = 100 }, coin.TxOut{Script: data(97)}, ""},
		"longer data":    {func(o *Options) { o.DataCarrierSize = 100 }, coin.TxOut{Script: data(98)}, "scriptpubkey"},
		"no data":        {func(o *Options) { o.DataCarrierSize = -1 }, coin.TxOut{Script: []byte{0x6a}}, "scriptpubkey"},
		"no dust":        {func(o *Options) { o.DustRelayFee = 0 }, coin.TxOut{Value: 0, Script: toAnyone}, ""},
		"more dust":      {func(o *Options) { o.DustRelayFee = 30_000 }, coin.TxOut{Value: 3299, Script: toAnyone}, "dust"},
		"odd script":     {func(o *Options) { o.AcceptNonStandard = true }, coin.TxOut{Value: 1000, Script: []byte{0x51}}, ""},
		"dear":           {func(o *Options) { o.MinRelayFee = 100_000 }, coin.TxOut{Value: 1000, Script: toAnyone}, "min relay fee not met"},
		"costly sig ops": {func(o *Options) { o.BytesPerSigOp = 50_000 }, coin.TxOut{Value: 1000, Script: bare}, "min relay fee not met"},
	} {
		o := DefaultOptions()
		c.turn(&o)
		w := newWorld(t, o)
		tx := w.pay(5000, 1, w.funds(1)...)
		tx.Out = append(tx.Out, c.out)
		tx.Out[0].Value -= c.out.Value
		err := w.pool.Accept(tx)
		r, ok := errors.AsType[*RejectError](err)
		if err != nil && (!ok || r.Reason != c.reason) || err == nil && c.reason != "" {
			t.Errorf("%s: got %v, want %q", name, err, c.reason)
		}
	}
}

// TestAnchor: anybody can spend a payment to an anchor, without a witness, to raise its transaction's fee.
func TestAnchor(t *testing.T) {
	w := newWorld(t, Options{})
	tx := w.pay(1000, 1, w.funds(1)...)
	tx.Out = append(tx.Out, coin.TxOut{Value: 240, Script: []byte{0x51, 2, 0x4e, 0x73}})
	tx.Out[0].Value -= 240
	w.accept(tx)
	bump := payment(0, 1, out(tx, 1))
	bump.In[0].Witness, bump.Out[0] = nil, coin.TxOut{Script: append([]byte{0x6a}, script.PushData(make([]byte, 20))...)}
	w.accept(bump)
}

// TestPrioritise: an operator's word counts as fee in every judgement, but is not paid.
func TestPrioritise(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(2)
	poor := w.pay(0, 2, funds[0])
	w.reject(poor, "min relay fee not met")
	w.pool.Prioritise(poor.ID(), 5000)
	w.accept(poor)
	child := w.pay(500, 1, out(poor, 0))
	w.accept(child)
	w.pool.Prioritise(poor.ID(), 1000)
	w.check()
	e, _ := w.pool.View().Get(poor.ID())
	c, _ := w.pool.View().Get(child.ID())
	if e.Fee != 0 || e.ModifiedFee != 6000 || e.Descendants.Fee != 6500 || c.Ancestors.Fee != 6500 || c.ModifiedFee != 500 {
		t.Errorf("parent %+v, child %+v", e, c)
	}
	w.reject(w.pay(6000, 1, funds[0]), "insufficient fee")
	if got := w.pool.View().Fees(); got != 500 {
		t.Errorf("fees of %v", got)
	}
	w.pool.Prioritise(child.ID(), -600)
	w.check()
	w.accept(w.pay(1000, 1, out(poor, 0))) // what the child paid no longer protects it
	if got := w.pool.Prioritised(); len(got) != 2 || got[poor.ID()] != 6000 {
		t.Errorf("prioritised %v", got)
	}
	w.mine(poor)
	w.pool.Prioritise(child.ID(), 600)
	if got := w.pool.Prioritised(); len(got) != 0 {
		t.Errorf("still prioritised: %v", got)
	}
	w.pool.Prioritise(child.ID(), coin.MaxMoney)
	w.pool.Prioritise(child.ID(), coin.MaxMoney)
	if got := w.pool.Prioritised()[child.ID()]; got != coin.MaxMoney {
		t.Errorf("prioritised by %v", got)
	}
}

// TestInvalidatedBlocks: blocks that an operator takes away give back what they held, ten of them at most.
func TestInvalidatedBlocks(t *testing.T) {
	for _, depth := range []int{10, 12} {
		w := newWorld(t, Options{})
		var txs []*coin.Tx
		for _, f := range w.funds(depth) {
			txs = append(txs, w.pay(1000, 1, f))
		}
		first := w.mine(txs[0])
		for _, tx := range txs[1:] {
			w.mine(tx)
		}
		w.holds()
		if err := w.chain.Invalidate(first.Hash()); err != nil {
			t.Fatal(err)
		}
		w.holds(txs[depth-10:]...)
	}
}

// TestInvalidatedFamily: a family larger than the limits comes back whole where its blocks are reverted one by one, but
// for what would have too many ancestors.
func TestInvalidatedFamily(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(2)
	parent := w.pay(5000, 40, funds[0])
	first := w.mine(parent)
	children := []*coin.Tx{parent}
	for i := range 30 {
		children = append(children, w.pay(500, 1, out(parent, i)))
	}
	line := []*coin.Tx{w.pay(500, 1, funds[1])}
	for range 29 {
		line = append(line, after(line[len(line)-1], 0, 500, 1))
	}
	w.mine(append(slices.Clone(children[1:]), line[:12]...)...)
	w.mine(line[12:]...)
	w.holds()
	if err := w.chain.Invalidate(first.Hash()); err != nil {
		t.Fatal(err)
	}
	w.holds(append(children, line[:25]...)...)
}

// TestSaveAndLoad carries a pool over a restart.
func TestSaveAndLoad(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(3)
	old := w.pay(1000, 1, funds[0])
	w.accept(old)
	w.clock = w.clock.Add(10 * 24 * time.Hour)
	parent := w.pay(0, 1, funds[1])
	w.pool.Prioritise(parent.ID(), 2000)
	w.pool.Prioritise(coin.Hash{7}, -3)
	w.accept(parent)
	child := w.pay(1000, 1, out(parent, 0))
	w.accept(child)
	var file bytes.Buffer
	if err := w.pool.Save(&file); err != nil {
		t.Fatal(err)
	}
	load := func() {
		t.Helper()
		w.pool = New(w.chain, w.pool.Options())
		if err := w.pool.Load(bytes.NewReader(file.Bytes())); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := w.pool.View().Get(old.ID())
	load()
	w.holds(old, parent, child)
	if e, _ := w.pool.View().Get(old.ID()); !e.Time.Equal(before.Time) {
		t.Errorf("came at %v, then at %v", before.Time, e.Time)
	}
	if got := w.pool.Prioritised(); got[parent.ID()] != 2000 || got[coin.Hash{7}] != -3 {
		t.Errorf("prioritised %v", got)
	}
	w.mine(w.pay(3000, 2, funds[1])) // a block spends the parent's coin otherwise
	load()
	w.holds(old)
	w.clock = w.clock.Add(5 * 24 * time.Hour)
	load()
	w.holds()
	for cut := range file.Len() {
		if err := w.pool.Load(bytes.NewReader(file.Bytes()[:cut])); err == nil {
			t.Fatalf("loads the first %d bytes", cut)
		}
	}
}

// TestLoadHidden reads version 2, whose bytes hide behind a key.
func TestLoadHidden(t *testing.T) {
	w := newWorld(t, Options{})
	tx := w.pay(1000, 1, w.funds(1)...)
	w.accept(tx)
	var file bytes.Buffer
	if err := w.pool.Save(&file); err != nil {
		t.Fatal(err)
	}
	key := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	hidden := append([]byte{2, 0, 0, 0, 0, 0, 0, 0, 8}, key...)
	for _, b := range file.Bytes()[8:] {
		hidden = append(hidden, b^key[len(hidden)%8])
	}
	w.pool = New(w.chain, w.pool.Options())
	if err := w.pool.Load(bytes.NewReader(hidden)); err != nil {
		t.Fatal(err)
	}
	w.holds(tx)
}

// TestDiagram compares improves with heights at every size.
func TestDiagram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) []chunk {
			return slices.SortedFunc(slices.Values(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) chunk {
				return chunk{coin.Amount(rapid.IntRange(-5, 20).Draw(t, "fee")), rapid.IntRange(1, 8).Draw(t, "size")}
			}), 1, 4).Draw(t, name)), byRate)
		}
		before, after := draw("before"), draw("after")
		worse, better := false, false
		for size := range 40 {
			c := height(after, size).Cmp(height(before, size))
			worse, better = worse || c < 0, better || c > 0
		}
		if got := improves(before, after); got != (better && !worse) {
			t.Errorf("%v to %v improves: %v", before, after, got)
		}
	})
}

// FuzzLoad loads what may be a saved pool: an error or not, the pool stays whole.
func FuzzLoad(f *testing.F) {
	w := newWorld(f, Options{})
	tx := w.pay(1000, 1, w.funds(1)...)
	w.accept(tx)
	w.pool.Prioritise(coin.Hash{1}, 5)
	var file bytes.Buffer
	if err := w.pool.Save(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		p := New(w.chain, w.pool.Options())
		err := p.Load(bytes.NewReader(b))
		if v := p.View(); err == nil && v.Len() > 1 {
			t.Error(fmt.Sprint("holds what was never paid for: ", v.Len()))
		}
		checkGraph(t, &p.graph)
	})
}
