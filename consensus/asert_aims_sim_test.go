package consensus

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"cheese/coin"
)

func TestSimulationSteadyHashRateKeepsTheSpacing(t *testing.T) {
	seed := seeded(t, 1)
	for _, c := range []struct {
		rate   float64 // of what the first target is made for
		blocks int
	}{
		{1, size(10_000, 1_000_000)},
		{1.9, size(2_000, 200_000)},
		{2.1, size(2_000, 200_000)}, // on either side of where the compact form loses most
		{100, size(2_000, 200_000)},
		{1e6, size(2_000, 200_000)},
		{1.0 / 64, size(2_000, 200_000)}, // four times what the easiest target is made for
	} {
		s := newSim(c.rate*perSpacing, seed).settle()
		start := s.now
		for range c.blocks {
			s.mine()
		}
		mean := (s.now - start) / float64(c.blocks)
		t.Logf("| %g | %.4g | %d | %.3f s | %+.2f %% |", c.rate, c.rate*perSpacing, c.blocks, mean, 100*(mean/30-1))
		if math.Abs(mean/30-1) > 0.015 {
			t.Errorf("at %g times the first hash rate blocks come every %.3f s on average, want 30 s within 1.5 %%", c.rate, mean)
		}
	}
}

// The mean spacing is what exponents add up to: a rule whose every step were exact would have no bias at all, so that
// the mean error of one step tells the bias beforehand.
func TestSimulationSteadyBiasIsTheArithmetics(t *testing.T) {
	p := coin.Cheese()
	var steps, rounding float64
	const points = 20_000
	for i := range points { // the quantiles of the exponential distribution
		luck := -math.Log((float64(i) + 0.5) / points)
		solve := time.Duration(math.Round(luck*30)) * time.Second
		from := new(big.Int).Rsh(p.PowLimit, uint(8+i%8)) // over every size of mantissa
		to := moveTarget(from, p.PowLimit, solve, p.Spacing, p.HalfLife)
		steps += (math.Log2(ratio(to, from)) - (solve-p.Spacing).Seconds()/p.HalfLife.Seconds()) / points
		rounding += math.Log2(ratio(coin.Target(coin.Compact(to)), to)) / points
	}
	bias := func(perBlock float64) float64 { return -100 * coin.HalfLifeSpacings * perBlock }
	t.Logf("bias from the power of two %+.3f %%, from the compact form %+.3f %%", bias(steps), bias(rounding))
	if total := bias(steps + rounding); math.Abs(total) > 0.3 {
		t.Errorf("the arithmetic makes spacings %+.3f %% off", total)
	}
}

// Below the hash rate that the easiest target is made for, nothing can hold the spacing; nor quite just above, where
// the limit cuts the lucky half of the swings off.
func TestSimulationEasiestTargetSlowsSmallNetworks(t *testing.T) {
	seed := seeded(t, 1)
	for _, c := range []struct{ rate, least, most float64 }{
		{0.5, 2, 2.1}, {1, 1.05, 1.12}, {1.2, 1, 1.015}, {1.5, 0.985, 1.015},
	} {
		s := newSim(c.rate*65536/30, seed).settle()
		start, blocks := s.now, size(5_000, 200_000)
		for range blocks {
			s.mine()
		}
		mean := (s.now - start) / float64(blocks) / 30
		t.Logf("| %g | %.0f | %.2f s | %+.1f %% |", c.rate, c.rate*65536/30, 30*mean, 100*(mean-1))
		if mean < c.least || mean > c.most {
			t.Errorf("at %g of the least hash rate blocks take %.3f spacings, want %g to %g", c.rate, mean, c.least, c.most)
		}
	}
}

// aimed is an ensemble of a size that the aims can be read from.
func aimed(t *testing.T, blocks int, happen func(*sim)) averages {
	seed := seeded(t, 2)
	return newSim(perSpacing, seed).settle().ensemble(seed, size(150, 20_000), blocks, happen)
}

// both hands over the mean by target and, where the ensemble is large enough to see it through the luck, the mean of
// what was seen.
func (a averages) both(see func(kind string, means []float64)) {
	see("by target", a.mean)
	if long() {
		see("as seen", a.seen)
	}
}

func changeOf(factor float64) func(*sim) { return func(s *sim) { s.rate *= factor } }

func TestSimulationTenfoldRiseIsFollowedByBlock220(t *testing.T) {
	a := aimed(t, 300, changeOf(10))
	a.both(func(kind string, means []float64) {
		n := settledBy(means, 0.1)
		t.Logf("| tenfold rise, %s | block %d | %.3f at 220 | %.0f minutes |", kind, n, means[219], sum(means[:n])/2)
		if n > 220 {
			t.Errorf("mean %s is within 10 %% of the spacing from block %d on, want 220", kind, n)
		}
	})
	plot(t, "rise", chart{
		Title: "Ten times the hash rate from block 1 on", X: "block", Y: "mean time to find it, spacings", Log: true,
		Top: 2, Bottom: 0.08, Ticks: []float64{0.1, 0.2, 0.5, 1, 2}, Right: 300, Marks: []mark{{X: 220, Text: "aim: within 10 % by 220"}},
		Level: []float64{0.9, 1.1}, Lines: []line{{"as seen", 1, fromOne(a.seen)}, {"by target", 0, fromOne(a.mean)}},
	})
}

