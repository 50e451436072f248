package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/miner"
	"cheese/wallet"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(fs vfs.FS) Config {
	return Config{Params: coin.Regtest(), Name: "alice", Version: "1", Dir: "alice", FS: fs, NoMine: true, KDF: wallet.LightKDF,
		Dial: func(context.Context, string) (net.Conn, error) { return nil, net.ErrClosed }}
}

// run opens a node and runs it until the returned function is called.
func run(t *testing.T, cfg Config) (*Node, func()) {
	t.Helper()
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	return n, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func mine(t *testing.T, n *Node, blocks int) {
	t.Helper()
	script, err := n.Wallet.PayToScript()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Miner.Generate(t.Context(), script, blocks, 0); err != nil {
		t.Fatal(err)
	}
}

func TestRestartCarriesOn(t *testing.T) {
	fs := vfs.NewMem()
	n, stop := run(t, config(fs))
	mine(t, n, 101)
	address, _ := n.Wallet.Address()
	script, _ := n.Params.ParseAddress(address)
	sent, err := n.Pay(t.Context(), Payment{To: script, Amount: coin.Coin})
	if err != nil {
		t.Fatal(err)
	}
	tip, balance := n.Chain.View().Tip(), n.Wallet.Balance()
	stop()

	n, stop = run(t, config(fs))
	defer stop()
	if again := n.Chain.View().Tip(); again.Hash() != tip.Hash() {
		t.Errorf("the chain is at %d after a restart, was at %d", again.Height(), tip.Height())
	}
	for end := time.Now().Add(10 * time.Second); !n.Pool.View().Has(sent.Tx.ID()); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("our own payment is not back in the pool after a restart")
		}
	}
	if again := n.Wallet.Balance(); again != balance {
		t.Errorf("the balance is %+v after a restart, was %+v", again, balance)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	n, err := Open(config(fs))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(config(fs)); !errors.Is(err, chain.ErrLocked) || !strings.Contains(err.Error(), "alice") {
		t.Errorf("a second peer on the same data: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{"alice": true, "Peer-1_x.y": true, "": false, "a b": false, "ü": false, "a/b": false, "(x)": false,
		strings.Repeat("a", MaxNameLen): true, strings.Repeat("a", MaxNameLen+1): false} {
		if err := CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNoTrackerNoPeers(t *testing.T) {
	n, stop := run(t, config(vfs.NewMem()))
	defer stop()
	if _, err := n.PeerList(t.Context()); !errors.Is(err, ErrNoTracker) {
		t.Errorf("peer list without tracker: %v", err)
	}
	if _, err := n.RandomPayment(t.Context()); !errors.Is(err, ErrNobody) {
		t.Errorf("random payment without peers: %v", err)
	}
	if _, err := n.Pay(t.Context(), Payment{Peer: 3, Amount: coin.Coin}); err == nil {
		t.Error("paid a peer that is not there")
	}
}

// TestLostWithoutReorg: our block is second at its height, so that it never joins the best chain.
func TestLostWithoutReorg(t *testing.T) {
	n, stop := run(t, config(vfs.NewMem()))
	defer stop()
	genesis := n.Chain.View().Tip()
	mine(t, n, 1)
	script, _ := n.Wallet.PayToScript()
	b, _, err := miner.Template(genesis, nil, miner.TemplateOptions{PayTo: script, Name: "alice", Now: time.Now(), ExtraNonce: 77})
	if err != nil {
		t.Fatal(err)
	}
	b.Header, _ = miner.NewSearch(0).Search(t.Context(), b.Header, coin.Target(b.Bits))
	n.onFound(b, n.Chain.Submit(b))
	lines, _ := n.Journal.Since(0, 1000)
	lost := slices.ContainsFunc(lines, func(l Line) bool { return l.Text == SayLost })
	if !lost {
		t.Error("nobody was told that the race was lost")
	}
}

// TestDownloadIsToldInAFewLines: 300 blocks of somebody else's are progress, and the newest are news.
func TestDownloadIsToldInAFewLines(t *testing.T) {
	other, stopOther := run(t, config(vfs.NewMem()))
	mine(t, other, 300)
	cfg := config(vfs.NewMem())
	cfg.Name = "bob"
	n, stop := run(t, cfg)
	v := other.Chain.View()
	var headers []coin.Header
	for h := int32(1); h <= 300; h++ {
		e, _ := v.ByHeight(h)
		headers = append(headers, e.Header)
	}
	if err := n.Chain.AddHeaders(headers); err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		b, err := v.Block(h.Hash())
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Chain.Submit(b); err != nil {
			t.Fatal(err)
		}
	}
	count := func(text string) (found int) {
		lines, _ := n.Journal.Since(0, 1000)
		for _, l := range lines {
			if l.Text == text {
				found++
			}
		}
		return found
	}
	for end := time.Now().Add(10 * time.Second); count(SayAdded) == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	if added, progress := count(SayAdded), count(SayCatchingUp); added > 2*narrateAtOnce || added == 0 || progress == 0 || progress > 30 {
		t.Errorf("%d lines of new cheeses, %d of catching up", added, progress)
	}
	stop()
	stopOther()
}

func TestStopEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, err := Open(config(vfs.NewMem()))
		if err != nil {
			t.Fatal(err)
		}
		n.Stop() // nobody listens yet
		time.AfterFunc(time.Minute, n.Stop)
		if err := n.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestFailingDoorEndsTheRun: whoever runs the node hears why.
func TestFailingDoorEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, err := Open(config(vfs.NewMem()))
		if err != nil {
			t.Fatal(err)
		}
		jammed := errors.New("jammed")
		good := func(ctx context.Context) error { <-ctx.Done(); return nil }
		bad := func(context.Context) error { time.Sleep(time.Minute); return jammed }
		if err := n.Run(t.Context(), good, bad); !errors.Is(err, jammed) {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestJournalForgetsTheOldest(t *testing.T) {
	j := NewJournal()
	log := slog.New(j.Handler(slog.DiscardHandler)).With("peer", "alice")
	for i := range 5000 {
		log.Info("line", "i", i)
	}
	log.Debug("not for people")
	lines, missed := j.Since(0, 100_000)
	last := lines[len(lines)-1]
	if len(lines) > journalLines || uint64(len(lines))+missed != 5000 || last.Seq != 5000 || last.Attrs[1] != [2]string{"i", "4999"} {
		t.Errorf("%d lines, %d missed, last %+v", len(lines), missed, last)
	}
	if lines, missed := j.Since(4998, 100); len(lines) != 2 || missed != 0 {
		t.Errorf("after 4998: %d lines, %d missed", len(lines), missed)
	}
	if lines, missed := j.Since(0, 10); len(lines) != 10 || missed != 4990 {
		t.Errorf("ten at most: %d lines, %d missed", len(lines), missed)
	}
}
