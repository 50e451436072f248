package miner

import (
	"context"
	"strings"
	"testing"
	"time"

	"cheese/chain/chaintest"
	"cheese/coin"
)

// TestGenerate mines to order, payments included, within its tries.
func TestGenerate(t *testing.T) {
	story(t, func(t *testing.T, b *bench) {
		b.fund(1)
		paid := b.pay()
		hashes, err := New(Config{Chain: b.chain, Pool: b.pool}).Generate(t.Context(), chaintest.Anyone(), 20, 0)
		if err != nil || len(hashes) != 20 || b.tip().Hash() != hashes[19] {
			t.Fatalf("%d hashes, %v", len(hashes), err)
		}
		blk, err := b.chain.View().Block(hashes[0])
		if err != nil || len(blk.Txs) != 2 || blk.Txs[1].ID() != paid.ID() {
			t.Errorf("the first block holds %+v, %v", blk, err)
		}
		if hashes, err = New(Config{Chain: b.chain}).Generate(t.Context(), chaintest.Anyone(), 1000, 50); err != nil || len(hashes) == 0 || len(hashes) > 50 {
			t.Errorf("50 tries gave %d blocks, %v", len(hashes), err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if hashes, err = New(Config{Chain: b.chain}).Generate(ctx, chaintest.Anyone(), 1, 0); err == nil {
			t.Errorf("after the end: %v", hashes)
		}
	})
}

// TestGenerateSpacing: where time is strict, blocks made at once are spread over the past; where there is no room the
// error says why.
func TestGenerateSpacing(t *testing.T) {
	p := chaintest.Params()
	p.StrictTime, p.MaxAhead, p.Spacing = true, 30*time.Second, 10*time.Second
	b := newBench(t, p)
	if _, err := New(Config{Chain: b.chain, Pool: b.pool}).Generate(t.Context(), chaintest.Anyone(), 100, 0); err != nil {
		t.Fatal(err)
	}
	first, _ := b.chain.View().ByHeight(1)
	if got := b.tip().Header().Time - first.Header.Time; got < 989 || got > 991 {
		t.Errorf("100 blocks span %d s, want 990", got)
	}
	hashes, err := New(Config{Chain: b.chain, Pool: b.pool}).Generate(t.Context(), chaintest.Anyone(), 100, 0)
	if err == nil || !strings.Contains(err.Error(), "ahead of the clock") || len(hashes) < 25 {
		t.Errorf("100 more at once: %d, %v", len(hashes), err)
	}
	if coin.MeetsTarget(b.tip().Hash(), coin.Target(b.tip().Header().Bits)) == false {
		t.Error("the tip lacks work")
	}
}
