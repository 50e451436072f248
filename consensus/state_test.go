package consensus

import (
	"slices"
	"testing"
	"time"

	"cheese/coin"

	"pgregory.net/rapid"
)

func TestGenesisOfBothNetworks(t *testing.T) {
	for _, c := range []struct {
		p        *coin.Params
		hash     string
		work     int64
		earliest uint32
	}{
		{coin.Regtest(), "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206", 2, 1296688603},
		{coin.Cheese(), coin.Cheese().Genesis.Hash().String(), 1<<24 + 1<<8, 1790000001},
	} {
		g := Genesis(c.p)
		if g.Hash().String() != c.hash || g.Height() != 0 || g.Work().Int64() != c.work {
			t.Errorf("%s: hash %v, height %d, work %v", c.p.Name, g.Hash(), g.Height(), g.Work())
		}
		if g.EarliestTime() != c.earliest || g.NextBits() != c.p.Genesis.Bits {
			t.Errorf("%s: earliest time %d, next bits %08x", c.p.Name, g.EarliestTime(), g.NextBits())
		}
		if err := CheckWork(c.p, g.Header(), g.Hash()); err != nil {
			t.Errorf("%s: %v", c.p.Name, err)
		}
	}
}

// The one fixture that the real default network allows without minutes of hashing: its rules on an easy target.
func easyCheese() *coin.Params {
	p := *coin.Cheese()
	p.PowLimit = coin.Target(0x207fffff)
	genesis := *p.Genesis
	genesis.Bits = 0x207fffff
	p.Genesis = &genesis
	return &p
}

func TestStrictTimestamps(t *testing.T) {
	h := newHarness(t, easyCheese())
	h.grow(20)
	parent := h.tip().Header().Time
	at := func(time uint32) *coin.Block {
		b := h.block(0)
		b.Time = time
		work(&b.Header)
		return b
	}
	h.reject(at(parent), "time-too-old", Invalid)
	h.reject(at(parent-1), "time-too-old", Invalid)
	h.now = time.Unix(int64(parent)+30, 0)
	h.reject(at(parent+331), "time-too-new", TooNew)
	if _, _, _, err := h.judge(at(parent + 330)); err != nil {
		t.Errorf("300 s ahead of the clock: %v", err)
	}
	h.accept(at(parent + 1))
}

func TestMaturityIsTheNetworks(t *testing.T) {
	h := newHarness(t, easyCheese())
	first := h.block(0)
	h.accept(first)
	spend := pay(1, output(first.Txs[0], 0))
	h.grow(8)
	b := h.block(0, spend)
	work(&b.Header)
	h.reject(b, "bad-txns-premature-spend-of-coinbase", Invalid)
	h.grow(1)
	h.accept(h.block(0, spend))
}

func TestMedianTimeIsOverElevenBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Uint32(), 0, 40).Draw(t, "times")
		s := Genesis(coin.Regtest())
		all := []uint32{s.Header().Time}
		for _, at := range times {
			s = s.Extend(coin.Header{Time: at})
			all = append(all, at)
		}
		last := slices.Clone(all[max(0, len(all)-11):])
		slices.Sort(last)
		if got, want := s.MedianTime(), last[len(last)/2]; got != want {
			t.Fatalf("median of %v: %d, want %d", last, got, want)
		}
	})
}

func TestSiblingsShareNoState(t *testing.T) {
	s := Genesis(coin.Regtest())
	a, b := s.Extend(coin.Header{Time: 2e9}), s.Extend(coin.Header{Time: 3e9, Bits: 0x207fffff})
	if a.MedianTime() == b.MedianTime() || a.Work().Cmp(b.Work()) == 0 || s.Height() != 0 || s.Work().Int64() != 2 {
		t.Errorf("children of one state change it or each other: %v, %v, %v", s, a, b)
	}
}

func TestSubsidyHalves(t *testing.T) {
	for _, c := range []struct {
		p      *coin.Params
		height int32
		want   coin.Amount
	}{
		{coin.Regtest(), 0, 50 * coin.Coin}, {coin.Regtest(), 149, 50 * coin.Coin}, {coin.Regtest(), 150, 25 * coin.Coin},
		{coin.Regtest(), 150 * 32, 1}, {coin.Regtest(), 150 * 33, 0}, {coin.Regtest(), 150 * 64, 0}, {coin.Regtest(), 1<<31 - 1, 0},
		{coin.Cheese(), 1_049_999, 10 * coin.Coin}, {coin.Cheese(), 1_050_000, 5 * coin.Coin},
	} {
		if got := Subsidy(c.p, c.height); got != c.want {
			t.Errorf("%s, height %d: %v, want %v", c.p.Name, c.height, got, c.want)
		}
	}
}

func TestSupplyOfTheDefaultNetwork(t *testing.T) {
	p, total := coin.Cheese(), coin.Amount(0)
	for era := int32(0); ; era++ {
		s := Subsidy(p, era*p.HalvingInterval)
		if s == 0 {
			break
		}
		total += s * coin.Amount(p.HalvingInterval)
	}
	if total > coin.MaxMoney || total < coin.MaxMoney-coin.Coin {
		t.Errorf("%v coins in all, want just under 21,000,000", total)
	}
}
