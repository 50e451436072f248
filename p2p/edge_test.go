package p2p

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"cheese/chain"
	"cheese/coin"
	"cheese/mempool"
	"cheese/p2p/msg"
	"cheese/script"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a Node with all that belongs to it.
type running struct {
	*Node
	t     *testing.T
	chain *chain.Chain
	pool  *mempool.Pool
	addr  string
	fs    vfs.FS
	stop  func() // ends Run, waits for it, and closes the chain
}

// start runs a node on regtest. The listener may be nil.
func start(t *testing.T, name string, l net.Listener, tune ...func(*Config)) *running {
	t.Helper()
	p := coin.Regtest()
	logger := slog.New(slog.NewTextHandler(testLog{t, name}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	if !testing.Verbose() {
		logger = slog.New(slog.DiscardHandler)
	}
	verifier := script.NewVerifier(1000, 1)
	fs := vfs.NewMem()
	c, err := chain.Open(p, "data", fs, chain.Options{Now: time.Now, Logger: slog.New(slog.DiscardHandler), Verifier: verifier})
	if err != nil {
		t.Fatal(err)
	}
	pool := mempool.New(c, mempool.Options{Params: p, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Verifier: verifier})
	cfg := Config{Params: p, Chain: c, Pool: pool, Listener: l, Name: name, Version: "0.1.0", Now: time.Now, Logger: logger,
		Seed: [32]byte([]byte(fmt.Sprintf("%-32.32s", name))), FS: fs, BookFile: "peers.json",
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}}
	for _, f := range tune {
		f(&cfg)
	}
	r := &running{Node: New(cfg), t: t, chain: c, pool: pool, fs: fs}
	if l != nil {
		r.addr = l.Addr().String()
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(ctx) })
	wg.Go(func() { pool.Run(ctx) })
	r.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		if err := c.Close(); err != nil {
			t.Errorf("close chain: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

type testLog struct {
	t    *testing.T
	name string
}

func (l testLog) Write(b []byte) (int, error) {
	l.t.Logf("%s %s", l.name, b)
	return len(b), nil
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// mine adds n blocks through the chain itself.
func (r *running) mine(n int, txs ...*coin.Tx) {
	r.t.Helper()
	for range n {
		verdict := make(chan error, 1)
		r.chain.AddBlock(mineOn(r.chain.View().Tip(), r.addr0(), txs...), func(err error) { verdict <- err })
		if err := <-verdict; err != nil {
			r.t.Fatal(err)
		}
		txs = nil
	}
}

// addr0 tells the blocks of different nodes apart.
func (r *running) addr0() byte { return r.cfg.Name[0] }

func (r *running) tip() coin.Hash { return r.chain.View().Tip().Hash() }

func (r *running) ready() (n int) {
	for _, p := range r.Peers() {
		if p.State == Ready {
			n++
		}
	}
	return n
}

// until waits for something to come true, for at most 20 s.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 2000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain until %s", what)
}

func (r *running) connect(to *running) {
	r.t.Helper()
	if err := r.Connect(context.Background(), to.addr); err != nil {
		r.t.Fatal(err)
	}
}

// spend returns a payment of everything in a coinbase of mineOn to the same script, less a fee.
func spend(tx *coin.Tx, fee coin.Amount) *coin.Tx {
	return &coin.Tx{Version: 2,
		In:  []coin.TxIn{{Prev: coin.OutPoint{Hash: tx.ID()}, Sequence: coin.SequenceFinal, Witness: [][]byte{{0x51}}}},
		Out: []coin.TxOut{{Value: tx.Out[0].Value - fee, Script: anyone}}}
}

// coinbase returns that of a block on r's chain.
func (r *running) coinbase(height int32) *coin.Tx {
	r.t.Helper()
	v := r.chain.View()
	e, ok := v.ByHeight(height)
	if !ok {
		r.t.Fatalf("no block at %d", height)
	}
	b, err := v.Block(e.Hash)
	if err != nil {
		r.t.Fatal(err)
	}
	return b.Txs[0]
}

func TestBlocksAndTransactionsFlowOverSockets(t *testing.T) {
	a, b := start(t, "alice", loopback(t)), start(t, "bob", loopback(t))
	a.mine(110)
	b.connect(a)
	until(t, "bob has alice's blocks", func() bool { return b.tip() == a.tip() })
	tx := spend(a.coinbase(1), 1000)
	if err := a.pool.Accept(tx); err != nil {
		t.Fatal(err)
	}
	until(t, "bob has alice's transaction", func() bool { return b.pool.View().Has(tx.ID()) })
	b.mine(1, tx)
	until(t, "alice has bob's block", func() bool { return b.tip() == a.tip() })

	info := b.Peers()[0]
	if info.Name != "alice" || info.Inbound || info.BytesRecv < 1000 || info.LastSend.IsZero() || info.Height < 110 || info.Addr != a.addr {
		t.Fatalf("bob's view of alice: %+v", info)
	}
	if err := b.Disconnect(info.ID); err != nil {
		t.Fatal(err)
	}
	until(t, "both have hung up", func() bool { return len(a.Peers())+len(b.Peers()) == 0 })
	if err := b.Disconnect(info.ID); !errors.Is(err, ErrNoPeer) {
		t.Fatal(err)
	}
}

func TestConnectSaysWhatWentWrong(t *testing.T) {
	a := start(t, "alice", loopback(t))
	far := start(t, "far", loopback(t), func(c *Config) {
		p := *c.Params
		p.Magic = [4]byte{1, 2, 3, 4}
		c.Params = &p
	})
	closed := loopback(t)
	closed.Close()
	ctx := context.Background()
	for _, row := range []struct {
		addr string
		want error
	}{{far.addr, ErrWrongNetwork}, {a.addr, ErrSelf}, {closed.Addr().String(), ErrRefused}} {
		if err := a.Connect(ctx, row.addr); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.addr, err, row.want)
		}
	}
	for _, addr := range []string{"", ":5", "1.2.3.4:0", "1.2.3.4:x", "a:b:c"} {
		if err := a.Connect(ctx, addr); err == nil || len(a.Peers()) != 0 {
			t.Errorf("%q: %v", addr, err)
		}
	}
	b := start(t, "bob", loopback(t))
	a.connect(b)
	if err := a.Connect(ctx, b.addr); !errors.Is(err, ErrAlreadyConnected) {
		t.Error(err)
	}
	b.stop()
	if err := b.Connect(ctx, a.addr); !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
	until(t, "alice sees bob go", func() bool { return len(a.Peers()) == 0 })
}

// TestStrangersNoiseIsCutOff sends what a BIP 324 handshake starts with: the other side must see the connection close
// at once, so that it can try again in the clear.
func TestStrangersNoiseIsCutOff(t *testing.T) {
	a := start(t, "alice", loopback(t))
	nc, err := net.Dial("tcp", a.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	noise := make([]byte, 64)
	rand.Read(noise)
	nc.Write(noise)
	nc.SetReadDeadline(time.Now().Add(2 * time.Second))
	if b, err := io.ReadAll(nc); len(b) > 0 || err != nil && isTimeout(err) {
		t.Fatalf("read %x, %v", b, err)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func TestProbeTellsWhoIsThere(t *testing.T) {
	a := start(t, "alice", loopback(t))
	a.mine(3)
	dial := func() net.Conn {
		nc, err := net.Dial("tcp", a.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		return nc
	}
	for range 3 { // at once, and none is taken for another
		who, err := Probe(t.Context(), dial(), coin.Regtest(), "0.1.0", time.Now())
		if err != nil || who.Name != "alice" || who.Height != 3 {
			t.Fatalf("%+v, %v", who, err)
		}
	}
	if _, err := Probe(t.Context(), dial(), coin.Cheese(), "0.1.0", time.Now()); !errors.Is(err, ErrWrongNetwork) {
		t.Fatal(err)
	}
	silent := loopback(t)
	defer silent.Close()
	nc, err := net.Dial("tcp", silent.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Probe(ctx, nc, coin.Regtest(), "0.1.0", time.Now()); !errors.Is(err, ErrTimeout) {
		t.Fatal(err)
	}
	if a.ready() != 0 {
		t.Fatal("a probe counts as a peer")
	}
}

func TestNinePeersInOneMeshTakeFewGoroutines(t *testing.T) {
	base := runtime.NumGoroutine()
	auto := func(c *Config) { c.AutoConnect = true }
	nodes := []*running{start(t, "hub", loopback(t), auto)}
	hub := netip.MustParseAddrPort(nodes[0].addr)
	for i := range 8 {
		n := start(t, fmt.Sprintf("%dpeer", i), loopback(t), auto)
		n.AddAddresses([]netip.AddrPort{hub}, "tracker")
		nodes = append(nodes, n)
	}
	until(t, "everyone knows everyone", func() bool {
		for _, n := range nodes {
			if n.ready() != 8 {
				return false
			}
		}
		return true
	})
	if per := (runtime.NumGoroutine() - base) / len(nodes); per > 50 {
		t.Fatalf("%d goroutines a node", per)
	}
	nodes[0].mine(3)
	for _, n := range nodes {
		until(t, "all have the blocks", func() bool { return n.tip() == nodes[0].tip() })
	}
	fs := nodes[1].fs
	nodes[1].stop()
	again := start(t, "again", nil, auto, func(c *Config) { c.FS = fs })
	until(t, "peers are found in the address book", func() bool { return again.ready() == 8 })
}

func TestTapSeesMessagesAndPaymentsAreAnswered(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	cheese := func(c *Config) {
		p := *c.Params
		p.PaymentRequest = true
		c.Params = &p
	}
	a := start(t, "alice", loopback(t), cheese, func(c *Config) {
		c.PayTo = func() ([]byte, error) { return []byte{0x51, 2, 3}, nil }
	})
	b := start(t, "bob", nil, cheese, func(c *Config) {
		c.Tap = func(e TapEvent) {
			mu.Lock()
			seen[fmt.Sprint(e.Command, e.Inbound)] += e.Size
			mu.Unlock()
		}
	})
	b.connect(a)
	if got, err := b.AskPayment(t.Context(), b.Peers()[0].ID); err != nil || string(got) != "\x51\x02\x03" {
		t.Fatalf("script %x, %v", got, err)
	}
	until(t, "bob is ready at alice's", func() bool { return a.ready() == 1 })
	if _, err := a.AskPayment(t.Context(), a.Peers()[0].ID); err != ErrCannotPay { // in the bare, for the caller to name the peer
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if seen["getpayaddrfalse"] != 32 || seen["payaddrtrue"] != 36 {
		t.Fatalf("tap saw %v", seen)
	}
}

// memNet is a network of net.Pipe connections with addresses, for virtual time.
type memNet struct {
	mu        sync.Mutex
	listeners map[string]*memListener
	ports     int
}

type memListener struct {
	addr  netip.AddrPort
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

type memConn struct {
	net.Conn
	remote netip.AddrPort
}

func (c memConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *memListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *memListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

func (n *memNet) listen(addr string) *memListener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &memListener{addr: netip.MustParseAddrPort(addr), conns: make(chan net.Conn), done: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = map[string]*memListener{}
	}
	n.listeners[addr] = l
	return l
}

func (n *memNet) dialFrom(ip string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		n.mu.Lock()
		l := n.listeners[addr]
		n.ports++
		from := netip.AddrPortFrom(netip.MustParseAddr(ip), uint16(50000+n.ports))
		n.mu.Unlock()
		if l == nil {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		ours, theirs := net.Pipe()
		select {
		case l.conns <- memConn{theirs, from}:
			return memConn{ours, l.addr}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// on puts a node on a memNet.
func (n *memNet) on(ip string) func(*Config) {
	return func(c *Config) { c.Dial = n.dialFrom(ip) }
}

// afterGenesis lets the years pass from where virtual time starts to regtest's first block.
func afterGenesis() { time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))) }

func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		afterGenesis()
		var net memNet
		a := start(t, "alice", net.listen("10.0.0.1:18444"), net.on("10.0.0.1"))
		b := start(t, "bob", net.listen("10.0.0.2:18444"), net.on("10.0.0.2"))
		b.connect(a)
		a.mine(5)
		time.Sleep(time.Second)
		if a.tip() != b.tip() {
			t.Fatal("blocks do not flow")
		}
		time.Sleep(time.Hour)
		if a.ready() != 1 || b.ready() != 1 {
			t.Fatal("the connection has not lasted an hour")
		}

		began := time.Now()
		if err := a.Connect(t.Context(), "10.9.9.9:1"); !errors.Is(err, ErrTimeout) {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 11*time.Second {
			t.Fatalf("took %v", took)
		}

		// One connects and says nothing.
		nc, err := net.dialFrom("10.0.0.3")(t.Context(), a.addr)
		if err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		nc.Read(make([]byte, 1))
		if took := time.Since(began).Round(time.Second); took != handshakeTimeout {
			t.Fatalf("cut off after %v", took)
		}
		b.stop()
		a.stop()
	})
}

func TestSlowReadersAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		afterGenesis()
		var mem memNet
		a := start(t, "alice", mem.listen("10.0.0.1:18444"), mem.on("10.0.0.1"))
		a.mine(40)
		// stranger shakes hands, and reads no more after that.
		stranger := func() net.Conn {
			nc, err := mem.dialFrom("10.0.0.2")(t.Context(), a.addr)
			if err != nil {
				t.Fatal(err)
			}
			go io.CopyN(io.Discard, nc, 150)
			for _, m := range []msg.Message{&msg.Version{Version: 70016, Services: 9, Time: time.Now().Unix(), Nonce: 3}, msg.Verack{}} {
				nc.Write(msg.Frame(coin.Regtest().Magic, m))
			}
			time.Sleep(time.Second)
			if a.ready() != 1 {
				t.Fatal("no handshake")
			}
			return nc
		}
		greedy := stranger()
		ask := msg.Frame(coin.Regtest().Magic, &msg.GetHeaders{Locator: msg.Locator{Hashes: []coin.Hash{{}}}})
		for asked := 0; ; asked++ {
			if _, err := greedy.Write(ask); err != nil {
				break
			}
			if asked > 2*maxSendQueue/(40*81) {
				t.Fatal("the answers pile up")
			}
		}
		greedy.Close()

		lazy := stranger()
		time.Sleep(2 * writeTimeout)
		if n := len(a.Peers()); n != 0 {
			t.Fatalf("%d connections", n)
		}
		lazy.Close()
		a.stop()
	})
}
