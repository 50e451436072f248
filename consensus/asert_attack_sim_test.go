package consensus

import (
	"fmt"
	"math"
	"testing"
)

// rogue is a miner who does as it pleases within the rules.
type rogue struct {
	share float64                 // of all hash rate, while it mines
	dates func(f *fight) uint32   // its blocks' timestamps; the rules bound them. nil: the clock's
	mines func(hard float64) bool // whether to look for a block this hard, 1 being what all hash rate would settle at. nil: always
}

// fight is a rogue against honest miners.
type fight struct {
	*sim // its rate is everybody's, the rogue's included
	rogue
	t tally
}

// tally counts what a fight came to. A side's due is the number of blocks that its hashes find on average, each hash
// weighed by the target it was made for: the number found without the luck.
type tally struct {
	blocks, found        int // all blocks, the rogue's
	hashes, honestHashes float64
	due, honestDue       float64
	in, time             float64 // seconds that the rogue mined; in all
	logs, squares        float64 // of the logarithm of hardness, for its spread
	lead                 float64 // seconds that blocks' timestamps are ahead of the clock, summed
}

// hardness returns how many spacings so many hashes take everybody.
func (f *fight) hardness(hashes float64) float64 {
	return hashes / f.rate / f.params.Spacing.Seconds()
}

// step adds a block, the rogue's or another's.
func (f *fight) step() {
	hashes := f.hashes()
	hard := f.hardness(hashes)
	start, ready := f.now, max(f.now, float64(f.EarliestTime())-f.params.MaxAhead.Seconds())
	at := ready + f.rng.ExpFloat64()*hashes/(f.rate*(1-f.share))
	in, rogues := f.mines == nil || f.mines(hard), false
	if in {
		// It need not wait while the chain is too far ahead of the clock: it keeps what it finds until it is not.
		if own := start + f.rng.ExpFloat64()*hashes/(f.rate*f.share); own < at {
			at, rogues = own, true
		}
	}
	f.now = at
	if rogues && f.dates != nil {
		f.add(max(f.EarliestTime(), min(f.dates(f), f.limit())))
	} else {
		f.add(f.honest())
	}

	f.t.blocks++
	if rogues {
		f.t.found++
	}
	if in {
		n := (at - start) * f.rate * f.share
		f.t.hashes, f.t.due, f.t.in = f.t.hashes+n, f.t.due+n/hashes, f.t.in+at-start
	}
	n := max(0, at-ready) * f.rate * (1 - f.share)
	f.t.honestHashes, f.t.honestDue = f.t.honestHashes+n, f.t.honestDue+n/hashes
	f.t.time, f.t.lead = f.t.time+f.now-start, f.t.lead+float64(f.Header().Time)-f.now
	f.t.logs, f.t.squares = f.t.logs+math.Log(hard), f.t.squares+math.Log(hard)*math.Log(hard)
}

// run lets the rogue loose on a chain for some blocks, after as many as it needs to settle.
func (r rogue) run(seed uint64, blocks int) tally {
	f := &fight{sim: newSim(perSpacing, seed), rogue: r}
	for range 300 { // the first target is right for all of them
		f.step()
	}
	f.t = tally{}
	for range blocks {
		f.step()
	}
	return f.t
}

// spacing returns the mean time between blocks in seconds.
func (t tally) spacing() float64 { return t.time / float64(t.blocks) }

// gain returns what a hash of the rogue finds over what everybody's hashes find, less one: its share of blocks over
// its share of hashes.
func (t tally) gain() float64 {
	return t.due/(t.due+t.honestDue)/(t.hashes/(t.hashes+t.honestHashes)) - 1
}

// loss returns the same of the honest miners.
func (t tally) loss() float64 {
	return t.honestDue/(t.due+t.honestDue)/(t.honestHashes/(t.hashes+t.honestHashes)) - 1
}

// spread returns the standard deviation of the logarithm of the difficulty.
func (t tally) spread() float64 {
	n := float64(t.blocks)
	return math.Sqrt(t.squares/n - t.logs/n*t.logs/n)
}

// shares splits the rogue's part of hashes and of blocks.
func (t tally) shares() (hashes, blocks float64) {
	return t.hashes / (t.hashes + t.honestHashes), t.due / (t.due + t.honestDue)
}

// perHash returns how many blocks a hash of the rogue finds.
func (t tally) perHash() float64 { return t.due / t.hashes }

// perSecond returns how many blocks the rogue finds a second.
func (t tally) perSecond() float64 { return t.due / t.time }

// luck returns by how many standard deviations the blocks that the rogue found differ from those it was due.
func (t tally) luck() float64 {
	_, p := t.shares()
	n := float64(t.blocks)
	return (float64(t.found) - p*n) / math.Sqrt(p*(1-p)*n)
}

// Ways to date one's blocks. The rules' bounds are applied after.
var dating = []struct {
	name  string
	dates func(f *fight) uint32
}{
	{"by the clock", nil},
	{"as far ahead as allowed", ahead},
	{"as early as allowed", func(*fight) uint32 { return 0 }},
	{"ahead and early in turns", func(f *fight) uint32 { return uint32(f.t.found%2) * math.MaxUint32 }},
	{"ahead where the next is hard, else early", func(f *fight) uint32 {
		if f.hardness(f.hashes()) > 1 {
			return math.MaxUint32
		}
		return 0
	}},
}

func ahead(*fight) uint32 { return math.MaxUint32 }

var rogueShares = []float64{0.10, 0.30, 0.45}

