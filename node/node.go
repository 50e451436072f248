// Package node wires the rooms together into one peer and owns their lifetimes: chain, pool, wallet, miner, p2p and
// the announcer at its trackers. It is the only place that knows them all. Above it are the doors for people and
// programs (web, rpc) and the lab; it also says in log lines, in the words of the cheese story, what happens.
package node

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/mempool"
	"cheese/miner"
	"cheese/p2p"
	"cheese/script"
	"cheese/tracker"
	"cheese/wallet"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ClassicWaitFor is how many transactions must wait before a cheese is mined in classic mode, as in the exercise
// that the program grew from.
const ClassicWaitFor = 3

// Config is what a peer is made of. Params, Name and Dir are needed; the rest has sensible zero values.
type Config struct {
	Params  *coin.Params
	Name    string // how other people see this peer; at most MaxNameLen letters, digits, '-', '_', '.'
	Version string // the program's

	Dir string // data directory, or any name where FS is in memory
	FS  vfs.FS // nil: the disk

	Listener    net.Listener                                             // for other peers; nil: none, and then the peer is not announced
	Dial        func(ctx context.Context, addr string) (net.Conn, error) // nil: TCP
	Trackers    []string                                                 // URLs
	TrackerHTTP *http.Client                                             // nil: the tracker client's own
	Connect     []string                                                 // addresses to keep connected to, beside what trackers and peers tell
	MaxOutbound int                                                      // connections to make by itself; 0: 8
	Alone       bool                                                     // make no connections but those of Connect

	NoWallet   bool       // open none: Node.Wallet is nil, and nothing is mined or paid
	Mnemonic   string     // the wallet's, when it does not exist yet; "": a fresh one
	Account    uint32     // BIP 86 account, so that several peers may share one mnemonic
	Passphrase string     // of the seed file
	KDF        wallet.KDF // strength of a new seed file; zero: strong
	NoMine     bool       // start with the miner off
	Threads    int        // 0: one
	HashLimit  float64
	Classic    bool         // connect, and mine, only as the exercise did: by the buttons, and three transactions at a time
	Search     miner.Search // nil: real hashing

	Policy mempool.Options // of the pool; Params, Now, Logger and Verifier are the node's

	Logger *slog.Logger // terminal lines; nil: none
	Clock  *Clock       // a clock that can be set, in place of Now; nil: none
	Now    func() time.Time
	Seed   [32]byte // of all randomness that is not secret; zero: from the system
}

// Node is one running peer. Its rooms are exported for the doors above it.
type Node struct {
	Params   *coin.Params
	Name     string
	Version  string
	Classic  bool
	Started  time.Time
	Chain    *chain.Chain
	Pool     *mempool.Pool
	Wallet   *wallet.Wallet // nil with Config.NoWallet
	Miner    *miner.Miner
	P2P      *p2p.Node
	Trackers *tracker.Announcer // nil without trackers or listener
	Journal  *Journal

	cfg   Config
	named namedPeers
	now   func() time.Time
	log   *slog.Logger
	rand  *lockedRand
	stop  atomic.Pointer[context.CancelFunc]
}

// Open opens or creates the peer's data and wires its rooms; nothing runs until Run. A data directory that another
// process uses gives chain.ErrLocked.
func Open(cfg Config) (opened *Node, err error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	n := &Node{Params: cfg.Params, Name: cfg.Name, Version: cfg.Version, Classic: cfg.Classic, Journal: NewJournal(),
		cfg: cfg, now: cfg.Now, Started: cfg.Now()}
	n.named.addrs = slices.Clone(cfg.Connect)
	n.rand = &lockedRand{r: rand.New(rand.NewChaCha8(cfg.Seed))}
	n.log = slog.New(n.Journal.Handler(cfg.Logger.Handler()))
	verifier := script.NewVerifier(sigCacheEntries, 0)
	n.Chain, err = chain.Open(cfg.Params, cfg.Dir, cfg.FS, chain.Options{Now: cfg.Now, Logger: n.log, Verifier: verifier})
	if err != nil {
		return nil, fmt.Errorf("open chain: %w", err)
	}
	defer func() {
		if err != nil && n.Wallet != nil {
			err = errors.Join(err, n.Wallet.Close())
		}
		if err != nil {
			err = errors.Join(err, n.Chain.Close())
		}
	}()
	policy := cfg.Policy
	policy.Params, policy.Now, policy.Logger, policy.Verifier = cfg.Params, cfg.Now, n.log, verifier
	n.Pool = mempool.New(n.Chain, policy)
	if err := n.openWallet(); err != nil {
		return nil, err
	}
	n.Miner = miner.New(miner.Config{Chain: n.Chain, Pool: n.Pool, PayTo: n.minerPayTo, Name: cfg.Name, On: !cfg.NoMine && !cfg.NoWallet,
		Threads: cfg.Threads, Limit: cfg.HashLimit, Search: cfg.Search, Now: cfg.Now, Logger: n.log, WaitFor: n.waitFor(), OnFound: n.onFound})
	n.P2P = p2p.New(n.p2pConfig())
	if err := n.openAnnouncer(); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *Node) openWallet() (err error) {
	if n.cfg.NoWallet {
		return nil
	}
	n.Wallet, err = wallet.Open(n.Params, filepath.Join(n.cfg.Dir, "wallets"), n.cfg.FS, wallet.Options{
		Passphrase: n.cfg.Passphrase, Mnemonic: n.cfg.Mnemonic, Account: n.cfg.Account, KDF: n.cfg.KDF,
		Chain: n.Chain, Pool: n.Pool, Now: n.now, Rand: crand.Reader, Logger: n.log})
	return err
}

