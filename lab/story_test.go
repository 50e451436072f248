package lab_test

import (
	"context"
	crand "crypto/rand"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"cheese/coin"
	"cheese/lab"
	"cheese/lab/labtest"
	"cheese/miner"
	"cheese/node"
	"cheese/wallet"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// virtual starts three peers in the bubble it is called in. Mining is a Poisson process of one block a minute and peer.
func virtual(t *testing.T, seed uint64, classic bool) (*lab.Lab, func()) {
	t.Logf("seed %d", seed)
	l, err := lab.Open(t.Context(), lab.Options{Params: labtest.Params(t), NoFunds: true, Net: lab.NewMemory(), NoWindows: true, Classic: classic,
		Seed: [32]byte{byte(seed), byte(seed >> 8), 1}, Search: func(peer int) miner.Search {
			return miner.NewPoisson(rand.New(rand.NewPCG(seed, uint64(peer))), 2.0/60)
		}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	return l, func() {
		cancel()
		begin := time.Now()
		if err := <-ended; err != nil {
			t.Errorf("the lab ended with: %v", err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("stopping took %v", took)
		}
	}
}

// said counts the journal's lines of a peer that have this text.
func said(n *node.Node, text string) (count int) {
	lines, _ := n.Journal.Since(0, 1<<20)
	for _, l := range lines {
		if l.Text == text {
			count++
		}
	}
	return count
}

func connections(n *node.Node) int { return len(n.P2P.Peers()) }

// TestThreePeersRace is the story of the exercise in virtual time: peers announce, meet, race, pay, agree.
func TestThreePeersRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := virtual(t, 7, false)
		defer stop()
		time.Sleep(30 * time.Second)
		for _, p := range l.Peers {
			if got := connections(p.Node); got != 2 {
				t.Errorf("%s has %d connections, not 2", p.Node.Name, got)
			}
			list, err := p.Node.PeerList(t.Context())
			if err != nil || len(list) != 2 {
				t.Errorf("%s: peer list %v, %v", p.Node.Name, list, err)
			}
		}

		// Until somebody's reward is mature nobody can pay.
		payer := l.Peers[0].Node
		for wait := 0; payer.Wallet.Balance().Spendable < 20*coin.Coin; wait++ {
			if wait == 240 {
				t.Fatal("Peer1 won nothing in four hours")
			}
			time.Sleep(time.Minute)
		}
		var ids []coin.Hash
		for range 3 {
			sent, err := payer.RandomPayment(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if sent.Amount < coin.Coin || sent.Amount > 10*coin.Coin || sent.RecipientName == "" {
				t.Errorf("random payment of %v to %q", sent.Amount, sent.RecipientName)
			}
			ids = append(ids, sent.Tx.ID())
		}
		time.Sleep(10 * time.Second)
		for _, p := range l.Peers[1:] {
			if said(p.Node, node.SayIncoming)+said(p.Node, node.SayPaid) < 3 && p.Node.Pool.View().Len() > 0 {
				t.Errorf("%s did not tell of the payments", p.Node.Name)
			}
		}
		time.Sleep(20 * time.Minute)
		for _, p := range l.Peers {
			for _, id := range ids {
				if p.Node.Pool.View().Has(id) {
					t.Errorf("%s: %v still waits", p.Node.Name, id)
				}
			}
		}
		checkRace(t, l)
	})
}

// checkRace checks that all agree, that winners and the others said so, and that the money adds up.
func checkRace(t *testing.T, l *lab.Lab) {
	t.Helper()
	for _, p := range l.Peers {
		p.Node.Miner.SetOn(false)
	}
	time.Sleep(30 * time.Second)
	tip := l.Peers[0].Node.Chain.View().Tip()
	var held coin.Amount
	for _, p := range l.Peers {
		mine := p.Node.Chain.View().Tip()
		if mine.Hash() != tip.Hash() {
			t.Errorf("%s is at %d %v, Peer1 at %d %v", p.Node.Name, mine.Height(), mine.Hash(), tip.Height(), tip.Hash())
		}
		if said(p.Node, node.SayMined) == 0 || said(p.Node, node.SayAdded) == 0 {
			t.Errorf("%s said %q %d times and %q %d times", p.Node.Name, node.SayMined, said(p.Node, node.SayMined), node.SayAdded, said(p.Node, node.SayAdded))
		}
		held += p.Node.Wallet.Balance().Total()
	}
	if want := coin.Amount(tip.Height()) * l.Params.Subsidy; held != want {
		t.Errorf("the wallets hold %v, but %d cheeses paid %v", held, tip.Height(), want)
	}
}

// TestClassicWaits is the original exercise: nobody connects or mines by itself, three waiting transactions start the race.
func TestClassicWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := virtual(t, 11, true)
		defer stop()
		time.Sleep(time.Minute)
		for _, p := range l.Peers {
			if got := connections(p.Node); got != 0 {
				t.Fatalf("%s connected by itself", p.Node.Name)
			}
		}
		results, err := l.Peers[0].Node.ConnectPeers(t.Context())
		if err != nil || len(results) != 2 {
			t.Fatalf("connect peers: %v, %v", results, err)
		}
		for _, r := range results {
			if r.Err != nil {
				t.Errorf("%v: %v", r.Addr, r.Err)
			}
		}
		if got := connections(l.Peers[0].Node); got != 2 {
			t.Errorf("Peer1 has %d connections after the button", got)
		}
		time.Sleep(time.Hour)
		if h := l.Peers[0].Node.Chain.View().Tip().Height(); h != 0 {
			t.Errorf("%d cheeses were mined though no transaction waits", h)
		}
	})
}

