package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cheese/coin"
	"cheese/mempool"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	tickEvery   = 100 * time.Millisecond
	connectWait = 10 * time.Second
	payWait     = 10 * time.Second
	maxChanges  = 1000 // pool changes read at once
)

// Node runs the protocol over sockets. Its methods are safe for concurrent use, before, during and after Run.
type Node struct {
	cfg    Config
	nextID atomic.Int64
	events chan Event    // from connections, which wait until they are taken
	inbox  *queue[Event] // from our own workers and callers, bounded by what the machine has asked for
	done   chan struct{} // closed when Run is over

	jobs   *queue[func()] // for the chain: AddBlock may wait
	txJobs *queue[func()] // for the pool
	ioJobs *queue[func()] // disk reads, wallet and address book

	// Of the goroutine in Run.
	ctx       context.Context
	wg        sync.WaitGroup
	view      snapshot
	chainBell <-chan struct{}
	poolBell  <-chan struct{}
	poolSeq   uint64

	mu    sync.Mutex // held during a step, never while waiting
	m     *machine
	conns map[int64]*conn
	calls map[int64]chan answer // by ticket
	bell  chan struct{}
}

// answer is what a caller waits for.
type answer struct {
	script []byte
	err    error
}

// opened is Connected with the socket.
type opened struct {
	Connected
	nc net.Conn
}

// New prepares a node; Run starts it.
func New(cfg Config) *Node {
	if cfg.MaxInbound == 0 {
		cfg.MaxInbound = 117
	}
	if cfg.MaxOutbound == 0 {
		cfg.MaxOutbound = 8
	}
	n := &Node{cfg: cfg, events: make(chan Event), done: make(chan struct{}), conns: map[int64]*conn{},
		calls: map[int64]chan answer{}, bell: make(chan struct{}), inbox: newQueue[Event](), jobs: newQueue[func()](),
		txJobs: newQueue[func()](), ioJobs: newQueue[func()]()}
	s := settings{params: cfg.Params, agent: UserAgent(cfg.Version, cfg.Name), maxInbound: cfg.MaxInbound,
		maxOutbound: cfg.MaxOutbound, autoConnect: cfg.AutoConnect, canPay: cfg.PayTo != nil}
	if cfg.Listener != nil {
		if a, err := netip.ParseAddrPort(cfg.Listener.Addr().String()); err == nil {
			s.listen = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		}
	}
	n.m = newMachine(s, cfg.Seed, n.loadBook())
	return n
}

// Run serves until ctx ends and returns after everything it started has. It can be called once.
func (n *Node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	n.ctx = ctx
	for _, q := range []*queue[func()]{n.jobs, n.txJobs, n.ioJobs} {
		n.wg.Go(func() { runJobs(ctx, q) })
	}
	if n.cfg.Listener != nil {
		n.wg.Go(func() { n.accept(ctx) })
	}
	n.refreshChain()
	n.poolBell = n.cfg.Pool.Changed()
	n.view.pool = n.cfg.Pool.View()
	n.poolSeq = n.view.pool.Seq()
	n.loop(ctx)

	cancel()
	if n.cfg.Listener != nil {
		n.cfg.Listener.Close()
	}
	n.mu.Lock()
	for _, c := range n.conns {
		c.close(true)
	}
	n.conns = map[int64]*conn{}
	n.m.peers, n.m.byID = nil, map[int64]*peer{}
	book := n.m.book
	n.mu.Unlock()
	close(n.done)
	n.wg.Wait()
	if book.dirty {
		n.saveBook(book.marshal())
	}
	return nil
}

func (n *Node) loop(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.chainBell:
			n.refreshChain()
			n.handle(ViewChanged{})
		case <-n.poolBell:
			n.followPool()
		case <-ticker.C:
			n.handle(Tick{})
		case <-n.inbox.wake:
			for _, e := range n.inbox.take() {
				n.handle(e)
			}
		case e := <-n.events:
			n.handle(e)
		}
	}
}

// refreshChain takes the doorbell, then the view, so that no change is missed.
func (n *Node) refreshChain() {
	n.chainBell = n.cfg.Chain.Changed()
	n.view.View = n.cfg.Chain.View()
}

// followPool reads what has changed in the pool since the last time and has it announced. The view comes last, so that
// it holds whatever is announced when a peer asks for it.
func (n *Node) followPool() {
	n.poolBell = n.cfg.Pool.Changed()
	for {
		changes, next, lost := n.cfg.Pool.Since(n.poolSeq, maxChanges)
		n.view.pool = n.cfg.Pool.View()
		if lost {
			n.poolSeq = n.view.pool.Seq()
			n.handle(PoolAdded{Txs: poolTxs(n.view.pool.Entries())})
			return
		}
		n.poolSeq = next
		var added []*mempool.Entry
		for _, c := range changes {
			if !c.Removed {
				added = append(added, c.Entry)
			}
		}
		if len(added) > 0 {
			n.handle(PoolAdded{Txs: poolTxs(added)})
		}
		if len(changes) < maxChanges {
			return
		}
	}
}

