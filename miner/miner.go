package miner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
	"cheese/mempool"
)

// Config is what a Miner needs.
type Config struct {
	Chain   *chain.Chain
	Pool    *mempool.Pool          // nil: blocks hold nothing but their coinbase
	PayTo   func() ([]byte, error) // asked for each template's output script
	Name    string
	On      bool    // mine from the start
	Threads int     // 0: one
	Limit   float64 // hashes per second over all threads; 0: none
	Search  Search  // nil: really hash
	Now     func() time.Time
	Logger  *slog.Logger
	WaitFor int // classic mode: mine only while at least this many transactions wait
	// OnFound is told of each block found, from Run's goroutine, once the chain has judged it: verdict is nil where the
	// block is valid and durable. It may be nil.
	OnFound func(b *coin.Block, verdict error)
}

// Stats is how a miner does.
type Stats struct {
	On       bool    // switched on
	Waiting  bool    // on, but too few transactions wait
	HashRate float64 // hashes per second over the last 10 seconds
	Limit    float64 // hashes per second; 0: none
	Threads  int
	WaitFor  int // transactions needed before it mines
	Mined    int // blocks found since the start that joined the best chain, whatever became of them
}

// Miner is safe for concurrent use.
type Miner struct {
	c      Config
	search Search

	mu    sync.Mutex
	stats Stats // but for HashRate
	meter meter
	bell  chan struct{}

	extraNonce atomic.Uint64 // of the latest template
}

// New returns a miner that does nothing until Run.
func New(c Config) *Miner {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Search == nil {
		c.Search = NewSearch(c.Limit)
	}
	m := &Miner{c: c, search: c.Search, bell: make(chan struct{})}
	m.stats = Stats{On: c.On, Threads: max(c.Threads, 1), Limit: max(c.Limit, 0), WaitFor: c.WaitFor}
	m.search.Tune(m.stats.Threads, m.stats.Limit)
	return m
}

// SetOn switches mining on or off.
func (m *Miner) SetOn(on bool) { m.set(func(s *Stats) { s.On = on }) }

// SetThreads changes how many goroutines hash, at least one.
func (m *Miner) SetThreads(n int) { m.set(func(s *Stats) { s.Threads = max(n, 1) }) }

// SetLimit changes the hash-rate limit in hashes per second; 0 lifts it.
func (m *Miner) SetLimit(limit float64) { m.set(func(s *Stats) { s.Limit = max(limit, 0) }) }

// set changes the stats and rings if that made a difference.
func (m *Miner) set(change func(*Stats)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.stats
	if change(&m.stats); m.stats == old {
		return
	}
	m.search.Tune(m.stats.Threads, m.stats.Limit)
	close(m.bell)
	m.bell = make(chan struct{})
}

// Stats returns how the miner does.
func (m *Miner) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.HashRate = m.meter.rate(time.Now(), m.search.Hashes())
	return s
}

// Changed returns a channel that is closed when Stats changes by more than its rate.
func (m *Miner) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bell
}

// pace is how often the header's time rolls, and at most how often changes of the pool make a new template.
const pace = time.Second

// Run mines until ctx ends, and returns after its goroutines.
func (m *Miner) Run(ctx context.Context) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	var j job
	for ctx.Err() == nil {
		if j = m.prepare(j); j.block == nil {
			m.idle(ctx, &j, tick.C)
			continue
		}
		if !m.mine(ctx, &j, tick.C) {
			continue
		}
		verdict := m.submit(j.block)
		if errors.Is(verdict, chain.ErrClosed) {
			return fmt.Errorf("submit a block: %w", verdict)
		}
		if verdict != nil { // whatever is wrong with our blocks, do not find hundreds of them a second
			pause(ctx, pace)
		}
		j = job{}
	}
	return nil
}

// job is what to work on and what to watch meanwhile.
type job struct {
	block *coin.Block // nil: nothing to do for now
	pool  uint64      // the pool's cursor when the block was filled

	chainRang, poolRang, set <-chan struct{}
}

