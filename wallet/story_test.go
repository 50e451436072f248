package wallet

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
	"cheese/consensus"
	"cheese/mempool"
	"cheese/script"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testing.TB and *rapid.T have these in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// story is a chain and a pool on a network whose blocks cost nothing, and the wallets on them.
type story struct {
	tester
	p       *coin.Params
	fs      vfs.FS
	chain   *chain.Chain
	pool    *mempool.Pool
	now     time.Time
	wallets map[string]*Wallet
	tag     uint64 // makes coinbases differ
}

const maturity = 5

func tell(t tester, fs vfs.FS) *story {
	s := &story{tester: t, p: coin.Regtest(), fs: fs, now: time.Unix(1_790_000_000, 0), wallets: map[string]*Wallet{}}
	s.p.Maturity = maturity
	s.start()
	return s
}

func newStory(t *testing.T) *story {
	s := tell(t, vfs.NewMem())
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *story) clock() time.Time { return s.now }

func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("%v", err)
	}
}

func (s *story) start() {
	log, verifier := slog.New(slog.DiscardHandler), script.NewVerifier(1000, 1)
	var err error
	s.chain, err = chain.Open(s.p, "data", s.fs, chain.Options{Now: s.clock, Logger: log, Verifier: verifier})
	s.must(err)
	s.pool = mempool.New(s.chain, mempool.Options{Params: s.p, Now: s.clock, Logger: log, Verifier: verifier})
}

// stop closes everything, wallets first.
func (s *story) stop() {
	for _, w := range s.wallets {
		s.must(w.Close())
	}
	clear(s.wallets)
	s.must(s.chain.Close())
}

// restart stops everything and opens it again, with empty pools.
func (s *story) restart(names ...string) {
	s.stop()
	s.start()
	for _, n := range names {
		s.open(n, Options{})
	}
}

func (s *story) options(o Options) Options {
	o.KDF, o.Chain, o.Pool, o.Now, o.Rand, o.Logger = LightKDF, s.chain, s.pool, s.clock, rand.Reader, slog.New(slog.DiscardHandler)
	return o
}

// open opens or makes a person's wallet.
func (s *story) open(name string, o Options) *Wallet {
	s.Helper()
	w, err := Open(s.p, "data/wallets/"+name, s.fs, s.options(o))
	s.must(err)
	s.wallets[name] = w
	return w
}

// nobody's coins cannot be spent by anyone in a story.
var nobody = script.PayToWitnessKeyHash([20]byte{1})

// build makes a block on parent with transactions and a coinbase that takes the subsidy.
func (s *story) build(parent consensus.State, payTo []byte, txs ...*coin.Tx) *coin.Block {
	s.tag++
	return chaintest.Build(parent, chaintest.Plan{PayTo: payTo, Txs: txs, Tag: s.tag})
}

// mine puts what waits in the pool into a block on the tip, and n-1 blocks on top, all paying payTo.
func (s *story) mine(n int, payTo []byte) {
	s.Helper()
	for range n {
		var txs []*coin.Tx
		for _, e := range s.pool.View().Select(consensus.MaxBlockWeight-4000, consensus.MaxBlockSigOpCost-400, s.height()+1, s.chain.View().Tip().MedianTime()) {
			txs = append(txs, e.Tx)
		}
		s.must(s.chain.Submit(s.build(s.chain.View().Tip(), payTo, txs...)))
	}
}

func (s *story) height() int32 { return s.chain.View().Tip().Height() }

// fork builds n blocks on the block at height, each with some of txs in the first, and submits them.
func (s *story) fork(height int32, n int, payTo []byte, txs ...*coin.Tx) {
	s.Helper()
	e, ok := s.chain.View().ByHeight(height)
	if !ok {
		s.Fatalf("no block at height %d", height)
	}
	parent := e.State
	for range n {
		b := s.build(parent, payTo, txs...)
		txs = nil
		s.must(s.chain.Submit(b))
		parent = parent.Extend(b.Header)
	}
}