func poolTxs(entries []*mempool.Entry) []PoolTx {
	txs := make([]PoolTx, len(entries))
	for i, e := range entries {
		txs[i] = PoolTx{ID: e.ID, FeeRate: e.Fee * 1000 / coin.Amount(max(1, e.VSize))}
	}
	return txs
}

// handle puts an event through the machine and does what it asks for. What goes wrong on the spot is an event again.
func (n *Node) handle(first Event) {
	for todo := []Event{first}; len(todo) > 0; todo = todo[1:] {
		e := todo[0]
		switch t := e.(type) {
		case opened:
			n.open(t)
			e = t.Connected
		case HeadersChecked, BlockChecked: // the view must show what the verdict is about
			n.refreshChain()
		case TxChecked:
			n.view.pool = n.cfg.Pool.View()
		}
		n.mu.Lock()
		actions := n.m.step(n.cfg.Now(), n.view, e)
		n.mu.Unlock()
		for _, a := range actions {
			if failed := n.do(a); failed != nil {
				todo = append(todo, failed)
			}
		}
	}
}

// do carries out one action without waiting.
func (n *Node) do(a Action) Event {
	switch a := a.(type) {
	case Send:
		if c := n.conns[a.ID]; c != nil {
			if err := c.send(a); err != nil {
				return Failed{ID: a.ID, Err: err}
			}
		}
	case Close:
		n.hangUp(a)
	case Dial:
		n.wg.Go(func() { n.dial(a) })
	case CheckHeaders:
		n.jobs.put(func() {
			n.post(HeadersChecked{ID: a.ID, Headers: a.Headers, Err: n.cfg.Chain.AddHeaders(a.Headers)})
		})
	case CheckBlock:
		n.jobs.put(func() {
			n.cfg.Chain.AddBlock(a.Block, func(err error) { n.post(BlockChecked{ID: a.ID, Block: a.Block, Err: err}) })
		})
	case CheckTx:
		n.txJobs.put(func() { n.post(TxChecked{ID: a.ID, Tx: a.Tx, Err: n.cfg.Pool.Accept(a.Tx)}) })
	case ReadBlock:
		chain := n.view.View
		n.ioJobs.put(func() {
			b, err := chain.Block(a.Item.Hash)
			n.post(BlockRead{ID: a.ID, Item: a.Item, Block: b, Err: err})
		})
	case PayTo:
		n.ioJobs.put(func() {
			script, err := n.cfg.PayTo()
			n.post(PayScript{ID: a.ID, Nonce: a.Nonce, Script: script, Err: err})
		})
	case Connecting:
		n.answer(a.Ticket, answer{err: a.Err})
	case PayAnswer:
		n.answer(a.Ticket, answer{script: a.Script, err: a.Err})
	case SaveBook:
		n.ioJobs.put(func() { n.saveBook(a.JSON) })
	case Log:
		n.cfg.Logger.Log(n.ctx, a.Level, a.Text, a.Args...)
	case PeersChanged:
		n.ring()
	}
	return nil
}

// open starts a connection's goroutines.
func (n *Node) open(o opened) {
	c := newConn(n, o.ID, o.nc)
	n.mu.Lock()
	n.conns[o.ID] = c
	n.mu.Unlock()
	n.wg.Go(func() { c.read(n.ctx) })
	n.wg.Go(func() { c.write(n.ctx) })
}

func (n *Node) hangUp(a Close) {
	n.mu.Lock()
	c := n.conns[a.ID]
	delete(n.conns, a.ID)
	n.mu.Unlock()
	if c != nil {
		c.close(a.Now)
	}
}

// dial runs in a goroutine of its own.
func (n *Node) dial(d Dial) {
	ctx, cancel := context.WithTimeout(n.ctx, d.Timeout)
	defer cancel()
	nc, err := n.cfg.Dial(ctx, d.Addr)
	if err != nil {
		n.post(DialFailed{Dialed: d.Addr, Err: dialError(err)})
		return
	}
	n.submit(nc, d.Addr)
}

// submit hands a new socket to the loop.
func (n *Node) submit(nc net.Conn, dialed string) {
	id := n.nextID.Add(1)
	remote := (&conn{nc: nc}).remote()
	select {
	case n.events <- opened{Connected: Connected{ID: id, Remote: remote, Dialed: dialed}, nc: nc}:
	case <-n.ctx.Done():
		nc.Close()
	}
}

// accept takes inbound connections until the listener is closed.
func (n *Node) accept(ctx context.Context) {
	for {
		nc, err := n.cfg.Listener.Accept()
		switch {
		case err == nil:
			n.submit(nc, "")
		case ctx.Err() != nil:
			return
		case errors.Is(err, net.ErrClosed):
			n.cfg.Logger.Error("no longer taking connections", "reason", err.Error())
			return
		default: // too many open files, say: others will end
			select {
			case <-time.After(tickEvery):
			case <-ctx.Done():
				return
			}
		}
	}
}

// post delivers an event without waiting.
func (n *Node) post(e Event) { n.inbox.put(e) }