// ErrNoWallet says that the peer was opened without a wallet.
var ErrNoWallet = errors.New("this peer has no wallet")

// minerPayTo returns the script that the miner is to pay.
func (n *Node) minerPayTo() ([]byte, error) {
	if n.Wallet == nil {
		return nil, ErrNoWallet
	}
	return n.Wallet.PayToScript()
}

// sigCacheEntries bounds the cache of good signatures; an entry takes about 32 bytes.
const sigCacheEntries = 1 << 16

func (cfg *Config) complete() error {
	if err := CheckName(cfg.Name); err != nil {
		return err
	}
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if cfg.Clock != nil {
		cfg.Now = cfg.Clock.Now
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Dial == nil {
		cfg.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Seed == [32]byte{} {
		if _, err := crand.Read(cfg.Seed[:]); err != nil {
			return fmt.Errorf("read randomness: %w", err)
		}
	}
	cfg.Threads = max(cfg.Threads, 1)
	return nil
}

// MaxNameLen bounds a peer's name, which goes into user agents and coinbases.
const MaxNameLen = 24

// CheckName says what is wrong with a peer's name.
func CheckName(name string) error {
	if name == "" || len(name) > MaxNameLen {
		return fmt.Errorf("a peer's name has 1 to %d characters, not %d", MaxNameLen, len(name))
	}
	if name[0] == '.' || name[len(name)-1] == '.' {
		return fmt.Errorf("peer name %q starts or ends with a dot: it names a folder too, which would be hidden or another one", name)
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return fmt.Errorf("peer name %q has %q in it: letters, digits, '-', '_' and '.' only", name, c)
		}
	}
	return nil
}

func (n *Node) waitFor() int {
	if n.Classic {
		return ClassicWaitFor
	}
	return 0
}

func (n *Node) p2pConfig() p2p.Config {
	cfg := p2p.Config{Params: n.Params, Chain: n.Chain, Pool: n.Pool, Listener: n.cfg.Listener, Dial: n.cfg.Dial, Name: n.Name,
		Version: n.Version, Now: n.now, Seed: n.rand.seed(), Logger: n.log, FS: n.cfg.FS, BookFile: filepath.Join(n.cfg.Dir, "peers.json"),
		AutoConnect: !n.Classic && !n.cfg.Alone, MaxOutbound: n.cfg.MaxOutbound}
	if n.Wallet != nil {
		cfg.PayTo = n.payTo
	}
	return cfg
}

// payTo answers a peer that wants to pay: with the current address, which changes once it was paid, so that a peer
// that asks often cannot use up addresses.
func (n *Node) payTo() ([]byte, error) {
	address, err := n.Wallet.Address()
	if err != nil {
		return nil, err
	}
	return n.Params.ParseAddress(address)
}

func (n *Node) openAnnouncer() error {
	if len(n.cfg.Trackers) == 0 || n.cfg.Listener == nil {
		return nil
	}
	id, err := tracker.NewPeerID(crand.Reader)
	if err != nil {
		return err
	}
	at := n.ListenAddr()
	n.Trackers, err = tracker.NewAnnouncer(tracker.AnnouncerConfig{Trackers: n.cfg.Trackers, InfoHash: tracker.InfoHash(n.Params.ID), PeerID: id,
		Port: at.Port(), IP: loopback(at.Addr()), Now: n.now, Client: &tracker.Client{HTTP: n.cfg.TrackerHTTP}, Logger: n.log, Found: n.found})
	return err
}

// loopback returns a only where it is a loopback address: a tracker on the same host then lists exactly it.
func loopback(a netip.Addr) netip.Addr {
	if a.IsLoopback() {
		return a
	}
	return netip.Addr{}
}

// ListenAddr returns where other peers connect to, or the zero value where this peer does not listen.
func (n *Node) ListenAddr() netip.AddrPort {
	if n.cfg.Listener == nil {
		return netip.AddrPort{}
	}
	at, _ := netip.ParseAddrPort(n.cfg.Listener.Addr().String())
	return at
}

// found hears of peers from a tracker. In classic mode they wait for the connect button.
func (n *Node) found(tracker string, peers []netip.AddrPort) {
	if !n.Classic {
		n.P2P.AddAddresses(peers, tracker)
	}
}

// Door serves people or programs while the node runs, until ctx ends.
type Door func(ctx context.Context) error

// Run runs the peer and its doors until ctx ends, Stop is called, or a room or a door fails, which is the error. It
// returns after all of them have ended and the chain is flushed and closed. It may be called once.
func (n *Node) Run(ctx context.Context, doors ...Door) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n.stop.Store(&cancel)
	var rooms sync.WaitGroup
	failed := make(chan error, 1) // the first failure; later ones follow from it
	run := func(name string, room func(context.Context) error) {
		rooms.Go(func() {
			err := room(ctx)
			if err == nil || ctx.Err() != nil {
				return
			}
			n.log.Error("stopping", "room", name, "error", err)
			select {
			case failed <- fmt.Errorf("%s: %w", name, err):
			default:
			}
			cancel()
		})
	}
	for _, door := range doors {
		run("door", door)
	}
	run("mempool", n.Pool.Run)
	if n.Wallet != nil {
		run("wallet", n.Wallet.Run)
		run("rebroadcast", n.rebroadcast)
	}
	run("p2p", n.P2P.Run)
	run("miner", n.Miner.Run)
	run("narrator", n.narrate)
	run("connections", n.keepConnected)
	if n.Trackers != nil {
		run("announcer", func(ctx context.Context) error { n.Trackers.Run(ctx); return nil })
	}
	rooms.Wait()
	close(failed)
	return errors.Join(<-failed, n.Close())
}

