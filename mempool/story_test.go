package mempool

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"testing"
	"time"

	"cheese/coin"
)

// TestFromAcceptedToConfirmed follows a payment and its child into a block.
func TestFromAcceptedToConfirmed(t *testing.T) {
	w := newWorld(t, Options{})
	parent := w.pay(1000, 2, w.funds(1)...)
	w.accept(parent)
	child := w.pay(2000, 1, out(parent, 0))
	w.accept(child)
	w.reject(parent, "txn-already-in-mempool")

	before := w.pool.View()
	e, _ := before.Get(child.ID())
	if e.Fee != 2000 || e.Ancestors.Count != 2 || e.Ancestors.Fee != 3000 || e.Height != 4 || !e.Time.Equal(w.clock) {
		t.Errorf("the child's entry is %+v", e)
	}
	if list := before.Select(4_000_000, 80_000, 5, 0); len(list) != 2 || list[0].ID != parent.ID() {
		t.Errorf("a block would hold %v", list)
	}

	w.mine(parent)
	w.holds(child)
	if e, _ := w.pool.View().Get(child.ID()); e.Ancestors.Count != 1 {
		t.Errorf("the child still has %d ancestors", e.Ancestors.Count)
	}
	w.reject(parent, "txn-already-known")
	w.mine(child)
	w.holds()

	changes, next, lost := w.pool.Since(0, 100)
	var told []string
	for _, c := range changes {
		told = append(told, fmt.Sprintf("%d %v %s", c.Seq, c.Entry.ID == parent.ID(), c.Reason))
	}
	if want := []string{"0 true ", "1 false ", "2 true block", "3 false block"}; !slices.Equal(told, want) || next != 4 || lost {
		t.Errorf("changes %q, next %d, lost %v", told, next, lost)
	}
	if before.Len() != 2 || !before.Has(parent.ID()) {
		t.Error("the old view changed")
	}
}

// TestReorgReturns: what a reverted block confirmed comes back, and its child in the pool knows it again.
//
//	genesis … 4 ─ 5 (parent)
//	            └ 5' ─ 6'
func TestReorgReturns(t *testing.T) {
	w := newWorld(t, Options{})
	parent := w.pay(1000, 2, w.funds(1)...)
	w.accept(parent)
	child := w.pay(2000, 1, out(parent, 0))
	w.accept(child)
	fork := w.chain.View().Tip()
	w.mine(parent)
	grandchild := w.pay(500, 1, out(child, 0))
	w.accept(grandchild)
	w.holds(child, grandchild)

	side := w.mineOn(fork)
	w.holds(child, grandchild)
	w.mineOn(w.state(side))
	w.holds(parent, child, grandchild)
	if e, _ := w.pool.View().Get(grandchild.ID()); e.Ancestors.Count != 3 || e.Ancestors.Fee != 3500 {
		t.Errorf("the grandchild's ancestors are %+v", e.Ancestors)
	}
	if e, _ := w.pool.View().Get(parent.ID()); e.Descendants.Count != 3 {
		t.Errorf("the parent's descendants are %+v", e.Descendants)
	}
}

// TestReorgReturnsToAnEmptyPool: what a block confirmed comes back although nothing waited.
func TestReorgReturnsToAnEmptyPool(t *testing.T) {
	w := newWorld(t, Options{})
	paid := w.pay(1000, 2, w.funds(1)...)
	fork := w.chain.View().Tip()
	w.mine(paid)
	w.holds()
	side := w.mineOn(fork)
	w.mineOn(w.state(side))
	w.holds(paid)
}

// TestReorgConfirmsAgain: the other branch holds the same transaction, so it neither returns nor leaves its child alone.
func TestReorgConfirmsAgain(t *testing.T) {
	w := newWorld(t, Options{})
	parent := w.pay(1000, 2, w.funds(1)...)
	fork := w.chain.View().Tip()
	w.mine(parent)
	child := w.pay(2000, 1, out(parent, 0))
	w.accept(child)
	side := w.mineOn(fork, parent)
	w.mineOn(w.state(side))
	w.holds(child)
}