// Connect dials "host:port", or "host" on the network's usual port, and returns when the handshake is done or has failed, after
// at most 10 s. What went wrong is one of the Err values for errors.Is, or a failure of the network.
func (n *Node) Connect(ctx context.Context, addr string) error {
	full, err := withPort(addr, n.cfg.Params.P2PPort)
	if err == nil {
		_, err = n.call(ctx, connectWait, func(ticket int64) Event { return Connect{Ticket: ticket, Addr: full} })
	}
	if err != nil {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	return nil
}

// AskPayment asks a peer for an output script to pay to. It waits at most 10 s. The error is one of the Err values or ctx's, bare:
// the caller knows by what name people know the peer.
func (n *Node) AskPayment(ctx context.Context, id int64) ([]byte, error) {
	return n.call(ctx, payWait, func(ticket int64) Event { return AskPay{Ticket: ticket, ID: id} })
}

// call posts an event and waits for its answer.
func (n *Node) call(ctx context.Context, limit time.Duration, event func(ticket int64) Event) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, ErrTimeout)
	defer cancel()
	ticket, ch := n.nextID.Add(1), make(chan answer, 1)
	n.mu.Lock()
	if len(n.calls) >= maxTickets {
		n.mu.Unlock()
		return nil, ErrBusy
	}
	n.calls[ticket] = ch
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		delete(n.calls, ticket)
		n.mu.Unlock()
	}()
	n.post(event(ticket))
	select {
	case a := <-ch:
		return a.script, a.err
	case <-ctx.Done():
		n.post(Forget{Ticket: ticket})
		return nil, context.Cause(ctx)
	case <-n.done:
		return nil, ErrStopped
	}
}

func (n *Node) answer(ticket int64, a answer) {
	n.mu.Lock()
	ch := n.calls[ticket]
	delete(n.calls, ticket)
	n.mu.Unlock()
	if ch != nil {
		ch <- a // has room for the one answer
	}
}

// Disconnect closes a connection. ErrNoPeer where there is none of that id.
func (n *Node) Disconnect(id int64) error {
	n.mu.Lock()
	_, ok := n.conns[id]
	n.mu.Unlock()
	if !ok {
		return ErrNoPeer
	}
	n.post(Hangup{ID: id})
	return nil
}

// AddAddresses adds to the address book; source says where they come from ("tracker").
func (n *Node) AddAddresses(addrs []netip.AddrPort, source string) {
	n.post(Addresses{Addrs: slices.Clone(addrs), Source: source})
}

// Announce tells of transactions all peers that have not been told or told us of them. The node calls it now and then for
// its own wallet's; every other addition to the pool is announced by itself.
func (n *Node) Announce(txids ...coin.Hash) {
	txs := make([]PoolTx, len(txids))
	for i, id := range txids {
		txs[i] = PoolTx{ID: id, FeeRate: coin.MaxMoney} // whatever the peers' fee filters say
	}
	n.post(PoolAdded{Txs: txs})
}

// Peers lists the connections, oldest first.
func (n *Node) Peers() []PeerInfo {
	n.mu.Lock()
	defer n.mu.Unlock()
	infos := n.m.infos()
	for i := range infos {
		if c := n.conns[infos[i].ID]; c != nil {
			info := &infos[i]
			info.BytesSent, info.BytesRecv = c.bytesSent.Load(), c.bytesRecv.Load()
			info.LastSend, info.LastRecv = nanoTime(c.lastSend.Load()), nanoTime(c.lastRecv.Load())
		}
	}
	return infos
}

func nanoTime(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// Changed returns a doorbell that is closed at the next connection, disconnection, finished handshake or measured ping.
func (n *Node) Changed() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.bell
}

func (n *Node) ring() {
	n.mu.Lock()
	close(n.bell)
	n.bell = make(chan struct{})
	n.mu.Unlock()
}

// ClockOffset returns the median of the peers' clocks minus ours, and of how many peers.
func (n *Node) ClockOffset() (time.Duration, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.m.clockOffsets()
}

// loadBook reads the address book. A broken one is said and replaced: it is only a convenience.
func (n *Node) loadBook() *book {
	if n.cfg.FS == nil || n.cfg.BookFile == "" {
		return newBook()
	}
	f, err := n.cfg.FS.Open(n.cfg.BookFile)
	if err != nil {
		return newBook() // there is none yet
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBookFile))
	if err == nil {
		var b *book
		if b, err = parseBook(text); err == nil {
			return b
		}
	}
	n.cfg.Logger.Warn("starting with an empty address book", "file", n.cfg.BookFile, "reason", err.Error())
	return newBook()
}

// saveBook replaces the address book's file in one step.
func (n *Node) saveBook(text []byte) {
	if n.cfg.FS == nil || n.cfg.BookFile == "" {
		return
	}
	if err := replaceFile(n.cfg.FS, n.cfg.BookFile, text); err != nil {
		n.cfg.Logger.Warn("address book not saved", "file", n.cfg.BookFile, "reason", err.Error())
	}
}

func replaceFile(fs vfs.FS, name string, text []byte) error {
	f, err := fs.Create(name+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return fs.Rename(name+".new", name)
}