func TestSimulationTenfoldFallIsFollowedByBlock110(t *testing.T) {
	a := aimed(t, 200, changeOf(0.1))
	a.both(func(kind string, means []float64) {
		n := settledBy(means, 0.1)
		t.Logf("| tenfold fall, %s | block %d | %.3f at 110 | %.0f minutes |", kind, n, means[109], sum(means[:n])/2)
		if n > 110 {
			t.Errorf("mean %s is within 10 %% of the spacing from block %d on, want 110", kind, n)
		}
	})
	plot(t, "fall", chart{
		Title: "A tenth of the hash rate from block 1 on", X: "block", Y: "mean time to find it, spacings", Log: true,
		Top: 12, Bottom: 0.7, Ticks: []float64{1, 2, 5, 10}, Right: 200, Marks: []mark{{X: 110, Text: "aim: within 10 % by 110"}},
		Level: []float64{0.9, 1.1}, Lines: []line{{"as seen", 1, fromOne(a.seen)}, {"by target", 0, fromOne(a.mean)}},
	})
}

func TestSimulationWeekAsleepIsForgotten(t *testing.T) {
	a := aimed(t, 250, func(s *sim) { s.now += 7 * 24 * 3600 })
	a.both(func(kind string, means []float64) {
		n, least := faster(means, 0.9), slices.Min(means)
		t.Logf("| week asleep, %s | %d blocks under 0.9 | least %.3f | within 10 %% from block %d |", kind, n, least, settledBy(means, 0.1))
		if n > 200 {
			t.Errorf("mean %s is under 0.9 of the spacing for %d blocks, want 200 at most", kind, n)
		}
		if least < 0.2 {
			t.Errorf("mean %s goes down to %.3f of the spacing, want a fifth at least", kind, least)
		}
	})
	plot(t, "sleep", chart{
		Title: "After a week in which nobody mined", X: "block since the waking", Y: "mean time to find it, spacings", Log: true,
		Top: 1.5, Bottom: 0.18, Ticks: []float64{0.2, 0.5, 1}, Right: 250, Marks: []mark{{X: 200, Text: "aim: at most 200 under 0.9"}},
		Level: []float64{0.2, 0.9}, Lines: []line{{"as seen", 1, fromOne(a.seen)}, {"by target", 0, fromOne(a.mean)}},
	})
}

// The changes that nobody set an aim for, for the page.
func TestSimulationOtherChanges(t *testing.T) {
	if !long() {
		t.Skip("only for the page: set CHEESE_LONG=1")
	}
	s := newSim(perSpacing, seeded(t, 3)).settle()
	for _, c := range []struct {
		name   string
		happen func(*sim)
	}{
		{"× 2", changeOf(2)}, {"× 3", changeOf(3)}, {"× 30", changeOf(30)}, {"× 100", changeOf(100)},
		{"÷ 2", changeOf(1. / 2)}, {"÷ 3", changeOf(1. / 3)}, {"÷ 30", changeOf(1. / 30)}, {"÷ 100", changeOf(1. / 100)},
		{"an hour asleep", func(s *sim) { s.now += 3600 }}, {"a day asleep", func(s *sim) { s.now += 24 * 3600 }},
		{"a year asleep", func(s *sim) { s.now += 365 * 24 * 3600 }},
	} {
		a := s.ensemble(4, 1_000, 400, c.happen)
		n := settledBy(a.mean, 0.1)
		t.Logf("| %s | block %d | %s | %d | %.2f |", c.name, n, time.Duration(sum(a.seen[:min(n, 400)])*30)*time.Second, faster(a.mean, 0.9), slices.Min(a.mean))
		if n > 400 {
			t.Errorf("%s: the spacing is not back within 400 blocks", c.name)
		}
	}
}

// A few hours of a steady network, for the eye.
func TestSimulationSteadyDifficultySwings(t *testing.T) {
	s := newSim(perSpacing, seeded(t, 5)).settle()
	blocks := size(2_000, 100_000)
	hard := make([]float64, blocks)
	var logs, squares float64
	for i := range hard {
		hard[i] = s.mine()
		logs, squares = logs+math.Log(hard[i]), squares+math.Log(hard[i])*math.Log(hard[i])
	}
	n := float64(blocks)
	spread := math.Sqrt(squares/n - logs/n*logs/n)
	theory := math.Sqrt(math.Ln2 / coin.HalfLifeSpacings / 2) // of the diffusion that the rule is for small steps
	sorted := slices.Sorted(slices.Values(hard))
	t.Logf("difficulty swings by %.1f %% (theory %.1f %%); 1 in 100 blocks is below %.2f, 1 in 100 above %.2f", 100*spread, 100*theory,
		sorted[blocks/100], sorted[blocks-blocks/100])
	if math.Abs(spread/theory-1) > 0.25 {
		t.Errorf("difficulty swings by %.3f, want about %.3f", spread, theory)
	}
	plot(t, "steady", chart{
		Title: "Steady hash rate: how difficulty swings", X: "block", Y: "difficulty over what holds the spacing", Top: 1.5, Bottom: 0.6,
		Ticks: []float64{0.6, 0.8, 1, 1.2, 1.4}, Right: 1000, Level: []float64{1}, Lines: []line{{fmt.Sprintf("one chain, %.1f h", 1000./120), 0, fromOne(hard[:1000])}},
	})
}
