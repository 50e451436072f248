package mempool

import (
	"math"
	"time"

	"cheese/coin"
)

// floorHalfLife is how fast the price of a place falls once blocks come again.
const floorHalfLife = 12 * time.Hour

// floor is the rolling minimum fee rate of a pool that was full: it rises with each eviction, so that what was thrown
// out does not come straight back, and decays once a block has made room.
type floor struct {
	rate  float64   // crumbs per 1000 virtual bytes
	since time.Time // when rate was last brought up to date
	block bool      // a block came since the last eviction
}

// evicted raises the floor a step above the rate of what was thrown out.
func (f *floor) evicted(fee coin.Amount, size int, step coin.Amount) {
	if rate := float64(rateOf(fee, size) + step); rate > f.rate {
		f.rate, f.block = rate, false
	}
}

// blockCame starts the decay.
func (f *floor) blockCame(now time.Time) { f.since, f.block = now, true }

// at returns the floor now. usage and limit are the pool's memory: the emptier it is, the faster the floor falls.
// Below half a step it is gone, and above that it is a step at least.
func (f *floor) at(now time.Time, usage, limit int64, least coin.Amount) coin.Amount {
	if f.rate == 0 || !f.block {
		return coin.Amount(math.Round(f.rate))
	}
	const step = 10 * time.Second
	if passed := now.Sub(f.since); passed > step {
		half := floorHalfLife
		switch {
		case usage < limit/4:
			half /= 4
		case usage < limit/2:
			half /= 2
		}
		f.rate, f.since = f.rate/math.Exp2(float64(passed)/float64(half)), now
		if f.rate < float64(least)/2 {
			f.rate = 0
			return 0
		}
	}
	return max(coin.Amount(math.Round(f.rate)), least)
}

// minFee returns what a transaction must pay to enter, in crumbs per 1000 virtual bytes.
func (p *Pool) minFee(now time.Time) coin.Amount {
	return max(p.o.MinRelayFee, p.rollingFee(now))
}

// rollingFee returns the part of minFee that depends on how full the pool has been.
func (p *Pool) rollingFee(now time.Time) coin.Amount {
	return p.floor.at(now, p.graph.memory(), p.o.MaxBytes, p.o.IncrementalRelayFee)
}

// trim drops what waited too long and, while the pool is over its size, whatever is worth least together with what
// depends on it.
func (p *Pool) trim(now time.Time) {
	deadline := now.Add(-p.o.Expiry)
	for e, ok := p.graph.expired(deadline); ok; e, ok = p.graph.expired(deadline) {
		p.remove(p.graph.family([]*Entry{e}), ReasonExpired)
	}
	for p.graph.memory() > p.o.MaxBytes {
		e, ok := p.graph.worst.peek(&p.graph)
		if !ok {
			return
		}
		p.floor.evicted(e.Descendants.Fee, e.Descendants.VSize, p.o.IncrementalRelayFee)
		p.remove(p.graph.family([]*Entry{e}), ReasonFull)
	}
}
