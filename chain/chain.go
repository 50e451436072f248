package chain

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

var (
	// ErrLocked is returned by Open for a data directory that another process, or another Chain of this one, has open.
	ErrLocked = errors.New("in use by another process")
	// ErrOtherNetwork is returned by Open for a data directory whose first block is not the network's.
	ErrOtherNetwork = errors.New("belongs to another network")
	// ErrDuplicate is the verdict on a block that is stored already.
	ErrDuplicate = errors.New("duplicate")
	// ErrClosed is returned by whatever needs the chain open.
	ErrClosed = errors.New("the chain is closed")
	// ErrUnknown is returned for a block that is not in the index, or was not yet when the view was taken.
	ErrUnknown = errors.New("block not known")
	// ErrNoBody is returned for a block of which only the header is here.
	ErrNoBody = errors.New("block body not stored")
	// ErrTooManyHeaders is returned by AddHeaders when side branches fill the index and the batch brings no more
	// work than the best header has.
	ErrTooManyHeaders = errors.New("too many headers on side branches")
)

const (
	// maxQueue bounds the blocks that wait for the owner; each takes 4 MB at most.
	maxQueue = 16
	// defaultSideHeaders bounds the headers beside the best header's chain, at about 600 bytes each.
	defaultSideHeaders = 100_000
	// defaultCache bounds the coins and undo data kept in memory between flushes, in bytes, roughly.
	defaultCache = 32 << 20
	// defaultFlush is how often changes go to disk.
	defaultFlush = 5 * time.Second
)

// Options tune a Chain; the zero value is good for a test.
type Options struct {
	Now        func() time.Time // nil: time.Now
	Logger     *slog.Logger     // nil: none
	Verifier   *script.Verifier // nil: one of its own; better the one the pool uses
	CacheBytes int64            // flush when coins that changed take about so much memory; 0: 32 MiB
	FlushEvery time.Duration    // flush so often; 0: 5 s
	MaxSide    int              // bounds the headers kept beside the best header's chain; 0: 100,000
	BlockCache *pebble.Cache    // shared between the chains of a process; nil: 8 MB of its own
}

func (o *Options) fill() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Verifier == nil {
		o.Verifier = script.NewVerifier(1<<12, 1)
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = defaultCache
	}
	if o.MaxSide == 0 {
		o.MaxSide = defaultSideHeaders
	}
	if o.FlushEvery == 0 {
		o.FlushEvery = defaultFlush
	}
}

// Chain is the blocks of one network in one data directory. Its methods are safe for concurrent use.
type Chain struct {
	params *coin.Params
	o      Options
	log    *slog.Logger
	db     *store

	// The owner's, which writes them: the goroutine of run, before it starts Open.
	files      *blockFiles
	candidates map[*node]struct{} // connectable, valid as far as known, more work than tip
	flushed    *node              // tip on disk
	precious   preciousness

	queue    chan job
	tasks    chan task
	quit     chan struct{} // closed by Close
	quitOnce sync.Once
	gate     sync.RWMutex  // held for reading by whoever sends to queue
	done     chan struct{} // closed when the owner is gone
	closeErr error         // of the owner's last flush; read after done

	mu     sync.RWMutex // guards what follows; the owner reads what only it writes without
	index  index        // headers come from any goroutine
	change uint64       // number of the last change
	tip    *node        // owner writes
	recent *generation  // owner writes
	undo   map[*node][]consensus.SpentCoin
	bodies recentBodies
	dirty  map[*node]struct{} // index entries to flush
	view   *View              // of the last change; nil: to be made
	bell   chan struct{}
	err    error // why the chain stopped
}

// job is a block in the queue.
type job struct {
	block   *coin.Block
	verdict func(error)
}

// task is what else the owner does when asked.
type task struct {
	do    func() error
	reply chan<- error
}

