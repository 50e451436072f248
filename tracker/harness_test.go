package tracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	cheddar = InfoHash([]byte("cheddar-------------"))
	gouda   = InfoHash([]byte("gouda---------------"))
)

// clock is a time that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// buffer is a terminal.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// room is a tracker on a real loopback socket, whose peers have names.
type room struct {
	*testing.T
	server   *Server
	clock    *clock
	url      string
	terminal *buffer

	mu    sync.Mutex
	names map[uint16]Identity // by port; told by the check
}

// newRoom starts a tracker whose clock stands still.
func newRoom(t *testing.T) *room { return newRoomOn(t, "127.0.0.1:0") }

// newRoomAt starts a tracker with another clock.
func newRoomAt(t *testing.T, now func() time.Time) *room { return openRoom(t, "127.0.0.1:0", now) }

// newRoomOn starts a tracker at another address.
func newRoomOn(t *testing.T, listen string) *room { return openRoom(t, listen, nil) }

func openRoom(t *testing.T, listen string, now func() time.Time) *room {
	t.Helper()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		t.Skipf("no listener on %s: %v", listen, err)
	}
	r := &room{
		T: t, clock: &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, terminal: &buffer{},
		url: "http://" + l.Addr().String(), names: map[uint16]Identity{},
	}
	if now == nil {
		now = r.clock.Now
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r.server = New(Config{
		Logger: slog.New(slog.NewTextHandler(r.terminal, nil)), Checker: r.check, Now: now,
		Rand: rand.New(rand.NewPCG(seed, 0)),
		NetworkName: func(h InfoHash) string {
			if h == cheddar {
				return "cheddar"
			}
			return ""
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return r
}

// check connects like the default check, and then knows the peer's name.
func (r *room) check(ctx context.Context, hash InfoHash, addr netip.AddrPort) (Identity, error) {
	if _, err := dialCheck(ctx, hash, addr); err != nil {
		return Identity{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[addr.Port()], nil
}

// peer is one announced peer.
type peer struct {
	room *room
	addr netip.AddrPort
	id   PeerID
	left int64
	hash InfoHash
}

// peer opens a listener that others can connect to.
func (r *room) peer(name string) *peer { return r.peerOn(name, "127.0.0.1:0") }

func (r *room) peerOn(name, listen string) *peer {
	r.Helper()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		r.Skipf("no listener on %s: %v", listen, err)
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	})
	r.Cleanup(func() { l.Close(); accepting.Wait() })
	p := r.ghost(l.Addr().(*net.TCPAddr).AddrPort())
	r.mu.Lock()
	r.names[p.addr.Port()] = Identity{Name: name, Agent: "/cheese:0.1(" + name + ")/", Note: "height 7"}
	r.mu.Unlock()
	return p
}

// closedPeer is at a port where nobody listens.
func (r *room) closedPeer() *peer {
	r.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	defer l.Close()
	return r.ghost(l.Addr().(*net.TCPAddr).AddrPort())
}

func (r *room) ghost(addr netip.AddrPort) *peer {
	p := &peer{room: r, addr: addr, left: 1, hash: cheddar}
	copy(p.id[:], fmt.Sprintf("-TE0001-%012d", addr.Port()))
	return p
}

func (p *peer) announce(event Event) ClientReply {
	p.room.Helper()
	return p.ask(event, 0)
}

func (p *peer) ask(event Event, numWant int) ClientReply {
	p.room.Helper()
	reply, err := new(Client).Announce(p.room.Context(), p.room.url, ClientAnnounce{
		InfoHash: p.hash, PeerID: p.id, Port: p.addr.Port(), IP: p.addr.Addr(), Left: p.left, Event: event, NumWant: numWant,
	})
	if err != nil {
		p.room.Fatalf("announce %v: %v", p.addr, err)
	}
	return reply
}

// is waits until the peer is in the state that is expected of it.
func (p *peer) is(want State) {
	p.room.Helper()
	p.room.eventually(fmt.Sprintf("%v is %s", p.addr, want), func() bool { return p.state() == want })
}

// state is "" if the tracker does not know the peer.
func (p *peer) state() State {
	info, _ := p.room.server.Registry().Swarm(p.room.clock.Now(), p.hash)
	for _, q := range info.Peers {
		if q.Addr == p.addr {
			return q.State
		}
	}
	return ""
}

func (r *room) eventually(what string, holds func() bool) {
	r.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if holds() {
			return
		}
	}
	r.Fatalf("never: %s", what)
}

// said waits for a line in the terminal that has all the words.
func (r *room) said(words ...string) {
	r.Helper()
	r.eventually(fmt.Sprintf("terminal says %q", words), func() bool {
		return slices.ContainsFunc(strings.Split(r.terminal.String(), "\n"), func(line string) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) })
		})
	})
}

// get fetches a path of the tracker.
func (r *room) get(path string) (status int, header http.Header, body string) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// query is a well-formed announce query of p, for tests that change one thing in it.
func (p *peer) query() url.Values {
	return url.Values{
		"info_hash": {string(p.hash[:])}, "peer_id": {string(p.id[:])}, "port": {fmt.Sprint(p.addr.Port())},
		"uploaded": {"0"}, "downloaded": {"0"}, "left": {"1"},
	}
}

// answer fetches a bencoded dictionary.
func (r *room) answer(path string, q url.Values) dict {
	r.Helper()
	status, _, body := r.get(path + "?" + q.Encode())
	v, err := decode([]byte(body))
	d, ok := v.(dict)
	if status != http.StatusOK || err != nil || !ok {
		r.Fatalf("%s answers %d %q: %v", path, status, body, err)
	}
	return d
}

func sameAddrs(got []netip.AddrPort, want ...netip.AddrPort) bool {
	slices.SortFunc(got, netip.AddrPort.Compare)
	slices.SortFunc(want, netip.AddrPort.Compare)
	return slices.Equal(got, want)
}

func wantFailure(t *testing.T, err error, words string) {
	t.Helper()
	var f *Failure
	if !errors.As(err, &f) || !strings.Contains(f.Reason, words) {
		t.Fatalf("got %v, want a failure that says %q", err, words)
	}
}
