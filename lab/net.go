package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// Net is how the peers of a lab reach each other and their tracker: real sockets, or a network inside the process.
type Net interface {
	// Listen opens "host:port"; port 0 picks a free one.
	Listen(addr string) (net.Listener, error)
	Dial(ctx context.Context, addr string) (net.Conn, error)
}

// Sockets is the machine's own network.
type Sockets struct{}

// Listen opens a TCP port.
func (Sockets) Listen(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }

// Dial connects over TCP.
func (Sockets) Dial(ctx context.Context, addr string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

// firstEphemeral is where a Memory hands out ports that nobody named.
const firstEphemeral = 49152

// Memory is a network inside the process. It has no delay and loses nothing, and it is quiet in a testing/synctest
// bubble, where the clock stands still while bytes are under way.
type Memory struct {
	mu        sync.Mutex
	listeners map[netip.AddrPort]*memoryListener
	next      uint16
}

// NewMemory returns a network on which nobody listens yet.
func NewMemory() *Memory {
	return &Memory{listeners: map[netip.AddrPort]*memoryListener{}, next: firstEphemeral}
}

// backlog is how many connections may wait to be accepted.
const backlog = 16

// Listen opens an address of this network.
func (m *Memory) Listen(addr string) (net.Listener, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if at.Port() == 0 {
		at = m.freePort(at.Addr())
	}
	if m.listeners[at] != nil {
		return nil, &net.OpError{Op: "listen", Net: "memory", Addr: net.TCPAddrFromAddrPort(at), Err: syscall.EADDRINUSE}
	}
	l := &memoryListener{net: m, at: at, queue: make(chan net.Conn, backlog), closed: make(chan struct{})}
	m.listeners[at] = l
	return l, nil
}

// freePort returns the next port nobody was given yet. The caller holds m.mu.
func (m *Memory) freePort(host netip.Addr) netip.AddrPort {
	m.next++
	return netip.AddrPortFrom(host, m.next)
}

// Dial connects to a listener of this network.
func (m *Memory) Dial(ctx context.Context, addr string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	l, from := m.listeners[to], m.freePort(to.Addr())
	m.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: "memory", Addr: net.TCPAddrFromAddrPort(to), Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	near, far := net.Pipe()
	select {
	case l.queue <- &memoryConn{Conn: far, local: to, remote: from}:
		return &memoryConn{Conn: near, local: from, remote: to}, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, fmt.Errorf("dial %v: %w", to, context.Cause(ctx))
	}
}

type memoryListener struct {
	net    *Memory
	at     netip.AddrPort
	queue  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	case c := <-l.queue:
		return c, nil
	}
}

// Close refuses further connections and drops those that nobody has accepted.
func (l *memoryListener) Close() error {
	l.once.Do(func() {
		l.net.mu.Lock()
		delete(l.net.listeners, l.at)
		l.net.mu.Unlock()
		close(l.closed)
		for {
			select {
			case c := <-l.queue:
				c.Close()
			default:
				return
			}
		}
	})
	return nil
}

func (l *memoryListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }

// memoryConn is a pipe whose ends have addresses.
type memoryConn struct {
	net.Conn
	local, remote netip.AddrPort
}

func (c *memoryConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *memoryConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }
