package miner

import (
	"context"
	"math"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"cheese/chain/chaintest"
	"cheese/coin"
	"cheese/consensus"
)

// TestLimit: the real search keeps to its limit on one thread and on two, also when that changes meanwhile.
func TestLimit(t *testing.T) {
	for _, threads := range []int{1, 2} {
		const limit, span = 20_000, 500 * time.Millisecond
		h := NewSearch(100)
		h.Tune(threads, limit)
		ctx, stop := context.WithTimeout(t.Context(), span)
		started := time.Now()
		if _, ok := h.Search(ctx, coin.Header{}, big.NewInt(1)); ok {
			t.Error("found the impossible")
		}
		stop()
		rate := float64(h.Hashes()) / time.Since(started).Seconds()
		if rate < limit*0.6 || rate > limit*1.2 { // a busy machine may make it slower, nothing may make it faster
			t.Errorf("%d threads: %.0f hashes per second, want %d", threads, rate, limit)
		}
	}
}

// TestLimitExactly judges the limiter in virtual time, where nothing else takes time.
func TestLimitExactly(t *testing.T) {
	for _, limit := range []float64{1, 16_000, 100_000} {
		synctest.Test(t, func(t *testing.T) {
			h := NewSearch(limit)
			h.Tune(3, limit)
			ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
			defer stop()
			h.Search(ctx, coin.Header{}, big.NewInt(1))
			if got := float64(h.Hashes()) / 5; math.Abs(got-limit) > max(limit*0.05, 1) {
				t.Errorf("%v hashes per second, want %v", got, limit)
			}
		})
	}
}

// TestLimitAcrossRestarts: a search that starts anew each second reaches a limit that needs two, and forgets an old one.
func TestLimitAcrossRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewSearch(0.001)
		seconds := func(n int) uint64 {
			before := h.Hashes()
			for range n {
				ctx, stop := context.WithTimeout(t.Context(), time.Second)
				h.Search(ctx, coin.Header{}, big.NewInt(1))
				stop()
			}
			return h.Hashes() - before
		}
		if got := seconds(10); got > 2 {
			t.Errorf("%d hashes in ten seconds at one in a thousand", got)
		}
		h.Tune(2, 0.5)
		if got := seconds(60); got < 28 || got > 33 {
			t.Errorf("%d hashes in a minute at one in two seconds", got)
		}
	})
}

// TestSearchSolves finds a nonce on several threads, and gives up where there is none left.
func TestSearchSolves(t *testing.T) {
	target := new(big.Int).Lsh(big.NewInt(1), 256-12)
	h := NewSearch(0)
	h.Tune(3, 0)
	solved, ok := h.Search(t.Context(), coin.Header{Version: 7}, target)
	if !ok || !coin.MeetsTarget(solved.Hash(), target) || solved.Version != 7 {
		t.Errorf("solved %+v: %v", solved, ok)
	}
	if h.Hashes() == 0 {
		t.Error("no hashes were counted")
	}
	if _, tried, ok := grind(coin.Header{}, big.NewInt(1), nonces-3, nonces); ok || tried != 3 {
		t.Errorf("at the end of the nonces: tried %d, %v", tried, ok)
	}
}

// TestPoisson: waits have the mean they should, and the limit slows them.
func TestPoisson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := poisson(3, 10)
		target := coin.Target(0x207fffff) // two hashes
		mean := func() float64 {
			const blocks = 400
			started := time.Now()
			for range blocks {
				if solved, ok := p.Search(t.Context(), coin.Header{}, target); !ok || !coin.MeetsTarget(solved.Hash(), target) {
					t.Fatal("no nonce")
				}
			}
			return time.Since(started).Seconds() / blocks
		}
		if got := mean(); got < 0.17 || got > 0.23 {
			t.Errorf("%.3f s a block at 10 hashes per second, want 0.2", got)
		}
		p.Tune(1, 5)
		if got := mean(); got < 0.34 || got > 0.46 {
			t.Errorf("%.3f s a block at 5 hashes per second, want 0.4", got)
		}
	})
}

