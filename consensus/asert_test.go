package consensus

import (
	"math"
	"math/big"
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

func TestFirstBlocksKeepTheFirstTarget(t *testing.T) {
	s := newSim(perSpacing, seeded(t, 3))
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
