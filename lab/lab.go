// Package lab runs many peers at once: a tracker and any number of whole peers, each with its own chain, wallet, miner,
// port and window, in one process. `cheese demo` is built on it, and so are tests (package cheese/lab/labtest starts a
// network in a few lines). The peers meet on real sockets or on a network inside the process.
package lab

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"cheese/coin"
	"cheese/miner"
	"cheese/node"
	"cheese/p2p"
	"cheese/tracker"
	"cheese/wallet"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// DemoMnemonic are the recovery words of every demo: peer number i has BIP 86 account i. Anyone knows them, so they
// are for play money only.
const DemoMnemonic = "cheese cheese cheese cheese cheese cheese cheese cheese cheese cheese cheese love"

// DemoPassphrase opens the seed files of every demo.
const DemoPassphrase = "cheese"

// MaxPeers bounds the peers of one lab.
const MaxPeers = 100

// Options describe a lab. The zero value is three peers on a fresh demo network, in memory, on free loopback ports.
type Options struct {
	Peers    int          // 0: 3
	Params   *coin.Params // nil: a fresh network of DemoNetwork's, or the one that Dir holds
	Dir      string       // "": in memory
	Classic  bool         // by the buttons, as in the exercise
	NoMine   bool
	NoFunds  bool    // the wallets start empty
	HashRate float64 // hashes per second of all peers together; 0: DemoHashRate
	Version  string

	Net         Net    // nil: Sockets
	Host        string // "": 127.0.0.1
	P2PPort     uint16 // of the first peer, the others follow; 0: free ones
	HTTPPort    uint16 // likewise
	TrackerPort uint16 // 0: a free one
	NoWindows   bool   // without HTTP servers

	Search func(peer int) miner.Search // nil: real hashing
	Logger func(name string) *slog.Logger
	Now    func() time.Time
	Seed   [32]byte // of everything random but secrets; zero: from the system
}

// Lab is a tracker and its peers.
type Lab struct {
	Peers      []*Peer
	TrackerURL string
	Params     *coin.Params

	o        Options
	tracker  *tracker.Server
	listener net.Listener
}

// Open opens the tracker and the peers and, on a new network, mines a few blocks that pay them. Nothing runs until Run.
func Open(ctx context.Context, o Options) (opened *Lab, err error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	l := &Lab{o: o}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	if l.Params, err = o.network(ctx); err != nil {
		return nil, err
	}
	if err := l.openTracker(); err != nil {
		return nil, err
	}
	for i := range o.Peers {
		p, err := l.openPeer(i)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", peerName(i), err)
		}
		l.Peers = append(l.Peers, p)
	}
	if o.NoFunds {
		return l, nil
	}
	return l, l.fund(ctx)
}

