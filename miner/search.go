package miner

import (
	"context"
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"cheese/coin"
)

// Search finds nonces: by hashing, or by waiting as long as hashing would take. One search runs at a time; the other
// methods may be called meanwhile.
type Search interface {
	// Search looks for a nonce with which header meets target. It returns the solved header, or false where no nonce does
	// or ctx ended first. Its goroutines have ended when it returns.
	Search(ctx context.Context, header coin.Header, target *big.Int) (coin.Header, bool)
	// Tune sets the number of threads, and the limit in hashes per second over all of them, 0 for none. The caller starts
	// its search anew afterwards.
	Tune(threads int, limit float64)
	// Hashes returns how many nonces were tried so far.
	Hashes() uint64
}

// Hasher is the real Search: SHA-256 on a number of threads, slowed down to a limit by sleeping between small batches,
// so that a limited miner is steady and the machine stays cool.
type Hasher struct {
	threads atomic.Int32
	limit   atomic.Uint64 // bits of a float64
	hashes  atomic.Uint64

	mu   sync.Mutex
	next time.Time // when the limit lets the next batch start
}

// NewSearch returns a hasher with one thread that makes at most limit hashes per second; 0 for no limit.
func NewSearch(limit float64) *Hasher {
	h := new(Hasher)
	h.Tune(1, limit)
	return h
}

// Tune sets threads and limit. What waits for its turn goes on waiting until the search is started anew.
func (h *Hasher) Tune(threads int, limit float64) {
	h.threads.Store(int32(max(threads, 1)))
	h.limit.Store(math.Float64bits(max(limit, 0)))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next = time.Time{} // a long wait that an old limit asked for is over
}

// Hashes returns how many nonces were tried.
func (h *Hasher) Hashes() uint64 { return h.hashes.Load() }

const (
	nonces      = 1 << 32
	fullBatch   = 1 << 13               // nonces between looks at ctx: some milliseconds
	batchTime   = 20 * time.Millisecond // of a limited search
	longestWait = 24 * time.Hour        // even at the lowest limit
)

// Search hashes.
func (h *Hasher) Search(ctx context.Context, header coin.Header, target *big.Int) (solved coin.Header, ok bool) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		workers sync.WaitGroup
		taken   atomic.Uint64 // nonces handed out
		once    sync.Once
	)
	for range h.threads.Load() {
		workers.Go(func() {
			for {
				size, wait, took := h.reserve(time.Now())
				if !pause(ctx, wait) {
					h.giveBack(took)
					return
				}
				from := taken.Add(size) - size
				if from >= nonces {
					return
				}
				found, tried, hit := grind(header, target, from, min(from+size, nonces))
				h.hashes.Add(tried)
				if hit {
					once.Do(func() { solved, ok = found, true })
					stop()
				}
			}
		})
	}
	workers.Wait()
	return solved, ok
}

// reserve returns the size of the next batch, how long to wait before it, and how much of the limit's time it takes. The
// bucket holds one batch, so no rush follows a rest. A limit low enough to make batches rare is met by a batch of one and
// a long wait.
func (h *Hasher) reserve(now time.Time) (size uint64, wait, took time.Duration) {
	limit := math.Float64frombits(h.limit.Load())
	if limit == 0 {
		return fullBatch, 0, 0
	}
	size = uint64(min(max(limit*batchTime.Seconds(), 1), fullBatch))
	took = time.Duration(min(float64(size)/limit*float64(time.Second), float64(longestWait)))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next.Before(now.Add(-took)) {
		h.next = now.Add(-took)
	}
	wait = h.next.Sub(now)
	h.next = h.next.Add(took)
	return size, wait, took
}

// giveBack undoes a reservation whose batch was not hashed. Searches restart each second: a low limit would otherwise be
// used up by waiting.
func (h *Hasher) giveBack(took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next = h.next.Add(-took)
}

// pause sleeps; false where ctx ended.
func pause(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// grind tries the nonces in [from, to) and tells how many it took. Restoring the hash's state after the first 64 bytes,
// which do not depend on the nonce, was measured to cost more than hashing them again.
func grind(header coin.Header, target *big.Int, from, to uint64) (solved coin.Header, tried uint64, ok bool) {
	buf, limit := header.Append(make([]byte, 0, coin.HeaderSize)), leading(target)
	for n := from; n < to; n++ {
		binary.LittleEndian.PutUint32(buf[nonceAt:], uint32(n))
		hash := coin.DoubleSHA(buf)
		if binary.LittleEndian.Uint64(hash[24:]) <= limit && coin.MeetsTarget(hash, target) {
			header.Nonce = uint32(n)
			return header, n - from + 1, true
		}
	}
	return header, to - from, false
}

// nonceAt is the nonce's place in a header.
const nonceAt = coin.HeaderSize - 4

// leading returns the highest 64 bits of a target: comparing these decides nearly every hash without making it a big
// number.
func leading(target *big.Int) uint64 {
	t := new(big.Int).Rsh(target, 192)
	if !t.IsUint64() {
		return math.MaxUint64
	}
	return t.Uint64()
}

// Poisson is a Search for virtual time: it waits as long as a miner with the given hash rate would take, which is
// exponentially distributed, and then grinds the nonce, which the network's difficulty must make quick.
type Poisson struct {
	mu     sync.Mutex
	rand   *rand.Rand
	rate   float64 // hashes per second
	limit  float64
	done   float64   // hashes of earlier spans
	since  time.Time // when the present span started
	active bool
}

// NewPoisson returns a simulated search at rate hashes per second. It owns r.
func NewPoisson(r *rand.Rand, rate float64) *Poisson { return &Poisson{rand: r, rate: rate} }

// Tune sets the limit; threads change nothing.
func (p *Poisson) Tune(_ int, limit float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(p.active)
	p.limit = max(limit, 0)
}

// Hashes returns how many nonces a real miner would have tried.
func (p *Poisson) Hashes() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(p.active)
	return uint64(p.done)
}

// count adds the hashes since the last call, and starts or ends a span.
func (p *Poisson) count(active bool) {
	now := time.Now()
	if p.active {
		p.done += now.Sub(p.since).Seconds() * p.speed()
	}
	p.since, p.active = now, active
}

func (p *Poisson) speed() float64 {
	if p.limit > 0 {
		return min(p.rate, p.limit)
	}
	return p.rate
}

// Search waits, then finds the first nonce.
func (p *Poisson) Search(ctx context.Context, header coin.Header, target *big.Int) (coin.Header, bool) {
	p.mu.Lock()
	p.count(true)
	work, _ := new(big.Float).SetInt(coin.Work(coin.Compact(target))).Float64()
	wait := p.rand.ExpFloat64() * work / p.speed()
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.count(false)
	}()
	const longest = 365 * 24 * time.Hour // what fits a Duration many times
	if !pause(ctx, time.Duration(min(wait*float64(time.Second), float64(longest)))) {
		return header, false
	}
	solved, _, ok := grind(header, target, 0, nonces)
	return solved, ok
}
