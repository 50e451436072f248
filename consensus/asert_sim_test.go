package consensus

import (
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"cheese/coin"
)

// The simulations mine on the real rules without hashing: the bits come from State.NextBits, every header passes
// checkContext, and the time that a block takes is drawn from the exponential distribution that hashing has.
// docs/decisions/0011-difficulty-simulations.md is what they found. With CHEESE_LONG=1 they run at the size of that
// page, with CHEESE_PLOTS=DIR they draw its plots there as well; -v prints its tables.
//
//	CHEESE_LONG=1 go test -run Simulation -v ./consensus

// long tells whether the simulations are to run at full size.
func long() bool { return os.Getenv("CHEESE_LONG") != "" }

// size returns how many of something to simulate: few every time, many when asked for.
func size(few, many int) int {
	if long() {
		return many
	}
	return few
}

// perSpacing is the hash rate, in hashes a second, that the default network's first target is made for.
const perSpacing = float64(1<<24) / 30

// sim mines without hashing: the time to a block is exponential with a mean of hashes over rate.
type sim struct {
	State
	rng  *rand.Rand
	rate float64 // honest hashes a second
	now  float64 // the clock all agree on, Unix seconds
}

// seeded prints a seed on its way. The same seeds give the same blocks, up to how a processor rounds.
func seeded(t testing.TB, seed uint64) uint64 {
	t.Logf("seed %d", seed)
	return seed
}

// newSim starts a chain of the default network at its genesis.
func newSim(rate float64, seed uint64) *sim {
	p := coin.Cheese()
	g := Genesis(p)
	return &sim{State: g, rng: rand.New(rand.NewPCG(seed, 0)), rate: rate, now: float64(g.Header().Time)}
}

// fork returns a chain that goes on from s with luck of its own.
func (s *sim) fork(seed, run uint64) *sim {
	f := *s
	f.rng = rand.New(rand.NewPCG(seed, run))
	return &f
}

// hashes returns how many hashes the next block takes on average.
func (s *sim) hashes() float64 {
	f, _ := new(big.Float).SetInt(coin.Work(s.NextBits())).Float64()
	return f
}

// limit returns the latest timestamp that the clock allows.
func (s *sim) limit() uint32 {
	return uint32(s.now) + uint32(s.params.MaxAhead/time.Second)
}

// honest returns the timestamp of a miner who does not lie, as our own miner writes it.
func (s *sim) honest() uint32 { return max(uint32(s.now), s.EarliestTime()) }

// wait advances the clock until a block with this timestamp is no longer too new.
func (s *sim) wait(timestamp uint32) {
	s.now = max(s.now, float64(timestamp)-s.params.MaxAhead.Seconds())
}

// add puts a block on the chain by the rules that need no hash.
func (s *sim) add(timestamp uint32) {
	s.wait(timestamp)
	h := coin.Header{Version: 4, Prev: s.Hash(), Time: timestamp, Bits: s.NextBits()}
	if err := s.checkContext(h, time.Unix(int64(s.now), 0)); err != nil {
		panic(err) // the simulation's fault, not the network's
	}
	s.State = s.Extend(h)
}

// mine adds a block by honest miners and returns how many spacings its target made it take on average. While the
// chain is too far ahead of the clock they wait, as our miner does.
func (s *sim) mine() float64 {
	s.wait(s.EarliestTime())
	mean := s.hashes() / s.rate
	s.now += s.rng.ExpFloat64() * mean
	s.add(s.honest())
	return mean / s.params.Spacing.Seconds()
}

// settle mines until the hash rate's own difficulty is found.
func (s *sim) settle() *sim {
	for range 1000 {
		s.mine()
	}
	return s
}

// averages holds, by block after something happened, means over many chains in units of the spacing.
type averages struct {
	seen []float64 // time from block to block
	mean []float64 // the same without that block's own luck: what its target makes of the hash rate
}

// ensemble makes runs chains that go on from points of s far apart (which advances s), lets happen strike each, and
// averages over the blocks that follow.
func (s *sim) ensemble(seed uint64, runs, blocks int, happen func(*sim)) averages {
	a := averages{seen: make([]float64, blocks), mean: make([]float64, blocks)}
	for run := range runs {
		for range 20 {
			s.mine()
		}
		f := s.fork(seed, uint64(run)+1)
		happen(f)
		for i := range blocks {
			start := f.now
			a.mean[i] += f.mine() / float64(runs)
			a.seen[i] += (f.now - start) / s.params.Spacing.Seconds() / float64(runs)
		}
	}
	return a
}

// settledBy returns the first block (from 1) from which on every mean is within the fraction of the spacing; one
// past the end if none is.
func settledBy(means []float64, within float64) int {
	for i := len(means); i > 0; i-- {
		if math.Abs(means[i-1]-1) > within {
			return i + 1
		}
	}
	return 1
}

// faster counts the blocks whose mean is under the fraction of the spacing.
func faster(means []float64, than float64) (n int) {
	for _, m := range means {
		if m < than {
			n++
		}
	}
	return n
}

func sum(xs []float64) (total float64) {
	for _, x := range xs {
		total += x
	}
	return total
}