// TestTemplate: pure, on any state.
func TestTemplate(t *testing.T) {
	tip := consensus.Genesis(chaintest.Params())
	o := TemplateOptions{PayTo: chaintest.Anyone(), Name: "Peer/1\n", Now: time.Unix(0, 0), ExtraNonce: 5}
	b, fees, err := Template(tip, nil, o)
	if err != nil || fees != 0 {
		t.Fatalf("fees %v, %v", fees, err)
	}
	if b.Time != tip.EarliestTime() || b.Prev != tip.Hash() || b.Bits != tip.NextBits() {
		t.Errorf("header %+v", b.Header)
	}
	b.Header, _, _ = grind(b.Header, coin.Target(b.Bits), 0, nonces)
	if _, err := tip.CheckHeader(b.Header, time.Unix(int64(b.Time), 0)); err != nil {
		t.Error(err)
	}
	if err := tip.CheckBlock(b); err != nil {
		t.Error(err)
	}
	if _, _, err := tip.Connect(b, consensus.CoinMap{}, nil); err != nil {
		t.Error(err)
	}
	if name := MinerName(b.Txs[0]); name != "Peer1" {
		t.Errorf("by %q", name)
	}
	o.ExtraNonce++
	if other, _, _ := Template(tip, nil, o); other.Merkle == b.Merkle {
		t.Error("the extra nonce changes nothing")
	}
	o.PayTo = nil
	if _, _, err := Template(tip, nil, o); err == nil {
		t.Error("a template that pays nobody")
	}
}

func TestMinerName(t *testing.T) {
	tx := func(script string) *coin.Tx { return &coin.Tx{In: []coin.TxIn{{Script: []byte(script)}}} }
	for script, want := range map[string]string{
		"":                                   "",
		"\x03abc/cheese:Peer1/":              "Peer1",
		"/cheese:Élodie 🧀/ and more":         "Élodie 🧀",
		"/cheese:Peer1":                      "",
		"/cheese://":                         "",
		"/P2Pool/":                           "",
		"/cheese:\x1b[31mred\u202e\xff\x00/": "[31mred",
		"/cheese:" + strings.Repeat("é", 60) + "/": strings.Repeat("é", 24),
	} {
		if got := MinerName(tx(script)); got != want {
			t.Errorf("%q: %q, want %q", script, got, want)
		}
	}
	if MinerName(nil) != "" || MinerName(&coin.Tx{}) != "" {
		t.Error("no coinbase has a name")
	}
}

// FuzzMinerName: whatever a coinbase holds, the name is short and printable; a clean name survives being mined.
func FuzzMinerName(f *testing.F) {
	f.Add([]byte("/cheese:Peer1/"), "Peer1")
	f.Add([]byte("/cheese:\xff\x00\u202e/"), "a/b\x07")
	f.Add([]byte("/cheese:/cheese:/"), strings.Repeat("🧀", 40))
	f.Fuzz(func(t *testing.T, script []byte, name string) {
		got := MinerName(&coin.Tx{In: []coin.TxIn{{Script: script}}})
		if len(got) > maxName || !utf8.ValidString(got) || strings.ContainsAny(got, "/\n\x00\x1b") {
			t.Errorf("name %q", got)
		}
		tx := coinbase(1<<30, TemplateOptions{PayTo: []byte{1}, Name: name, ExtraNonce: math.MaxUint64}, 1)
		if got := MinerName(tx); got != cleanName(name) {
			t.Errorf("%q came back as %q", name, got)
		}
		if n := len(tx.In[0].Script); n > 100 {
			t.Errorf("a coinbase script of %d bytes", n)
		}
	})
}

func TestMeter(t *testing.T) {
	var m meter
	at := time.Unix(0, 0)
	if m.rate(at, 5) != 0 {
		t.Error("a rate without samples")
	}
	for i := range 60 { // 100 a second, and from the 30th on 200
		m.add(at.Add(time.Duration(i)*time.Second), uint64(100*min(i, 30)+200*max(i-30, 0)))
	}
	if got := m.rate(at.Add(60*time.Second), 30*100+30*200); got != 200 {
		t.Errorf("%v a second, want 200", got)
	}
	if len(m.samples) > 12 {
		t.Errorf("%d samples", len(m.samples))
	}
}