func TestSimulationLyingAboutTimeGainsNothing(t *testing.T) {
	seed, blocks := seeded(t, 6), size(2_000, 300_000)
	for _, share := range rogueShares {
		for _, d := range dating {
			got := rogue{share: share, dates: d.dates}.run(seed, blocks)
			hashes, due := got.shares()
			t.Logf("| %.0f %% | %s | %.3f s | %.2f %% | %.2f %% | %+.2f %% | %.1f %% | %.1f |", 100*share, d.name, got.spacing(), 100*hashes, 100*due,
				100*got.gain(), 100*got.spread(), got.lead/float64(blocks)/30)
			if math.Abs(got.gain()) > 0.001 {
				t.Errorf("%.0f %% dated %s: a hash gains %+.3f %%, want none", 100*share, d.name, 100*got.gain())
			}
			if due/share > 1.01 {
				t.Errorf("%.0f %% dated %s: %.2f %% of the blocks", 100*share, d.name, 100*due)
			}
			if math.Abs(got.spacing()/30-1) > 0.015 {
				t.Errorf("%.0f %% dated %s: blocks every %.3f s, want 30 s within 1.5 %%", 100*share, d.name, got.spacing())
			}
			if math.Abs(got.luck()) > 4 {
				t.Errorf("%.0f %% dated %s: found %d of %d blocks, but was due %.2f %%", 100*share, d.name, got.found, blocks, 100*due)
			}
		}
	}
}

// below mines what is easier than a threshold.
func below(threshold float64) func(float64) bool {
	return func(hard float64) bool { return hard < threshold }
}

// between comes in below one threshold and stays until another.
func between(in, out float64) func(float64) bool {
	mining := false
	return func(hard float64) bool {
		mining = hard < in || mining && hard <= out
		return mining
	}
}

func TestSimulationHoppingGainsLittle(t *testing.T) {
	seed, blocks := seeded(t, 7), size(2_000, 300_000)
	slack := float64(size(120, 100)) / 100 // few blocks tell less
	for _, share := range rogueShares {
		stayed := rogue{share: share}.run(seed, blocks)
		for _, c := range []struct {
			name  string
			mines func(float64) bool
			dates func(*fight) uint32
			most  float64 // gain a hash, for 10 %; it falls with the share
		}{
			{"below 0.8", below(0.8), nil, 0.20},
			{"below 0.9", below(0.9), nil, 0.12},
			{"below 1", below(1), nil, 0.06},
			{"below 1.1", below(1.1), nil, 0.035},
			{"from below 0.8 to 1.1", between(0.8, 1.1), nil, 0.06},
			{"below 0.8, dated ahead", below(0.8), ahead, 0.29},
			{"below 0.9, dated ahead", below(0.9), ahead, 0.19},
			{"below 1, dated ahead", below(1), ahead, 0.11},
			{"below 1.1, dated ahead", below(1.1), ahead, 0.07},
			{"below 1, dated early", below(1), dating[2].dates, 0.06},
			{"below 1, dated in turns", below(1), dating[3].dates, 0.11},
		} {
			got := rogue{share: share, mines: c.mines, dates: c.dates}.run(seed, blocks)
			hashes, due := got.shares()
			t.Logf("| %.0f %% | %s | %.0f %% | %.2f %% | %.2f %% | %+.1f %% | %+.1f %% | %+.0f %% | %+.1f %% |", 100*share, c.name, 100*got.in/got.time,
				100*hashes, 100*due, 100*got.gain(), 100*(got.perHash()/stayed.perHash()-1), 100*(got.perSecond()/stayed.perSecond()-1), 100*got.loss())
			if got.gain() > c.most*slack {
				t.Errorf("%.0f %% mining %s: a hash gains %+.2f %%, want %.0f %% at most", 100*share, c.name, 100*got.gain(), 100*c.most)
			}
			if got.perSecond() > stayed.perSecond() {
				t.Errorf("%.0f %% mining %s: more blocks than by staying", 100*share, c.name)
			}
			if got.loss() < -0.04 {
				t.Errorf("%.0f %% mining %s: an honest hash loses %.2f %%, want 4 %% at most", 100*share, c.name, -100*got.loss())
			}
			if math.Abs(got.spacing()/30-1) > 0.015 {
				t.Errorf("%.0f %% mining %s: blocks every %.3f s, want 30 s within 1.5 %%", 100*share, c.name, got.spacing())
			}
		}
	}
}

// What a hopper gains a hash against how much of the time it mines, for the page's plot.
func TestSimulationHoppingByDuty(t *testing.T) {
	if !long() {
		t.Skip("only draws: set CHEESE_LONG=1")
	}
	seed := seeded(t, 8)
	c := chart{Title: "Hopping: what a hash gains", X: "% of the time that the hopper mines", Y: "blocks per hash over everybody's, %", Right: 100, Top: 30,
		Ticks: []float64{0, 5, 10, 15, 20, 25, 30}}
	for i, share := range rogueShares {
		for k, dates := range []func(*fight) uint32{nil, ahead} {
			l := line{Name: fmt.Sprintf("%.0f %%%s", 100*share, []string{"", ", dated ahead"}[k]), Colour: 2*i + k}
			for threshold := 0.6; threshold < 1.35; threshold += 0.05 {
				got := rogue{share: share, mines: below(threshold), dates: dates}.run(seed, 60_000)
				if got.found > 2_000 { // else there is too little to tell
					l.Points = append(l.Points, [2]float64{100 * got.in / got.time, 100 * got.gain()})
				}
			}
			c.Lines = append(c.Lines, l)
		}
	}
	plot(t, "hopping", c)
}
