package wallet

import (
	"context"
	"errors"
	"flag"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// ... - 5 - 6a(pays bob)
//
//	\ 6b - 7b
func TestReorgReturnsAPaymentToPending(t *testing.T) {
	s := newStory(t)
	alice, bob := s.open("alice", Options{}), s.open("bob", Options{})
	s.fund(alice, 1)
	before := alice.Balance()
	fork := s.height()
	tx, sent := s.pay(alice, s.address(bob), 10*c)
	to, err := alice.PayToScript()
	s.must(err)
	s.mine(1, to)
	s.state(bob, tx.ID(), StateConfirmed)
	mined := alice.History(2)[1]
	if mined.Kind != KindMined {
		mined = alice.History(2)[0]
	}
	s.fork(fork, 2, nobody)
	s.state(bob, tx.ID(), StatePending)
	s.state(alice, tx.ID(), StatePending)
	s.state(alice, mined.TxID, StateConflicted)
	s.balance(bob, Balance{Pending: 10 * c})
	left := before.Confirmed - 10*c - sent.Fee
	s.balance(alice, Balance{Pending: left, Spendable: left})
	s.mine(1, nobody)
	s.state(bob, tx.ID(), StateConfirmed)
	s.balance(alice, Balance{Confirmed: left, Spendable: left})
}

// rival makes a payment that spends the same coins as tx, of w, but pays to.
func (s *story) rival(w *Wallet, tx *coin.Tx, to []byte) *coin.Tx {
	s.Helper()
	d := &draft{tx: &coin.Tx{Version: 2, In: tx.Clone().In}}
	for i := range d.tx.In {
		in := &d.tx.In[i]
		in.Witness = nil
		from, err := s.chain.View().Block(s.home(w, in.Prev))
		s.must(err)
		for _, t := range from.Txs {
			if t.ID() == in.Prev.Hash {
				out := t.Out[in.Prev.Index]
				key, _ := w.ledger.keys.find(out.Script)
				d.spent = append(d.spent, &ownCoin{out: out, key: key})
				d.tx.Out = []coin.TxOut{{Value: out.Value - 1000, Script: to}}
			}
		}
	}
	signed, err := d.sign(w.ledger.keys, w.o.Rand)
	s.must(err)
	return signed
}

// home returns the block that made a coin of w.
func (s *story) home(w *Wallet, at coin.OutPoint) coin.Hash {
	e, _, ok := w.Transaction(at.Hash)
	if !ok {
		s.Fatalf("coin %v is not the wallet's", at)
	}
	return e.BlockHash
}

func TestDoubleSpendIsMarked(t *testing.T) {
	s := newStory(t)
	alice, bob := s.open("alice", Options{}), s.open("bob", Options{})
	s.fund(alice, 1)
	tx, _ := s.pay(alice, s.address(bob), 10*c)
	child, _ := s.pay(alice, s.address(bob), c)
	s.balance(bob, Balance{Pending: 11 * c})
	fork := s.height()
	s.fork(fork, 1, nobody, s.rival(alice, tx, nobody))
	for _, w := range []*Wallet{alice, bob} {
		s.state(w, tx.ID(), StateConflicted)
		s.state(w, child.ID(), StateConflicted)
		s.balance(w, Balance{})
	}
	if txs := alice.Rebroadcast(); len(txs) != 0 {
		t.Fatalf("conflicted payments are sent again: %v", txs)
	}
	s.restart("alice", "bob")
	alice, bob = s.wallets["alice"], s.wallets["bob"]
	s.state(alice, tx.ID(), StateConflicted)
	s.state(bob, tx.ID(), StateConflicted)
	// The double spend loses its place: the first payment is good again, and goes out again.
	s.fork(fork, 2, nobody)
	s.state(alice, tx.ID(), StatePending)
}

func TestRestartKeepsPendingPayments(t *testing.T) {
	s := newStory(t)
	alice, bob := s.open("alice", Options{}), s.open("bob", Options{})
	s.fund(alice, 1)
	address, tx := s.address(bob), (*coin.Tx)(nil)
	tx, sent := s.pay(alice, address, 10*c)
	child, second := s.pay(alice, address, c)
	s.restart("alice", "bob")
	alice, bob = s.wallets["alice"], s.wallets["bob"]
	s.state(alice, child.ID(), StatePending)
	left := 39*c - sent.Fee - second.Fee
	s.balance(alice, Balance{Pending: left}) // not spendable before it is out again
	again := alice.Rebroadcast()
	if len(again) != 2 || again[0].ID() != tx.ID() || again[1].ID() != child.ID() {
		t.Fatalf("rebroadcast %v", again)
	}
	for _, tx := range again {
		s.must(s.pool.Accept(tx))
	}
	s.balance(alice, Balance{Pending: left, Spendable: left})
	if len(alice.Rebroadcast()) != 0 {
		t.Fatal("sent again, though the pool has it")
	}
	s.mine(1, nobody)
	s.balance(bob, Balance{Confirmed: 11 * c, Spendable: 11 * c})
	s.restart("alice", "bob")
	s.balance(s.wallets["alice"], Balance{Confirmed: left, Spendable: left})
	if got := len(s.wallets["alice"].History(0)); got != 3 {
		t.Fatalf("%d lines of history after a restart, want 3", got)
	}
}

// A crash right after Send returns loses neither the payment nor the change address it used.
func TestCrashKeepsWhatWasSentAndHandedOut(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := tell(t, mem)
	alice := s.open("alice", Options{})
	s.fund(alice, 1)
	s.must(s.chain.Flush())
	s.must(alice.save())
	handed, err := alice.NewAddress()
	s.must(err)
	tx, sent := s.pay(alice, handed, 10*c)
	to, err := alice.PayToScript()
	s.must(err)
	s.mine(2, to) // never flushed
	s.balance(alice, Balance{Confirmed: 50*c - sent.Fee, Immature: 100 * c, Spendable: 50*c - sent.Fee})

	after := tell(t, mem.CrashClone(vfs.CrashCloneCfg{}))
	s.stop()
	defer after.stop()
	alice = after.open("alice", Options{})
	e, _, ok := alice.Transaction(tx.ID())
	if !ok || e.State == StateConflicted {
		t.Fatalf("the payment is gone: %+v, %v", e, ok)
	}
	if next, err := alice.NewAddress(); err != nil || next == handed {
		t.Fatalf("address %s is handed out again, %v", next, err)
	}
}

func TestWalletFollowsAfterTheChainIsTakenAway(t *testing.T) {
	s := newStory(t)
	alice := s.open("alice", Options{Mnemonic: abandon})
	s.fund(alice, 2)
	s.pay(alice, s.address(alice), c)
	s.mine(3, nobody)
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	delete(s.wallets, "alice")
	other := newStory(t) // another history of the same network
	other.tag = 1000
	other.mine(1, nobody)
	o := other.options(Options{})
	alice, err := Open(s.p, "data/wallets/alice", s.fs, o)
	s.must(err)
	other.wallets["alice"] = alice
	other.balance(alice, Balance{})
	other.fund(alice, 1)
	other.balance(alice, Balance{Confirmed: 50 * c, Spendable: 50 * c})
}

func TestRestoringFromTheWordsFindsEverything(t *testing.T) {
	s := newStory(t)
	alice := s.open("alice", Options{Passphrase: "secret"})
	s.fund(alice, 2)
	var last string
	for range gapLimit - 2 { // handed out, and never paid
		var err error
		last, err = alice.NewAddress()
		s.must(err)
	}
	s.pay(alice, last, 3*c)
	s.pay(alice, s.address(alice), c)
	s.mine(1, nobody)
	words, err := alice.Mnemonic("secret")
	s.must(err)
	if _, err := alice.Mnemonic("public"); !errors.Is(err, ErrPassphrase) {
		t.Fatal(err)
	}
	restored := s.open("restored", Options{Mnemonic: words})
	s.balance(restored, alice.Balance())
	if a, b := alice.History(0), restored.History(0); len(a) != len(b) {
		t.Fatalf("%d lines of history, restored %d", len(a), len(b))
	}
	if next, _ := restored.NewAddress(); next == last {
		t.Fatal("a paid address is handed out again")
	}
	s.pay(restored, s.address(alice), 90*c)
	s.mine(1, nobody)
	s.balance(restored, alice.Balance())
}

func TestOpenRefusesWhatItCannotOpen(t *testing.T) {
	s := newStory(t)
	s.open("alice", Options{Passphrase: "right", Mnemonic: abandon})
	s.must(s.wallets["alice"].Close())
	delete(s.wallets, "alice")
	for name, try := range map[string]struct {
		o    Options
		want error
	}{
		"wrong passphrase": {Options{Passphrase: "wrong"}, ErrPassphrase},
		"other words":      {Options{Passphrase: "right", Mnemonic: strings.Repeat("zoo ", 11) + "wrong"}, ErrMnemonicDiffers},
		"other account":    {Options{Passphrase: "right", Account: 3}, ErrMnemonicDiffers},
	} {
		if _, err := Open(s.p, "data/wallets/alice", s.fs, s.options(try.o)); !errors.Is(err, try.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cheese := coin.Cheese()
	var file *SeedFileError
	if _, err := Open(cheese, "data/wallets/alice", s.fs, s.options(Options{Passphrase: "right"})); !errors.As(err, &file) {
		t.Errorf("other network: %v", err)
	}
	s.open("alice", Options{Passphrase: "right", Mnemonic: "  " + strings.ToUpper(abandon)})
	if _, err := Open(s.p, "data/wallets/new", s.fs, s.options(Options{Mnemonic: "abandon"})); err == nil {
		t.Error("made a wallet from one word")
	}
}

func TestAccountsOfOneMnemonicAreApart(t *testing.T) {
	s := newStory(t)
	one := s.open("one", Options{Mnemonic: abandon})
	two := s.open("two", Options{Mnemonic: abandon, Account: 1})
	s.fund(one, 1)
	s.balance(two, Balance{})
	s.pay(one, s.address(two), c)
	s.mine(1, nobody)
	s.balance(two, Balance{Confirmed: c, Spendable: c})
	s.restart("two")
	s.balance(s.wallets["two"], Balance{Confirmed: c, Spendable: c})
}

func TestRunRingsAndStops(t *testing.T) {
	s := newStory(t)
	w := s.open("alice", Options{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	bell := w.Changed()
	to, err := w.PayToScript()
	s.must(err)
	s.mine(1, to)
	<-bell
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s.must(w.Close())
	s.must(w.Close())
	if _, err := w.NewAddress(); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

// However a story goes, a wallet restored from the words at its end has the confirmed coins of the one that lived
// through it.
func TestLivingThroughAStoryIsLikeReadingIt(t *testing.T) {
	fewer(t, "8")
	rapid.Check(t, func(rt *rapid.T) {
		s := tell(rt, vfs.NewMem())
		defer s.stop()
		alice := s.open("alice", Options{Mnemonic: abandon})
		s.fund(alice, 2)
		rt.Repeat(map[string]func(*rapid.T){
			"mine": func(rt *rapid.T) { s.mine(rapid.IntRange(1, 3).Draw(rt, "blocks"), nobody) },
			"earn": func(rt *rapid.T) {
				to, err := alice.PayToScript()
				s.must(err)
				s.mine(1, to)
			},
			"pay": func(rt *rapid.T) {
				r := SendRequest{Script: nobody, Amount: coin.Amount(rapid.Int64Range(1000, int64(20*c)).Draw(rt, "amount"))}
				if rapid.Bool().Draw(rt, "self") {
					r = SendRequest{To: s.address(alice), Amount: r.Amount}
				}
				_, _, err := alice.Send(context.Background(), r)
				var short *ErrInsufficient
				if err != nil && !errors.As(err, &short) {
					rt.Fatalf("%v", err)
				}
			},
			"reorg": func(rt *rapid.T) {
				depth := rapid.Int32Range(1, 4).Draw(rt, "depth")
				s.fork(s.height()-depth, int(depth)+1, nobody)
			},
			"restart": func(rt *rapid.T) {
				s.restart("alice")
				alice = s.wallets["alice"]
				for _, tx := range alice.Rebroadcast() {
					_ = s.pool.Accept(tx) // a parent may be gone
				}
			},
			"": func(rt *rapid.T) {
				if b := alice.Balance(); b.Confirmed < 0 || b.Spendable > b.Total() {
					rt.Fatalf("%+v", b)
				}
			},
		})
		alice.Balance()
		restored := s.open("restored", Options{Mnemonic: abandon})
		restored.Balance()
		sameCoins(rt, alice.ledger, restored.ledger)
	})
}

// A payment to an address that only a later transaction of the same block brings into sight is found.
func TestGapIsBridgedWithinABlock(t *testing.T) {
	p := coin.Regtest()
	keys, err := newKeyring(p, abandon, 0)
	if err != nil {
		t.Fatal(err)
	}
	far, err := newKeyring(p, abandon, 0)
	if err == nil {
		err = far.extend(external, 40)
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLedger(p, keys)
	if err != nil {
		t.Fatal(err)
	}
	pays := func(index uint32) *coin.Tx {
		return &coin.Tx{In: []coin.TxIn{{Prev: coin.OutPoint{Index: index}}}, Out: []coin.TxOut{{Value: 1, Script: far.script(keyRef{external, index})}}}
	}
	b := &coin.Block{Txs: []*coin.Tx{pays(39), pays(22), pays(7)}}
	u := &chain.Update{Block: b, Spent: make([]consensus.Coin, 2)}
	if err := l.connect(u); err != nil {
		t.Fatal(err)
	}
	if len(l.coins) != 3 || l.current != 40 {
		t.Fatalf("%d coins found of 3; the next address is %d", len(l.coins), l.current)
	}
	u.Revert = true
	if l.revert(u); len(l.coins) != 0 || len(l.open) != 3 || len(l.timeline) != 0 {
		t.Fatalf("reverted: %d coins, %d open, %d in the timeline", len(l.coins), len(l.open), len(l.timeline))
	}
}

func TestHistoryIsNewestFirst(t *testing.T) {
	s := newStory(t)
	w := s.open("alice", Options{})
	s.fund(w, 3)
	old, _ := s.pay(w, s.address(w), c)
	s.mine(1, nobody)
	recent, _ := s.pay(w, s.address(w), c)
	h := w.History(0)
	if len(h) != 5 || h[0].TxID != recent.ID() || h[1].TxID != old.ID() || h[2].Height != 3 || h[4].Height != 1 {
		t.Fatalf("%+v", h)
	}
	if h = w.History(2); len(h) != 2 || h[1].TxID != old.ID() {
		t.Fatalf("%+v", h)
	}
}

// fewer lowers how often rapid runs a slow property, unless the command line says how often.
func fewer(t *testing.T, n string) {
	runs := flag.Lookup("rapid.checks")
	usual := runs.Value.String()
	t.Cleanup(func() { runs.Value.Set(usual) })
	if usual == runs.DefValue {
		runs.Value.Set(n)
	}
}

// Wherever the machine stops, what the wallet acknowledged is there, nothing needs a repair, and the ledger is one
// that the chain on disk gives.
func TestCrashAtAnyMoment(t *testing.T) {
	fewer(t, "10")
	rapid.Check(t, func(rt *rapid.T) {
		mem := vfs.NewCrashableMem()
		s := tell(rt, mem)
		alice := s.open("alice", Options{Mnemonic: abandon})
		s.fund(alice, 2)
		s.must(s.chain.Flush())
		sent, handed := map[coin.Hash]bool{}, map[string]bool{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 4).Draw(rt, "step") {
			case 0:
				s.mine(1, nobody)
			case 1:
				a, err := alice.NewAddress()
				s.must(err)
				handed[a] = true
			case 2:
				tx, _ := s.pay(alice, s.address(alice), c)
				sent[tx.ID()] = true
			case 3:
				s.fork(s.height()-1, 2, nobody)
			case 4:
				alice.Balance()
				s.must(alice.save())
			}
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		after := tell(rt, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: mathrand.New(mathrand.NewPCG(seed, 1))}))
		s.stop()
		defer after.stop()
		alice = after.open("alice", Options{Mnemonic: abandon})
		for id := range sent {
			if _, _, ok := alice.Transaction(id); !ok {
				rt.Fatalf("payment %v is gone", id)
			}
		}
		if a, err := alice.NewAddress(); err != nil || handed[a] {
			rt.Fatalf("%s is handed out again, %v", a, err)
		}
		restored := after.open("restored", Options{Mnemonic: abandon})
		restored.Balance()
		sameCoins(rt, alice.ledger, restored.ledger)
	})
}

func sameCoins(t tester, a, b *ledger) {
	if len(a.coins) != len(b.coins) || len(a.timeline) != len(b.timeline) || a.at != b.at {
		t.Fatalf("%d coins and %d records at %v, restored %d and %d at %v", len(a.coins), len(a.timeline), a.at, len(b.coins), len(b.timeline), b.at)
	}
	for at, x := range a.coins {
		y := b.coins[at]
		if y == nil || x.out.Value != y.out.Value || x.height != y.height || x.coinbase != y.coinbase || x.key != y.key {
			t.Fatalf("coin %v is %+v, restored %+v", at, x, y)
		}
	}
	for i, x := range a.timeline {
		if y := b.timeline[i]; x.id != y.id || x.net != y.net || x.kind != y.kind || x.block != y.block {
			t.Fatalf("record %d is %+v, restored %+v", i, x, y)
		}
	}
}