// Stop ends Run, as the RPC's stop asks.
func (n *Node) Stop() {
	if stop := n.stop.Load(); stop != nil {
		(*stop)()
	}
}

// Logger returns the peer's logger, which feeds the terminal and the journal.
func (n *Node) Logger() *slog.Logger { return n.log }

// Now returns the peer's clock.
func (n *Node) Now() time.Time { return n.now() }

// Clock returns the clock that can be set, or nil where the peer goes by the machine's.
func (n *Node) Clock() *Clock { return n.cfg.Clock }

// EmptyPassphrase tells whether the wallet's seed file is open to anyone who can read it.
func (n *Node) EmptyPassphrase() bool { return n.cfg.Passphrase == "" }

// Agent returns the user agent by which other peers know this one (BIP 14).
func (n *Node) Agent() string { return p2p.UserAgent(n.Version, n.Name) }

// CloseListener closes the listener of a peer that never ran; Run does so itself.
func (n *Node) CloseListener() {
	if n.cfg.Listener != nil {
		n.cfg.Listener.Close()
	}
}

// Close flushes and closes the data of a peer that is not running; Run does so itself.
func (n *Node) Close() error {
	var err error
	if n.Wallet != nil {
		err = n.Wallet.Close()
	}
	return errors.Join(err, n.Chain.Close())
}

// rebroadcastEvery is how often our own unconfirmed payments are offered again.
const rebroadcastEvery = time.Minute

// rebroadcast brings our own unconfirmed payments back into the pool where they left it, or were in it when the peer
// stopped, and announces them to peers who may have come since.
func (n *Node) rebroadcast(ctx context.Context) error {
	for ctx.Err() == nil {
		for _, tx := range n.Wallet.Rebroadcast() {
			if err := n.Pool.Accept(tx); err != nil {
				n.log.Debug("our payment cannot go out again yet", "txid", tx.ID(), "error", err)
			}
		}
		for _, e := range n.Wallet.History(rebroadcastMost) {
			if e.State == wallet.StatePending && e.Kind != wallet.KindReceived {
				n.P2P.Announce(e.TxID)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(rebroadcastEvery):
		}
	}
	return nil
}

// rebroadcastMost bounds how far back in the history unconfirmed payments are looked for.
const rebroadcastMost = 1000

// lockedRand is a source of randomness that several goroutines share. Nothing secret comes from it.
type lockedRand struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (l *lockedRand) intN(n int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Int64N(n)
}

func (l *lockedRand) seed() (s [32]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := 0; i < len(s); i += 8 {
		binary.LittleEndian.PutUint64(s[i:], l.r.Uint64())
	}
	return s
}