// TestReorgDoubleSpend: the branch that wins spends the coin otherwise, so the payment and its child are gone for good.
func TestReorgDoubleSpend(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(1)
	paid, instead := w.pay(1000, 1, funds...), w.pay(3000, 2, funds...)
	fork := w.chain.View().Tip()
	w.mine(paid)
	child := w.pay(2000, 1, out(paid, 0))
	w.accept(child)
	side := w.mineOn(fork, instead)
	w.mineOn(w.state(side))
	w.holds()
	if missing := w.reject(child, "bad-txns-inputs-missingorspent").Missing; !slices.Equal(missing, []coin.OutPoint{out(paid, 0)}) {
		t.Errorf("missing %v", missing)
	}
}

// TestReorgTakesTheCoinbase: a coinbase matures, is spent, and then was never mined.
func TestReorgTakesTheCoinbase(t *testing.T) {
	w := newWorld(t, Options{})
	w.mine()
	fork := w.chain.View().Tip()
	reward := out(w.mine().Txs[0], 0)
	early := w.pay(1000, 1, reward)
	w.mine()
	w.reject(early, "bad-txns-premature-spend-of-coinbase")
	w.mine()
	w.accept(early)
	child := w.pay(1000, 1, out(early, 0))
	w.accept(child)
	for range 4 {
		fork = w.state(w.mineOn(fork))
	}
	w.holds()
	changes, _, _ := w.pool.Since(0, 100)
	if last := changes[len(changes)-1]; last.Reason != ReasonReorg || last.Entry.ID != early.ID() {
		t.Errorf("the last change is %+v", last)
	}
}

// TestReorgTakesTime: a relative lock is open, until a reorg confirms the coin it counts from two blocks later.
func TestReorgTakesTime(t *testing.T) {
	w := newWorld(t, Options{})
	first := w.pay(1000, 1, w.funds(1)...)
	fork := w.chain.View().Tip()
	w.mine(first)
	locked := w.pay(1000, 1, out(first, 0))
	locked.In[0].Sequence = 2
	w.reject(locked.Clone(), "non-BIP68-final")
	w.mine()
	w.accept(locked)
	w.mine(locked)
	for _, txs := range [][]*coin.Tx{nil, nil, nil, {first}} {
		fork = w.state(w.mineOn(fork, txs...))
	}
	w.holds()
	w.mine()
	w.accept(locked)
}

// TestBlockConflict: a block spends the coin otherwise.
func TestBlockConflict(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(2)
	paid, other := w.pay(1000, 1, funds[0]), w.pay(1000, 1, funds[1])
	instead := w.pay(5000, 3, funds[0])
	w.accept(paid, other)
	w.accept(w.pay(1000, 1, out(paid, 0)))
	w.mine(instead)
	w.holds(other)
	changes, _, _ := w.pool.Since(3, 100)
	if len(changes) != 2 || changes[0].Reason != ReasonConflict || changes[1].Entry.ID != paid.ID() {
		t.Errorf("changes %+v", changes)
	}
}

// TestReplacement holds double spends to BIP 125's rules 2 to 5.
func TestReplacement(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(4)
	old := w.pay(1000, 4, funds[0], funds[1])
	w.accept(old)
	child := w.pay(3000, 1, out(old, 0))
	parent := w.pay(1000, 1, funds[2])
	w.accept(child, parent)

	w.reject(w.pay(900, 1, funds[0]), "insufficient fee")                // fewer crumbs in all, though more for each byte
	w.reject(w.pay(3999, 1, funds[0]), "insufficient fee")               // less than old and child together
	w.reject(w.pay(4050, 1, funds[0]), "insufficient fee")               // nothing left for its own relay
	w.reject(w.pay(30_000, 250, funds[0], funds[1]), "insufficient fee") // a worse rate than old's
	w.reject(w.pay(9000, 1, funds[0], out(parent, 0)), "replacement-adds-unconfirmed")
	w.reject(w.pay(9000, 1, funds[0], out(old, 1)), "bad-txns-spends-conflicting-tx")
	w.holds(old, child, parent)

	better := w.pay(4200, 1, funds[0])
	w.accept(better)
	w.holds(better, parent)
	changes, _, _ := w.pool.Since(3, 100)
	if len(changes) != 3 || changes[0].Reason != ReasonReplaced || changes[0].Entry.ID != child.ID() || changes[1].Entry.ID != old.ID() {
		t.Errorf("changes %+v", changes)
	}
}