func (o *Options) complete() error {
	if o.Peers == 0 {
		o.Peers = 3
	}
	if o.Peers < 1 || o.Peers > MaxPeers {
		return fmt.Errorf("a lab has 1 to %d peers, not %d", MaxPeers, o.Peers)
	}
	if o.HashRate == 0 {
		o.HashRate = DemoHashRate
	}
	if o.Net == nil {
		o.Net = Sockets{}
	}
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Logger == nil {
		o.Logger = func(string) *slog.Logger { return slog.New(slog.DiscardHandler) }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

func peerName(i int) string { return fmt.Sprintf("Peer%d", i+1) }

// port returns "host:port" of the i-th in a row, or a free port.
func (o *Options) port(first uint16, i int) string {
	if first != 0 {
		first += uint16(i)
	}
	return net.JoinHostPort(o.Host, fmt.Sprint(first))
}

func (l *Lab) openTracker() (err error) {
	if l.listener, err = Listen(l.o.Net, "the tracker", "--tracker-port", l.o.port(l.o.TrackerPort, 0)); err != nil {
		return err
	}
	l.TrackerURL = fmt.Sprintf("http://%v", l.listener.Addr())
	networks := map[tracker.InfoHash]*coin.Params{tracker.InfoHash(l.Params.ID): l.Params}
	l.tracker = tracker.New(tracker.Config{Logger: l.o.Logger("Tracker"), Now: l.o.Now, Checker: Checker(networks, l.o.Net.Dial, l.o.Version, l.o.Now),
		NetworkName: NetworkNames(networks)})
	return nil
}

func (l *Lab) openPeer(i int) (*Peer, error) {
	name := peerName(i)
	p2pListener, err := Listen(l.o.Net, name+"'s peers", "--p2p-port", l.o.port(l.o.P2PPort, i))
	if err != nil {
		return nil, err
	}
	cfg := PeerConfig{Node: node.Config{Params: l.Params, Name: name, Version: l.o.Version, Dir: name, FS: vfs.NewMem(),
		Listener: p2pListener, Dial: l.o.Net.Dial, Trackers: []string{l.TrackerURL}, TrackerHTTP: l.trackerClient(),
		Mnemonic: DemoMnemonic, Passphrase: DemoPassphrase, Account: uint32(i), KDF: wallet.LightKDF,
		MaxOutbound: max(8, l.o.Peers-1), NoMine: l.o.NoMine, Threads: 1, HashLimit: l.o.HashRate / float64(l.o.Peers), Classic: l.o.Classic,
		Logger: l.o.Logger(name), Now: l.o.Now, Seed: l.o.seed(i)}}
	if l.o.Search != nil {
		cfg.Node.Search = l.o.Search(i)
	}
	if l.o.Dir != "" {
		cfg.Node.Dir, cfg.Node.FS = filepath.Join(l.o.Dir, name), nil
		if err := os.MkdirAll(cfg.Node.Dir, 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("make the data directory: %w", err), p2pListener.Close())
		}
	}
	if !l.o.NoWindows {
		if cfg.HTTP, err = Listen(l.o.Net, name+"'s window", "--http-port", l.o.port(l.o.HTTPPort, i)); err != nil {
			return nil, errors.Join(err, p2pListener.Close())
		}
	}
	p, err := OpenPeer(cfg)
	if err != nil {
		p2pListener.Close()
		if cfg.HTTP != nil {
			cfg.HTTP.Close()
		}
	}
	return p, err
}

// seed gives each peer randomness of its own from the lab's.
func (o *Options) seed(i int) [32]byte {
	if o.Seed == [32]byte{} {
		return o.Seed
	}
	return sha256.Sum256(binary.LittleEndian.AppendUint64(o.Seed[:], uint64(i)))
}

// trackerClient reaches the tracker over the lab's network.
func (l *Lab) trackerClient() *http.Client {
	dial := func(ctx context.Context, _, addr string) (net.Conn, error) { return l.o.Net.Dial(ctx, addr) }
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

// Run runs everything until ctx ends or a part fails, and returns after all of it has ended: the peers first, so that
// they can say goodbye to the tracker.
func (l *Lab) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	trackerCtx, stopTracker := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTracker()
	var trackerDone, peersDone sync.WaitGroup
	trackerDone.Go(func() {
		if err := l.tracker.Serve(trackerCtx, l.listener); err != nil {
			cancel(fmt.Errorf("tracker: %w", err))
		}
	})
	for _, p := range l.Peers {
		peersDone.Go(func() {
			if err := p.Run(ctx); err != nil {
				cancel(fmt.Errorf("%s: %w", p.Node.Name, err))
			}
		})
	}
	peersDone.Wait()
	stopTracker()
	trackerDone.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Close closes a lab that never ran, or that failed to open; Run does so itself.
func (l *Lab) Close() {
	for _, p := range l.Peers {
		p.Close()
	}
	if l.listener != nil {
		l.listener.Close()
	}
}

// NetworkNames labels the swarms of known networks.
func NetworkNames(known map[tracker.InfoHash]*coin.Params) func(tracker.InfoHash) string {
	return func(h tracker.InfoHash) string {
		if p := known[h]; p != nil {
			return p.Name
		}
		return ""
	}
}

// Checker returns the tracker's connect-back check: a peer of a known network must answer Bitcoin's handshake on that
// network; of another one it is enough that it answers at all.
func Checker(known map[tracker.InfoHash]*coin.Params, dial func(context.Context, string) (net.Conn, error), version string, now func() time.Time) tracker.Checker {
	return func(ctx context.Context, hash tracker.InfoHash, addr netip.AddrPort) (tracker.Identity, error) {
		conn, err := dial(ctx, addr.String())
		if err != nil {
			return tracker.Identity{}, err
		}
		defer conn.Close()
		params := known[hash]
		if params == nil {
			return tracker.Identity{}, nil
		}
		who, err := p2p.Probe(ctx, conn, params, version, now())
		if err != nil {
			return tracker.Identity{}, err
		}
		return tracker.Identity{Name: who.Name, Agent: who.Agent, Note: fmt.Sprintf("height %d", who.Height)}, nil
	}
}

// ReadyLab is what a program needs to use a lab, one JSON line with --json.
type ReadyLab struct {
	Network  string  `json:"network"`
	Tracker  string  `json:"tracker"` // URL, of its page too
	Mnemonic string  `json:"mnemonic"`
	Peers    []Ready `json:"peers"`
	DataDir  string  `json:"datadir,omitempty"`
}

// Ready tells where everything is.
func (l *Lab) Ready() ReadyLab {
	r := ReadyLab{Network: l.Params.Name, Tracker: l.TrackerURL, Mnemonic: DemoMnemonic, DataDir: l.o.Dir}
	for _, p := range l.Peers {
		r.Peers = append(r.Peers, p.Ready())
	}
	return r
}