// fund mines n coinbases to a wallet and buries them.
func (s *story) fund(w *Wallet, n int) {
	s.Helper()
	to, err := w.PayToScript()
	s.must(err)
	s.mine(n, to)
	s.mine(maturity, nobody)
}

func (s *story) address(w *Wallet) string {
	s.Helper()
	a, err := w.Address()
	s.must(err)
	return a
}

func (s *story) pay(from *Wallet, to string, amount coin.Amount) (*coin.Tx, Sent) {
	s.Helper()
	tx, sent, err := from.Send(context.Background(), SendRequest{To: to, Amount: amount})
	s.must(err)
	return tx, sent
}

func (s *story) balance(w *Wallet, want Balance) {
	s.Helper()
	if got := w.Balance(); got != want {
		s.Fatalf("balance is\n%v, want\n%v", got, want)
	}
}

func (s *story) state(w *Wallet, id coin.Hash, want State) Entry {
	s.Helper()
	e, tx, ok := w.Transaction(id)
	if !ok || e.State != want || tx.ID() != id {
		s.Fatalf("transaction %v: %+v, %v; want it %s", id, e, ok, want)
	}
	return e
}

const c = coin.Coin

func TestMinedCoinsMature(t *testing.T) {
	s := newStory(t)
	w := s.open("alice", Options{})
	s.balance(w, Balance{})
	to, err := w.PayToScript()
	s.must(err)
	s.mine(1, to)
	s.balance(w, Balance{Immature: 50 * c})
	e := w.History(0)[0]
	if e.Kind != KindMined || e.State != StateImmature || e.Net != 50*c || e.Height != 1 || e.Confirmations != 1 {
		t.Fatalf("%+v", e)
	}
	for on := range maturity { // blocks on top; with maturity-1 the next block may spend it, but the wallet waits as Core's does
		s.rests(w, e.TxID, int32(on)+1)
		s.mine(1, nobody)
	}
	s.balance(w, Balance{Confirmed: 50 * c, Spendable: 50 * c})
	if e := s.state(w, e.TxID, StateConfirmed); e.Confirmations != maturity+1 || !w.Coins()[0].Spendable {
		t.Fatalf("%+v, %+v", e, w.Coins()[0])
	}
	s.pay(w, s.address(w), c)
	if again, _ := w.PayToScript(); string(again) != string(to) || !w.Mine(to) || w.Mine(nobody) {
		t.Fatal("the mining script changed, or is not known")
	}
}

// rests checks that a reward of 50, all that the wallet has, cannot be spent yet.
func (s *story) rests(w *Wallet, id coin.Hash, confirmations int32) {
	s.Helper()
	s.balance(w, Balance{Immature: 50 * c})
	if e := s.state(w, id, StateImmature); e.Confirmations != confirmations {
		s.Fatalf("%+v, want %d confirmations", e, confirmations)
	}
	if all := w.Coins(); len(all) != 1 || all[0].Spendable {
		s.Fatalf("%+v", all)
	}
	_, _, err := w.Send(context.Background(), SendRequest{Script: nobody, Amount: c})
	if short := (*ErrInsufficient)(nil); !errors.As(err, &short) || short.Spendable != 0 || short.Immature != 50*c {
		s.Fatalf("sending with %d confirmations: %v", confirmations, err)
	}
}

