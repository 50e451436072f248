package script

import (
	"sync"
	"sync/atomic"
)

// Check is the question whether an input may spend its output under the given rules.
type Check struct {
	Spend *Spend
	Input int
	Flags Flags
}

// minShare is how many checks make another goroutine worth its start; a signature takes about a tenth of a millisecond.
const minShare = 8

// Verifier answers checks. It remembers valid signatures, so the pool and the chain share one. It is safe for
// concurrent use; its goroutines end before Verify returns.
type Verifier struct {
	cache  *sigCache
	engine engine
	spare  chan struct{} // a place for each goroutine beside the callers' own, over all callers
}

// NewVerifier returns a verifier that remembers about cacheEntries signatures of the standard templates (32 bytes
// each, set aside at once) and a quarter as many of other scripts. It spreads large batches over at most workers
// goroutines, the callers' own included for one; fewer than two means none of its own.
func NewVerifier(cacheEntries, workers int) *Verifier {
	return &Verifier{
		cache:  newSigCache(cacheEntries),
		engine: newEngine(cacheEntries),
		spare:  make(chan struct{}, max(0, workers-1)),
	}
}

// Verify returns nil where all checks pass, otherwise the *Error of the first in order that fails.
func (v *Verifier) Verify(checks []Check) error {
	b := batch{v: v, checks: checks}
	b.failed.Store(int64(len(checks)))
	var helpers sync.WaitGroup
	for range len(checks)/minShare - 1 {
		if !v.hire(&helpers, b.run) {
			break
		}
	}
	b.run()
	helpers.Wait()
	if first := b.failed.Load(); first < int64(len(checks)) {
		c := checks[first]
		return &Error{TxID: c.Spend.tx.ID(), Input: c.Input, Text: string(b.why)}
	}
	return nil
}

// hire runs work in a goroutine of its own if there is a spare place.
func (v *Verifier) hire(wg *sync.WaitGroup, work func()) bool {
	select {
	case v.spare <- struct{}{}:
	default:
		return false
	}
	wg.Go(func() {
		defer func() { <-v.spare }()
		work()
	})
	return true
}

// batch hands out checks in order, so that when one fails all before it have been taken and get finished: the
// failure reported is the first whatever the timing.
type batch struct {
	v      *Verifier
	checks []Check
	next   atomic.Int64
	failed atomic.Int64 // lowest failing index so far, len(checks) while there is none

	mu  sync.Mutex // guards why, which goes with failed
	why verdict
}

func (b *batch) run() {
	for {
		i := b.next.Add(1) - 1
		if i >= b.failed.Load() {
			return
		}
		if why := b.v.check(&b.checks[i]); why != valid {
			b.mu.Lock()
			if i < b.failed.Load() {
				b.failed.Store(i)
				b.why = why
			}
			b.mu.Unlock()
		}
	}
}

// check judges the standard templates directly and leaves every other script to the engine.
func (v *Verifier) check(c *Check) verdict {
	if why, decided := v.fast(c); decided {
		return why
	}
	return v.engine.check(c)
}