// prepare finds out what to do. Where the job before was right but for the time, it goes on with the new time. The
// doorbells are taken before anything is read.
func (m *Miner) prepare(before job) job {
	j := job{chainRang: m.c.Chain.Changed(), set: m.Changed()}
	var view *mempool.View
	waiting := 0
	if m.c.Pool != nil {
		j.poolRang = m.c.Pool.Changed()
		view = m.c.Pool.View()
		j.pool, waiting = view.Seq(), view.Len()
	}
	on, short := m.switched(waiting)
	if !on || short {
		return j
	}
	tip, now := m.c.Chain.View().Tip(), m.c.Now()
	if b := before.block; b != nil && before.pool == j.pool && b.Prev == tip.Hash() && b.Time < uint32(now.Unix()) {
		rolled := *b
		rolled.Time = uint32(now.Unix())
		j.block = &rolled
		return j
	}
	b, err := m.template(tip, view, now)
	switch {
	case err != nil:
		m.c.Logger.Error("cannot make a block template", "err", err) // tried again at the next tick
	case tooNew(b, now, tip.Params()):
		m.c.Logger.Debug("the chain is ahead of the clock: mining waits", "height", tip.Height())
	default:
		j.block = b
	}
	return j
}

// tooNew tells whether the chain would refuse a block for its time, which only waiting cures.
func tooNew(b *coin.Block, now time.Time, p *coin.Params) bool {
	return time.Unix(int64(b.Time), 0).After(now.Add(p.MaxAhead))
}

// switched tells whether mining is on and whether too few transactions wait for it.
func (m *Miner) switched(waiting int) (on, short bool) {
	m.set(func(s *Stats) {
		on, short = s.On, waiting < s.WaitFor
		s.Waiting = on && short
	})
	return on, short
}

func (m *Miner) template(tip consensus.State, view *mempool.View, now time.Time) (*coin.Block, error) {
	payTo, err := m.c.PayTo()
	if err != nil {
		return nil, fmt.Errorf("script to pay to: %w", err)
	}
	extra := m.extraNonce.Add(1)
	b, _, err := Template(tip, view, TemplateOptions{PayTo: payTo, Name: m.c.Name, Now: now, ExtraNonce: extra})
	return b, err
}

// idle waits for something that may give work.
func (m *Miner) idle(ctx context.Context, j *job, tick <-chan time.Time) {
	select {
	case <-ctx.Done():
	case <-j.set:
	case <-j.poolRang:
	case now := <-tick:
		m.sample(now)
	}
}

// mine searches until the block is solved, which it reports, or there is something better to do. It returns after
// its search: what that found in its last moment counts.
func (m *Miner) mine(ctx context.Context, j *job, tick <-chan time.Time) (solved bool) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	result := make(chan bool, 1)
	header := j.block.Header
	go func() {
		found, ok := m.search.Search(ctx, header, coin.Target(header.Bits))
		if ok {
			j.block.Header = found
		}
		result <- ok
	}()
	for {
		select {
		case solved = <-result:
			return solved
		case <-j.set:
			j.set = nil
			stop()
		case <-j.chainRang:
			j.chainRang = m.c.Chain.Changed()
			if m.c.Chain.View().Tip().Hash() != header.Prev {
				stop()
			}
		case now := <-tick:
			m.sample(now)
			stop()
		}
	}
}

// submit hands a block to the chain and waits until it is judged and durable.
func (m *Miner) submit(b *coin.Block) error {
	verdict := m.c.Chain.Submit(b)
	if verdict == nil {
		if err := m.c.Chain.Flush(); err != nil {
			verdict = fmt.Errorf("store block %v: %w", b.Hash(), err)
		}
	}
	switch {
	case verdict == nil && m.c.Chain.View().Contains(b.Hash()):
		m.set(func(s *Stats) { s.Mined++ })
	case verdict != nil:
		m.c.Logger.Error("our block was not accepted", "hash", b.Hash(), "err", verdict)
	}
	if m.c.OnFound != nil {
		m.c.OnFound(b, verdict)
	}
	return verdict
}

func (m *Miner) sample(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.meter.add(now, m.search.Hashes())
}