func TestPaymentGoesFromPendingToConfirmed(t *testing.T) {
	s := newStory(t)
	alice, bob := s.open("alice", Options{}), s.open("bob", Options{})
	s.fund(alice, 1)
	address := s.address(bob)
	tx, sent := s.pay(alice, address, 10*c)
	if least := coin.Amount(tx.VSize()) * DefaultFeeRate; sent.Fee != least || sent.VSize != tx.VSize() || sent.To != address {
		t.Fatalf("%+v, fee at the asked rate is %v", sent, least)
	}
	left := 40*c - sent.Fee
	s.balance(alice, Balance{Pending: left, Spendable: left})
	s.balance(bob, Balance{Pending: 10 * c})
	if e := s.state(alice, tx.ID(), StatePending); e.Kind != KindSent || e.Net != -10*c-sent.Fee || e.Fee != sent.Fee || e.Counterparty != address || e.Height != -1 {
		t.Fatalf("%+v", e)
	}
	if e := s.state(bob, tx.ID(), StatePending); e.Kind != KindReceived || e.Net != 10*c || e.Counterparty != address {
		t.Fatalf("%+v", e)
	}
	if s.address(bob) == address {
		t.Fatal("the address stays though it was paid")
	}
	s.mine(1, nobody)
	s.balance(alice, Balance{Confirmed: left, Spendable: left})
	s.balance(bob, Balance{Confirmed: 10 * c, Spendable: 10 * c})
	if e := s.state(bob, tx.ID(), StateConfirmed); e.Confirmations != 1 || e.Height != s.height() {
		t.Fatalf("%+v", e)
	}
	s.pay(bob, s.address(alice), 9*c)
	s.mine(1, nobody)
	if got := bob.Balance(); got.Confirmed == 0 || got.Confirmed != got.Total() {
		t.Fatalf("%+v", got)
	}
}

func TestTwoSendsInARowUseUnconfirmedChange(t *testing.T) {
	s := newStory(t)
	alice, bob := s.open("alice", Options{}), s.open("bob", Options{})
	s.fund(alice, 1)
	first, _ := s.pay(alice, s.address(bob), 10*c)
	second, _ := s.pay(alice, s.address(bob), 10*c)
	if second.In[0].Prev.Hash != first.ID() {
		t.Fatal("the second payment does not spend the first one's change")
	}
	if h := alice.History(0); h[0].State != StatePending || len(h) != 3 {
		t.Fatalf("%+v", h)
	}
	s.mine(1, nobody)
	s.state(alice, second.ID(), StateConfirmed)
	s.balance(bob, Balance{Confirmed: 20 * c, Spendable: 20 * c})
}

func TestOthersUnconfirmedCoinsAreNotSpent(t *testing.T) {
	s := newStory(t)
	alice, bob := s.open("alice", Options{}), s.open("bob", Options{})
	s.fund(alice, 1)
	s.pay(alice, s.address(bob), 10*c)
	_, _, err := bob.Send(context.Background(), SendRequest{To: s.address(alice), Amount: c})
	var short *ErrInsufficient
	if !errors.As(err, &short) || short.Spendable != 0 || short.Pending != 10*c || !strings.Contains(err.Error(), "10.00000000 received waits") {
		t.Fatal(err)
	}
}