func TestTooManyReplaced(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(5)
	for _, f := range funds {
		parent := w.pay(3000, 24, f)
		w.accept(parent)
		for i := range 20 {
			if err := w.pool.Accept(w.pay(300, 1, out(parent, i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.reject(w.pay(1_000_000, 1, funds...), "too many potential replacements")
	w.accept(w.pay(1_000_000, 1, funds[1:]...))
}

// TestChainLimits: 25 in a row and no more, 25 in a family and one small child of the first beyond that; a replacement
// does not count what it replaces.
func TestChainLimits(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(2)
	next := funds[0]
	for range 25 {
		tx := w.pay(500, 1, next)
		w.accept(tx)
		next = out(tx, 0)
	}
	w.reject(w.pay(500, 1, next), "too-long-mempool-chain")

	parent := w.pay(5000, 30, funds[1])
	w.accept(parent)
	for i := range 24 {
		w.accept(w.pay(500, 1, out(parent, i)))
	}
	w.reject(w.pay(20_000, 250, out(parent, 24)), "too-long-mempool-chain")
	w.accept(w.pay(500, 1, out(parent, 24)))
	w.reject(w.pay(500, 1, out(parent, 25)), "too-long-mempool-chain")
	w.accept(w.pay(5000, 1, out(parent, 23)))
}

// TestChainSizeLimits: big transactions reach the limit on size before that on number.
func TestChainSizeLimits(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(1)
	big := w.pay(200_000, 1500, funds[0])
	w.accept(big)
	next := w.pay(100_000, 900, out(big, 0))
	w.reject(next, "too-long-mempool-chain")
	w.accept(w.pay(100_000, 700, out(big, 0)))
	w.reject(w.pay(100_000, 300, out(big, 1)), "too-long-mempool-chain")
	w.accept(w.pay(150_000, 720, out(big, 0))) // what it replaces does not count
}

// roomFor returns the memory that so many small payments take, so many of which spend another's output.
func roomFor(payments, children int) int64 {
	one := (&Entry{Tx: payment(1, 1, coin.OutPoint{})}).memory()
	return one*int64(payments) + linkMemory*int64(children) + allocated(sharedSize<<bits.Len(uint(payments)))
}

// TestEviction fills a small pool: who pays least goes, and the price of a place rises; blocks and time lower it again.
func TestEviction(t *testing.T) {
	const places = 20
	w := newWorld(t, Options{MaxBytes: roomFor(places, 0)})
	funds := w.funds(places + 5)
	if got := w.pool.View().MinFee(); got != DefaultMinRelayFee {
		t.Errorf("an empty pool wants %v", got)
	}
	var txs []*coin.Tx
	for i, f := range funds[:places] {
		txs = append(txs, w.pay(coin.Amount(1000+10*i), 1, f))
	}
	w.accept(txs...)
	w.holds(txs...)
	w.reject(w.pay(500, 1, funds[places]), "mempool full")
	w.holds(txs...)
	floor := w.pool.View().MinFee()
	if floor <= 2*DefaultMinRelayFee {
		t.Errorf("a full pool wants only %v", floor)
	}
	w.reject(w.pay(500, 1, funds[places]), "mempool min fee not met")
	better := w.pay(2000, 1, funds[places])
	w.accept(better)
	w.holds(append(txs[1:], better)...)
	if got := w.pool.View().MinFee(); got <= floor {
		t.Errorf("after an eviction the pool wants %v, before it %v", got, floor)
	}

	w.clock = w.clock.Add(24 * time.Hour)
	if got := w.pool.View().MinFee(); got <= floor {
		t.Error("the floor falls without a block")
	}
	w.mine(txs[1:]...)
	w.holds(better)
	w.clock = w.clock.Add(3 * time.Hour) // the half-life of a nearly empty pool
	if got := w.pool.View().MinFee(); got >= floor || got <= DefaultMinRelayFee {
		t.Errorf("three hours after a block the pool wants %v of %v", got, floor)
	}
	w.clock = w.clock.Add(100 * time.Hour)
	if got := w.pool.View().MinFee(); got != DefaultMinRelayFee {
		t.Errorf("long after, the pool wants %v", got)
	}
}

// TestEvictionByDescendants: a poor parent stays for its child's sake, and a whole poor family goes at once.
func TestEvictionByDescendants(t *testing.T) {
	w := newWorld(t, Options{MaxBytes: roomFor(4, 2)})
	funds := w.funds(4)
	poor := w.pay(200, 1, funds[0])
	w.accept(poor)
	rich := w.pay(9000, 1, out(poor, 0))
	middling := w.pay(1000, 1, funds[1])
	w.accept(rich, middling)
	itsChild := w.pay(900, 1, out(middling, 0))
	w.accept(itsChild)
	last := w.pay(3000, 1, funds[2])
	w.accept(last)
	w.holds(poor, rich, middling, last)
	w.accept(w.pay(3000, 1, funds[3]))
	if v := w.pool.View(); v.Has(middling.ID()) || !v.Has(poor.ID()) {
		t.Error("the wrong one went")
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(2)
	old := w.pay(1000, 1, funds[0])
	w.accept(old)
	w.clock = w.clock.Add(13 * 24 * time.Hour)
	child, young := w.pay(1000, 1, out(old, 0)), w.pay(1000, 1, funds[1])
	w.accept(child, young)
	w.clock = w.clock.Add(25 * time.Hour)
	if err := w.pool.Sync(); err != nil {
		t.Fatal(err)
	}
	w.holds(young)
	changes, _, _ := w.pool.Since(3, 10)
	if len(changes) != 2 || changes[1].Reason != ReasonExpired || changes[1].Entry.ID != old.ID() {
		t.Errorf("changes %+v", changes)
	}
	w.mine(old) // and it may still be mined
	w.accept(child)
}

// TestConcurrentAccept lets goroutines race with conflicting payments, blocks and readers.
func TestConcurrentAccept(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(8)
	var txs []*coin.Tx
	for i := range 64 {
		txs = append(txs, w.pay(coin.Amount(1000+300*i), 1, funds[i%len(funds)]))
	}
	var group sync.WaitGroup
	for k := range 4 {
		group.Go(func() {
			for i := k; i < len(txs); i += 4 {
				err := w.pool.Accept(txs[i])
				if r, ok := errors.AsType[*RejectError](err); err != nil && (!ok || r.Reason != "insufficient fee") {
					t.Errorf("payment %d: %v", i, err)
				}
				w.pool.View().Entries()
			}
		})
	}
	for range 3 {
		w.mine()
	}
	group.Wait()
	w.holds(txs[len(txs)-len(funds):]...)
}

// TestMeanwhile: while the scripts of one payment run, the other half of a double spend comes in, or a block does.
func TestMeanwhile(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(2)
	verified := func(tx *coin.Tx) *candidate {
		c, err := w.pool.consider(tx, w.pool.single())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, second := w.pay(1000, 1, funds[0]), w.pay(1000, 2, funds[0])
	a, b := verified(first), verified(second)
	if err := w.pool.admit(a, w.pool.single()); err != nil {
		t.Fatal(err)
	}
	if err := w.pool.admit(b, w.pool.single()); err == nil || err.(*RejectError).Reason != "insufficient fee" {
		t.Errorf("the double spend: %v", err)
	}
	w.holds(first)
	third := w.pay(1000, 1, funds[1])
	c := verified(third)
	w.mine(w.pay(1000, 2, funds[1]))
	if err := w.pool.admit(c, w.pool.single()); err == nil || err.(*RejectError).Reason != "bad-txns-inputs-missingorspent" {
		t.Errorf("what a block spent: %v", err)
	}
	w.holds(first)
}

// TestRunFollows: with Run the pool needs nobody to ask it.
func TestRunFollows(t *testing.T) {
	w := newWorld(t, Options{})
	paid := w.pay(1000, 1, w.funds(1)...)
	w.accept(paid)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.pool.Run(ctx) }()
	bell := w.pool.Changed()
	w.mine(paid)
	select {
	case <-bell:
	case <-time.After(10 * time.Second):
		t.Error("the pool does not ring")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestJournalForgets: a reader that sleeps for too long is told so.
func TestJournalForgets(t *testing.T) {
	var j journal
	e := &Entry{Tx: payment(1, 1, coin.OutPoint{})}
	for range maxJournal + 10 {
		j.append(Change{Entry: e})
	}
	if _, _, lost := j.since(9, 5); !lost {
		t.Error("an old cursor still works")
	}
	changes, next, lost := j.since(10, 5)
	if len(changes) != 5 || changes[0].Seq != 10 || next != 15 || lost {
		t.Errorf("%d changes, next %d, lost %v", len(changes), next, lost)
	}
	if _, _, lost := j.since(j.next()+1, 5); !lost {
		t.Error("a cursor from the future works")
	}
	if changes, next, lost := j.since(j.next(), 5); len(changes) != 0 || next != j.next() || lost {
		t.Error("the end is not the end")
	}
}
