package mempool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cheese/chain"
	"cheese/coin"
)

// Pool is safe for concurrent use.
type Pool struct {
	chain *chain.Chain
	o     Options

	// mu guards all below. It is taken before the chain's lock, and not held while the scripts of a new transaction run;
	// those of a package, which only the node's operator submits, and of what a reorg returns do run under it.
	mu       sync.Mutex
	past     *chain.View               // the chain on which everything here is valid
	heard    <-chan struct{}           // the chain's doorbell, taken before past was
	at       chain.Position            // how far the chain has been followed
	behind   bool                      // catching up failed half-way and has to go on; nothing below is to be shown meanwhile
	reorged  bool                      // blocks were reverted and the pool is not yet settled: behind
	returned [][]*coin.Tx              // what they held, the last block's first, to be taken in again
	undone   int                       // how many blocks were reverted since one was connected
	deltas   map[coin.Hash]coin.Amount // what Prioritise added, also for transactions that are not here

	graph      graph
	floor      floor
	journal    journal
	generation uint64 // counts changes of graph or past
	bell       chan struct{}
	latest     *contents // of the latest View
	stale      bool      // latest is of an older generation
}

// New returns an empty pool on c, at c's tip.
func New(c *chain.Chain, o Options) *Pool {
	heard, past := c.Changed(), c.View()
	p := &Pool{chain: c, o: o.withDefaults(c.Params()), past: past, heard: heard, at: past.Position(),
		deltas: map[coin.Hash]coin.Amount{}, bell: make(chan struct{})}
	p.latest = p.contents()
	return p
}

// Options returns what the pool was configured with, defaults filled in.
func (p *Pool) Options() Options { return p.o }

func (p *Pool) contents() *contents {
	return &contents{graph: p.graph.snapshot(), tip: p.past.Tip(), seq: p.journal.next(), relayFee: p.o.MinRelayFee, blockFee: p.o.BlockMinFee, maxBytes: p.o.MaxBytes}
}

// Run follows the chain until ctx ends, and drops what expires. A pool works without it, but then catches up only when
// asked something.
func (p *Pool) Run(ctx context.Context) error {
	const expiryCheck = time.Minute
	tick := time.NewTicker(expiryCheck)
	defer tick.Stop()
	for {
		bell := p.chain.Changed()
		if err := p.Sync(); errors.Is(err, chain.ErrClosed) {
			return fmt.Errorf("follow the chain: %w", err)
		} else if err != nil {
			p.o.Logger.Error("pool cannot follow the chain", "err", err) // tried again at the next tick
		}
		select {
		case <-ctx.Done():
			return nil
		case <-bell:
		case <-tick.C:
		}
	}
}

// Sync catches up with the chain: what reverted blocks held comes back, what new blocks confirm or contradict leaves.
func (p *Pool) Sync() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.catchUp(); err != nil {
		return err
	}
	p.trim(p.o.Now())
	return nil
}

// View catches up with the chain and returns a snapshot. Where catching up fails, which Run reports, it is the pool as
// it was on the last block it could follow.
func (p *Pool) View() *View {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.catchUp(); err == nil && p.stale {
		p.latest, p.stale = p.contents(), false
	}
	return &View{contents: p.latest, minFee: p.minFee(p.o.Now())}
}

// Changed returns a channel that is closed at the next change.
func (p *Pool) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bell
}

// Since returns up to max changes from cursor seq on and the cursor to go on from. Where lost is true some are no longer
// known, and the reader should start over from a View, whose Seq is the cursor that belongs to it. Cursor zero stands
// before the first change.
func (p *Pool) Since(seq uint64, max int) (changes []Change, next uint64, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.journal.since(seq, max)
}

// add takes in an entry.
func (p *Pool) add(e *Entry) {
	e.Seq = p.journal.next()
	p.graph.insert(e)
	e, _ = p.graph.entries.get(e.ID)
	p.record(Change{Entry: e})
}

// remove drops entries, in an order that graph.remove allows.
func (p *Pool) remove(entries []*Entry, why Reason) {
	for _, e := range entries {
		p.graph.remove(e)
		p.record(Change{Entry: e, Removed: true, Reason: why})
	}
}

// record notes a change and rings.
func (p *Pool) record(c Change) {
	p.journal.append(c)
	p.changed()
}

// changed makes the next View a new one, and rings.
func (p *Pool) changed() {
	p.generation++
	p.stale = true
	close(p.bell)
	p.bell = make(chan struct{})
}