func TestSendSaysWhatIsWrong(t *testing.T) {
	s := newStory(t)
	w := s.open("alice", Options{})
	s.fund(w, 1)
	to, err := w.PayToScript()
	s.must(err)
	s.mine(1, to)
	good := s.address(w)
	for want, r := range map[string]SendRequest{
		"insufficient funds: 60.":                    {To: good, Amount: 60 * c},
		"50.00000000 can be spent now":               {To: good, Amount: 60 * c},
		"50.00000000 mined is immature until 5":      {To: good, Amount: 60 * c},
		"must be more than zero":                     {To: good},
		"amount -0.00000001":                         {To: good, Amount: -1},
		"dust: peers do not relay less than 0.00000": {To: good, Amount: 100},
		"more than all the money":                    {To: good, Amount: coin.MaxMoney + 1},
		"fee rate of 20000 crumbs":                   {To: good, Amount: c, FeeRate: 20_000},
		"fee rate of -1 crumbs":                      {To: good, Amount: c, FeeRate: -1},
		`address "cheddar"`:                          {To: "cheddar", Amount: c},
		"an address to pay to is missing":            {Amount: c},
		"one of them is needed":                      {To: good, Script: nobody, Amount: c},
		"less than the least payment":                {To: good, Amount: 400, FeeRate: 5, SubtractFee: true},
	} {
		if _, _, err := w.Send(context.Background(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want something with %q", r, err, want)
		}
	}
	s.balance(w, Balance{Confirmed: 50 * c, Immature: 50 * c, Spendable: 50 * c})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w.turn <- struct{}{}
	if _, _, err := w.Send(ctx, SendRequest{To: good, Amount: c}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-w.turn
}

func TestSendingEverythingLeavesNothing(t *testing.T) {
	s := newStory(t)
	alice, bob := s.open("alice", Options{}), s.open("bob", Options{})
	s.fund(alice, 3)
	tx, sent, err := alice.Send(context.Background(), SendRequest{To: s.address(bob), Amount: alice.Balance().Spendable, SubtractFee: true})
	s.must(err)
	if len(tx.Out) != 1 || sent.Amount+sent.Fee != 150*c || sent.Inputs != 3 || sent.Change != 0 {
		t.Fatalf("%+v", sent)
	}
	s.balance(alice, Balance{})
	s.mine(1, nobody)
	s.balance(bob, Balance{Confirmed: sent.Amount, Spendable: sent.Amount})
}

func TestPaymentsToEveryKindOfAddress(t *testing.T) {
	s := newStory(t)
	w := s.open("alice", Options{})
	s.fund(w, 1)
	for _, to := range [][]byte{script.PayToPubKeyHash([20]byte{2}), script.PayToScriptHash([20]byte{3}), nobody,
		script.PayToTaproot([32]byte{31: 5}), append([]byte{0, 32}, make([]byte, 32)...)} {
		tx, sent, err := w.Send(context.Background(), SendRequest{Script: to, Amount: c, FeeRate: 3})
		s.must(err)
		if least := 3 * coin.Amount(tx.VSize()); sent.Fee < least || sent.Fee > least+changeDust {
			t.Errorf("fee %v for %d bytes", sent.Fee, tx.VSize())
		}
		if e := w.History(1)[0]; e.TxID != tx.ID() && e.Kind != KindSent {
			t.Errorf("%+v", e)
		}
	}
	s.mine(1, nobody)
	if b := w.Balance(); b.Confirmed != b.Total() || b.Confirmed > 45*c {
		t.Fatalf("%+v", b)
	}
}

func TestMovingToOneselfCostsTheFee(t *testing.T) {
	s := newStory(t)
	w := s.open("alice", Options{})
	s.fund(w, 1)
	tx, sent := s.pay(w, s.address(w), c)
	if e := s.state(w, tx.ID(), StatePending); e.Kind != KindMoved || e.Net != -sent.Fee {
		t.Fatalf("%+v", e)
	}
	if net, kind, _ := w.Describe(tx); net != -sent.Fee || kind != KindMoved {
		t.Fatal(net, kind)
	}
	if _, kind, _ := s.open("bob", Options{}).Describe(tx); kind != "" {
		t.Fatalf("a stranger's transaction is %q", kind)
	}
}

func TestRefusedPaymentGivesItsCoinsBack(t *testing.T) {
	s := newStory(t)
	w := s.open("alice", Options{})
	s.fund(w, 1)
	_, _, err := w.Send(context.Background(), SendRequest{Script: []byte{0x51, 0x51, 0x51}, Amount: c})
	var refused *mempool.RejectError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	s.balance(w, Balance{Confirmed: 50 * c, Spendable: 50 * c})
	if len(w.Rebroadcast()) != 0 || len(w.History(0)) != 1 {
		t.Fatal("the refused payment is remembered")
	}
}

// Sends wait for one another and never pick the same coin, whatever else goes on.
func TestManySendAtOnce(t *testing.T) {
	s := newStory(t)
	w := s.open("alice", Options{})
	s.fund(w, 4)
	to := s.address(w)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if _, _, err := w.Send(context.Background(), SendRequest{To: to, Amount: 20 * c}); err != nil {
				t.Error(err)
			}
			w.History(3)
		})
	}
	s.mine(2, nobody)
	all.Wait()
	s.mine(1, nobody)
	if b := w.Balance(); b.Confirmed != b.Total() || b.Total() > 200*c || b.Total() < 199*c || len(w.History(0)) != 10 {
		t.Fatalf("%+v, %d lines", b, len(w.History(0)))
	}
}
