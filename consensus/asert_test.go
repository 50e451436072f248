package consensus

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"cheese/coin"

	"pgregory.net/rapid"
)

const (
	spacing  = 30 * time.Second
	halfLife = coin.HalfLifeSpacings * spacing
)

var wide = new(big.Int).Lsh(big.NewInt(1), 255)

func move(target, limit *big.Int, solve time.Duration) *big.Int {
	return moveTarget(target, limit, solve, spacing, halfLife)
}

// ratio returns a/b.
func ratio(a, b *big.Int) float64 {
	f, _ := new(big.Rat).SetFrac(a, b).Float64()
	return f
}

func TestTargetMovesByPowersOfTwo(t *testing.T) {
	target := new(big.Int).Lsh(big.NewInt(0xffff), 200)
	for _, c := range []struct {
		name  string
		solve time.Duration
		want  float64
	}{
		{"on time", spacing, 1},
		{"a half-life late", spacing + halfLife, 2},
		{"half a half-life late", spacing + halfLife/2, math.Sqrt2},
		{"half a half-life early", spacing - halfLife/2, 1 / math.Sqrt2},
		{"at once", time.Second, math.Exp2(-29.0 / 900)},
		{"two half-lives", 2 * halfLife, math.Exp2(59.0 / 30)},
		{"a month", 30 * 24 * time.Hour, math.Exp2(59.0 / 30)},
	} {
		if got := ratio(move(target, wide, c.solve), target); math.Abs(got/c.want-1) > 2e-4 {
			t.Errorf("%s: the target moves by %.6f, want %.6f", c.name, got, c.want)
		}
	}
}

func TestTargetKeepsItsBounds(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 240)
	if got := move(limit, limit, time.Hour); got.Cmp(limit) != 0 {
		t.Errorf("past the easiest target: %x", got)
	}
	if got := move(big.NewInt(1), limit, time.Second); got.Cmp(big.NewInt(1)) != 0 {
		t.Errorf("below the hardest target: %x", got)
	}
}

func TestTargetProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target := new(big.Int).Lsh(big.NewInt(rapid.Int64Range(1, math.MaxInt64).Draw(t, "mantissa")), uint(rapid.IntRange(0, 192).Draw(t, "shift")))
		limit := new(big.Int).Lsh(target, uint(rapid.IntRange(0, 3).Draw(t, "room")))
		seconds := rapid.Int64Range(-10_000, 10_000)
		a, b := seconds.Draw(t, "a"), seconds.Draw(t, "b")
		x, y := move(target, limit, time.Duration(min(a, b))*time.Second), move(target, limit, time.Duration(max(a, b))*time.Second)
		if x.Cmp(y) > 0 {
			t.Fatalf("a longer solve time gives a harder target: %d s %x, %d s %x", min(a, b), x, max(a, b), y)
		}
		if x.Sign() <= 0 || y.Cmp(limit) > 0 {
			t.Fatalf("out of bounds: %x, %x of %x", x, y, limit)
		}
		if got := move(target, limit, spacing); got.Cmp(target) != 0 {
			t.Fatalf("on time the target moves from %x to %x", target, got)
		}
	})
}

// sim mines without hashing: the time to a block is exponential with a mean of hashes over rate.
type sim struct {
	State
	rng  *rand.Rand
	rate float64 // hashes per second
	now  float64 // Unix seconds
}

func newSim(t *testing.T, p *coin.Params, rate float64) *sim {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := Genesis(p)
	return &sim{State: g, rng: rand.New(rand.NewPCG(seed, 0)), rate: rate, now: float64(g.Header().Time)}
}

func (s *sim) mine() {
	bits := s.NextBits()
	hashes, _ := new(big.Float).SetInt(coin.Work(bits)).Float64()
	s.now += s.rng.ExpFloat64() * hashes / s.rate
	s.State = s.Extend(coin.Header{Prev: s.Hash(), Time: max(uint32(s.now), s.EarliestTime()), Bits: bits})
}

func TestSteadyHashRateKeepsTheSpacing(t *testing.T) {
	// A hundred times the hash rate that the first target is made for: it must also find its way.
	s := newSim(t, coin.Cheese(), 100*float64(1<<24)/30)
	for range 1000 {
		s.mine()
	}
	const blocks = 100_000
	start := s.now
	for range blocks {
		s.mine()
	}
	if mean := (s.now - start) / blocks; math.Abs(mean/30-1) > 0.015 {
		t.Errorf("blocks come every %.3f s on average, want 30 s within 1.5 %%", mean)
	}
}

func TestChainThatSleptRecoversAtOnce(t *testing.T) {
	s := newSim(t, coin.Cheese(), float64(1<<24)/30)
	for range 500 {
		s.mine()
	}
	s.now += 30 * 24 * 3600
	s.mine()
	woke, height := s.now, s.Height()
	for s.now < woke+3600 {
		s.mine()
	}
	// 120 an hour, and at most the 60 spacings that one solve time may count for on top, give or take.
	if n := s.Height() - height; n < 70 || n > 270 {
		t.Errorf("%d blocks in the hour after the sleep: no schedule should be caught up with", n)
	}
}

func TestFirstBlocksKeepTheFirstTarget(t *testing.T) {
	s := newSim(t, coin.Cheese(), float64(1<<24)/30)
	first := s.Header().Bits
	s.now += 300 * 24 * 3600 // people come long after the genesis block's time
	for range 2 {
		if got := s.NextBits(); got != first {
			t.Fatalf("bits %08x at height %d, want %08x", got, s.Height()+1, first)
		}
		s.mine()
	}
	if s.NextBits() == first {
		t.Errorf("the second block's solve time should move the target")
	}
}