// Open opens or creates the chain in a directory of fs, which may be vfs.NewMem(). Errors: ErrLocked,
// ErrOtherNetwork, *CorruptError where the last block cannot be read, or the store's.
func Open(p *coin.Params, dir string, fs vfs.FS, o Options) (*Chain, error) {
	o.fill()
	c := &Chain{
		params: p, o: o, log: o.Logger,
		candidates: make(map[*node]struct{}),
		queue:      make(chan job, maxQueue), tasks: make(chan task),
		quit: make(chan struct{}), done: make(chan struct{}),
		index:  index{byHash: make(map[coin.Hash]*node), leaves: make(map[*node]struct{})},
		recent: newGeneration(), undo: make(map[*node][]consensus.SpentCoin), dirty: make(map[*node]struct{}),
		bell: make(chan struct{}),
	}
	if err := c.open(dir, fs); err != nil {
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	go c.run()
	return c, nil
}

func (c *Chain) open(dir string, fs vfs.FS) (err error) {
	blocks, state := fs.PathJoin(dir, "blocks"), fs.PathJoin(dir, "chainstate")
	if err := checkForeign(fs, blocks); err != nil {
		return err
	}
	for _, d := range []string{blocks, state} {
		if err := makeDir(fs, d); err != nil {
			return err
		}
	}
	if c.db, err = openStore(fs, state, c.o.BlockCache, c.log); err != nil {
		return err
	}
	c.files = &blockFiles{fs: fs, dir: blocks, magic: c.params.Magic}
	if err := c.load(); err != nil {
		return errors.Join(err, c.files.close(), c.db.close())
	}
	return nil
}

// Params returns the network.
func (c *Chain) Params() *coin.Params { return c.params }

// run is the owner: it takes blocks from the queue, does what it is asked, and flushes.
func (c *Chain) run() {
	defer close(c.done)
	tick := time.NewTicker(c.o.FlushEvery)
	defer tick.Stop()
	for {
		select {
		case j := <-c.queue:
			j.verdict(c.process(j.block))
		case t := <-c.tasks:
			t.reply <- t.do()
		case <-tick.C:
			c.flush() // a failure stops the chain, and Err has it
		case <-c.quit:
			c.shut()
			return
		}
	}
}

// shut answers what is queued and flushes for the last time.
func (c *Chain) shut() {
	c.gate.Lock() // whoever was sending has sent or given up
	defer c.gate.Unlock()
	for {
		select {
		case j := <-c.queue:
			j.verdict(ErrClosed)
			continue
		default:
		}
		break
	}
	c.closeErr = errors.Join(c.flush(), c.files.close(), c.db.close())
}

// Close flushes and returns when the chain's goroutines are gone. Blocks still queued get the verdict ErrClosed.
// A view taken before still answers what is in memory, and ErrClosed for the rest.
func (c *Chain) Close() error {
	c.quitOnce.Do(func() { close(c.quit) })
	<-c.done
	return c.closeErr
}

// AddBlock queues a block and waits while the queue is full. verdict is called exactly once, from the chain's
// goroutine (from this one where the chain is closed), and must not call back into what the owner does: AddBlock,
// Submit, Flush, Invalidate, Reconsider, Precious or Close.
// Its argument is nil for a block that is valid, or stored on a side branch or for later, be it that an
// ancestor turned out invalid then; ErrDuplicate for one that is stored already; a *consensus.RuleError for one that breaks a rule, has no known parent (MissingParent) or comes
// too early (TooNew, not remembered); ErrClosed, or what Err returns. The block is the chain's from here on.
func (c *Chain) AddBlock(b *coin.Block, verdict func(error)) {
	if !c.enqueue(job{b, verdict}) {
		verdict(ErrClosed)
	}
}

func (c *Chain) enqueue(j job) bool {
	c.gate.RLock()
	defer c.gate.RUnlock()
	select {
	case <-c.quit:
		return false
	default:
	}
	select {
	case c.queue <- j:
		return true
	case <-c.quit:
		return false
	}
}

// Submit is AddBlock that waits for the verdict.
func (c *Chain) Submit(b *coin.Block) error {
	verdict := make(chan error, 1)
	c.AddBlock(b, func(err error) { verdict <- err })
	return <-verdict
}

// Flush returns when all verdicts given so far are durable.
func (c *Chain) Flush() error { return c.ask(c.flush) }

// ask has the owner do something and returns when it is done.
func (c *Chain) ask(do func() error) error {
	reply := make(chan error, 1)
	select {
	case c.tasks <- task{do, reply}:
		return <-reply
	case <-c.done:
		return ErrClosed
	}
}

// Err returns why the chain stopped, nil while it works. Once the store has failed (a full disk, say) every verdict
// and flush is this error; what was flushed before is safe.
func (c *Chain) Err() error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.err
}

// fail stops the chain and returns why.
func (c *Chain) fail(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = fmt.Errorf("the chain has stopped: %w", err)
		c.log.Error("chain stopped", "err", err)
		c.ring()
	}
	return c.err
}

// Changed returns the doorbell: a channel that is closed when the best chain, the best header, a side branch or Err
// changes next. Take it, then read, then wait.
func (c *Chain) Changed() <-chan struct{} {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.bell
}

// bump numbers a change. c.mu is held, and ring called before it is released.
func (c *Chain) bump() uint64 {
	c.change++
	return c.change
}

// ring wakes the readers after a change. c.mu is held.
func (c *Chain) ring() {
	c.view = nil
	close(c.bell)
	c.bell = make(chan struct{})
}

// reject returns whether err is a rule's, and which.
func reject(err error) (rule *consensus.RuleError, ok bool) {
	ok = errors.As(err, &rule)
	return rule, ok
}