// TestRaceOnSockets is the story over real sockets, with real hashing on a network that funds its peers.
func TestRaceOnSockets(t *testing.T) {
	n := labtest.Start(t, lab.Options{Params: demoParams(t), NoWindows: true})
	for i := range n.Peers {
		if got := n.Node(i).Wallet.Balance().Spendable; got < 60*coin.Coin {
			t.Errorf("Peer%d starts with %v", i+1, got)
		}
	}
	sent, err := n.Node(1).RandomPayment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range n.Peers {
		n.Eventually("the payment is mined", func() bool {
			return said(n.Node(i), node.SayMined)+said(n.Node(i), node.SayAdded) > 0 && !n.Node(i).Pool.View().Has(sent.Tx.ID())
		})
	}
	for i := range n.Peers {
		n.Node(i).Miner.SetOn(false)
	}
	n.Agree()
}

// demoParams is the demo's network made easy enough for a test: a block about every second.
func demoParams(t *testing.T) *coin.Params {
	f := lab.DemoNetwork(time.Now(), lab.DemoHashRate/10)
	if err := f.Mine(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := f.Params()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestReorgReturnsPayments hands Peer3 a branch that is one cheese longer:
//
//	… ── 11 ── 12 (Peer1 pays Peer2)
//	       └── 12' ── 13' (both empty)
func TestReorgReturnsPayments(t *testing.T) {
	n := labtest.Start(t, lab.Options{NoWindows: true})
	n.Mine(0, 11)
	n.Agree()
	paid := n.Pay(0, 1, 5*coin.Coin)
	n.Mine(1, 1)
	n.Agree()
	entry := n.Node(1).Wallet.History(10)
	if len(entry) == 0 || entry[0].State == "pending" {
		t.Fatalf("the payment is not confirmed: %+v", entry)
	}
	fork, _ := n.Node(2).Chain.View().ByHeight(11)
	tip := fork.State
	pay, err := n.Node(2).Wallet.PayToScript()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b, _, err := miner.Template(tip, nil, miner.TemplateOptions{PayTo: pay, Name: "Peer3", Now: time.Now(), ExtraNonce: 99})
		if err != nil {
			t.Fatal(err)
		}
		solved, _ := miner.NewSearch(0).Search(t.Context(), b.Header, coin.Target(b.Bits))
		b.Header = solved
		if err := n.Node(2).Chain.Submit(b); err != nil {
			t.Fatal(err)
		}
		if tip, err = tip.CheckHeader(b.Header, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.Agree(); got != tip.Hash() {
		t.Fatalf("all are on %v, not on the longer branch", got)
	}
	n.Waiting(paid) // what the reorg unconfirmed is back in every pool
	n.Eventually("the reorg was told", func() bool { return said(n.Node(1), node.SayReorg) == 1 && said(n.Node(1), node.SayLost) == 1 })
}

// TestDoubleSpend is the attack of the whitepaper's section 11 on one confirmation: Peer1 pays Peer2 and, cut off with
// Peer3, pays itself with the same coin on a branch that becomes the longer one.
//
//	… ── 11 ── 12 (Peer1 pays Peer2)
//	       └── 12' (the same coin goes to Peer3) ── 13'
func TestDoubleSpend(t *testing.T) {
	n := labtest.Start(t, lab.Options{Params: labtest.Params(t), NoMine: true, NoFunds: true, Classic: true, NoWindows: true})
	connect := func(a, b int) {
		if err := n.Node(a).P2P.Connect(t.Context(), n.Node(b).ListenAddr().String()); err != nil {
			t.Fatal(err)
		}
	}
	connect(0, 1)
	connect(0, 2)
	n.Mine(0, 11)
	n.Agree()
	for _, p := range n.Node(2).P2P.Peers() {
		if err := n.Node(2).P2P.Disconnect(p.ID); err != nil {
			t.Fatal(err)
		}
	}
	n.Eventually("Peer3 is cut off", func() bool { return connections(n.Node(2)) == 0 && connections(n.Node(0)) == 1 })

	victim, err := n.Node(1).Wallet.PayToScript()
	if err != nil {
		t.Fatal(err)
	}
	paid, err := n.Node(0).Pay(t.Context(), node.Payment{To: victim, Amount: 5 * coin.Coin})
	if err != nil {
		t.Fatal(err)
	}
	n.Eventually("Peer2 sees it", func() bool { return n.Node(1).Pool.View().Has(paid.Tx.ID()) })
	n.Mine(1, 1)

	stolen := spendAgain(t, n)
	n.Mine(2, 2)
	connect(0, 2)
	n.Agree()
	entry, _, ok := n.Node(1).Wallet.Transaction(paid.Tx.ID())
	if !ok || entry.State != wallet.StateConflicted {
		t.Errorf("Peer2's wallet has the payment as %+v", entry)
	}
	for i := range n.Peers {
		if v := n.Node(i).Pool.View(); v.Has(paid.Tx.ID()) || v.Has(stolen) {
			t.Errorf("Peer%d still holds one of the two", i+1)
		}
	}
	if b := n.Node(1).Wallet.Balance(); b.Total() != 0 {
		t.Errorf("Peer2 holds %+v after it was robbed and its cheese lost the race", b)
	}
	n.Eventually("the reorg was told", func() bool { return said(n.Node(1), node.SayReorg) == 1 && said(n.Node(1), node.SayLost) == 1 })
}

// spendAgain opens Peer1's wallet a second time, on Peer3's chain, and pays Peer3 from it.
func spendAgain(t *testing.T, n *labtest.Network) coin.Hash {
	t.Helper()
	w, err := wallet.Open(n.Params, "again", vfs.NewMem(), wallet.Options{Mnemonic: lab.DemoMnemonic, KDF: wallet.LightKDF, Chain: n.Node(2).Chain,
		Pool: n.Node(2).Pool, Now: time.Now, Rand: crand.Reader, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	to, err := n.Node(2).Wallet.PayToScript()
	if err != nil {
		t.Fatal(err)
	}
	tx, _, err := w.Send(t.Context(), wallet.SendRequest{Script: to, Amount: 7 * coin.Coin})
	if err != nil {
		t.Fatal(err)
	}
	return tx.ID()
}

// TestFewGoroutines holds DESIGN's bound, so that hundreds of nodes fit in one process.
func TestFewGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	n := labtest.Start(t, lab.Options{Peers: 8})
	each := (runtime.NumGoroutine() - before) / len(n.Peers)
	t.Logf("%d goroutines a node", each)
	if each > 50 {
		t.Errorf("%d goroutines a node with %d connections", each, len(n.Peers)-1)
	}
}
