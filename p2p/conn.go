package p2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"cheese/p2p/msg"
)

const (
	maxSendQueue = 8 << 20          // bytes that wait to be written, beyond which a slow reader is dropped
	readBuffer   = 16 << 10         // bytes
	writeChunk   = 64 << 10         // bytes that must go out within writeTimeout
	writeTimeout = 30 * time.Second // of real time
	lingerFor    = time.Second      // to write what is queued when a connection is closed
)

var (
	errSlowReader = errors.New("does not read what it is sent")
	errClosed     = errors.New("the other side closed the connection")
)

// conn is a socket with its two goroutines: read turns bytes into events, write turns queued messages into bytes.
type conn struct {
	id   int64
	nc   net.Conn
	node *Node

	done chan struct{} // closed when the machine has let go of the connection

	mu     sync.Mutex
	queue  []Send
	queued int // bytes, estimated
	ending bool
	wake   chan struct{} // holds one token when there is something to do for write

	bytesSent, bytesRecv atomic.Int64
	lastSend, lastRecv   atomic.Int64 // Unix nanoseconds
}

func newConn(n *Node, id int64, nc net.Conn) *conn {
	return &conn{id: id, nc: nc, node: n, done: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// remote returns the other end's address, zero where the transport has no such addresses.
func (c *conn) remote() netip.AddrPort {
	if c.nc.RemoteAddr() == nil {
		return netip.AddrPort{}
	}
	a, err := netip.ParseAddrPort(c.nc.RemoteAddr().String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// send queues a message, or reports that there is no room.
func (c *conn) send(s Send) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return nil
	}
	size := msg.HeaderSize + msg.SizeHint(s.Msg)
	if c.queued+size > maxSendQueue {
		return errSlowReader
	}
	c.queue = append(c.queue, s)
	c.queued += size
	c.ring()
	return nil
}

func (c *conn) ring() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// close lets the writer finish what is queued, or not even that, and ends both goroutines.
func (c *conn) close(now bool) {
	c.mu.Lock()
	c.ending = true
	c.mu.Unlock()
	close(c.done)
	if now {
		c.nc.Close()
		return
	}
	c.nc.SetDeadline(time.Now().Add(lingerFor)) // the reader too: nothing it reads matters any more
	c.ring()
}

// write runs until the connection is closed, and closes the socket.
func (c *conn) write(ctx context.Context) {
	defer c.nc.Close()
	for {
		s, state := c.next()
		switch state {
		case queueEnded:
			return
		case queueEmpty:
			select {
			case <-c.wake:
			case <-ctx.Done():
				return
			}
			continue
		}
		if err := c.writeMessage(ctx, s.Msg); err != nil {
			c.node.post(Failed{ID: c.id, Err: readable(err)})
			return
		}
		if s.Count > 0 {
			c.node.post(Sent{ID: c.id, Bytes: s.Count})
		}
	}
}

type queueState int

const (
	queueHas queueState = iota
	queueEmpty
	queueEnded
)

func (c *conn) next() (Send, queueState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		if c.ending {
			return Send{}, queueEnded
		}
		return Send{}, queueEmpty
	}
	s := c.queue[0]
	c.queue[0] = Send{}
	c.queue = c.queue[1:]
	c.queued -= msg.HeaderSize + msg.SizeHint(s.Msg)
	return s, queueHas
}

func (c *conn) writeMessage(ctx context.Context, m msg.Message) error {
	frame := msg.Frame(c.node.cfg.Params.Magic, m)
	c.observe(ctx, m.Command(), len(frame), false) // first, so that nobody sees the answer before the question
	for rest := frame; len(rest) > 0; {
		chunk := rest[:min(len(rest), writeChunk)]
		select {
		case <-c.done: // close has set the deadline
		default:
			c.nc.SetWriteDeadline(time.Now().Add(writeTimeout))
		}
		n, err := c.nc.Write(chunk)
		c.bytesSent.Add(int64(n))
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	c.lastSend.Store(c.node.cfg.Now().UnixNano())
	return nil
}

// read runs until the connection breaks or is closed.
func (c *conn) read(ctx context.Context) {
	r := bufio.NewReaderSize(c.nc, readBuffer)
	for {
		m, err := c.readMessage(ctx, r)
		var e Event = Received{ID: c.id, Msg: m}
		if err != nil {
			e = Failed{ID: c.id, Err: readable(err)}
		} else if m == nil {
			continue
		}
		select {
		case c.node.events <- e:
		case <-c.done:
			return
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// readMessage returns a nil message for a command that we do not know.
func (c *conn) readMessage(ctx context.Context, r io.Reader) (msg.Message, error) {
	command, payload, err := msg.Read(r, c.node.cfg.Params.Magic)
	if err != nil {
		return nil, err
	}
	c.bytesRecv.Add(int64(msg.HeaderSize + len(payload)))
	c.lastRecv.Store(c.node.cfg.Now().UnixNano())
	c.observe(ctx, command, msg.HeaderSize+len(payload), true)
	m, err := msg.Decode(command, payload)
	if errors.Is(err, msg.ErrUnknown) {
		return nil, nil
	}
	return m, err
}

// observe shows a message to the tap and, where somebody listens, to the log.
func (c *conn) observe(ctx context.Context, command string, size int, inbound bool) {
	if tap := c.node.cfg.Tap; tap != nil {
		tap(TapEvent{Time: c.node.cfg.Now(), PeerID: c.id, Inbound: inbound, Command: command, Size: size})
	}
	if log := c.node.cfg.Logger; log.Enabled(ctx, slog.LevelDebug) {
		text := "message sent"
		if inbound {
			text = "message received"
		}
		log.DebugContext(ctx, text, "type", command, "size", size, "peer", c.id, "addr", c.nc.RemoteAddr())
	}
}

// readable puts a socket's error into words for people, and leaves the codec's alone.
func readable(err error) error {
	var ne net.Error
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), isReset(err):
		return errClosed
	case errors.As(err, &ne) && ne.Timeout():
		return fmt.Errorf("%w: %w", ErrTimeout, errSlowReader)
	}
	return err
}
