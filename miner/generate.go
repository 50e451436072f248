package miner

import (
	"context"
	"fmt"
	"time"

	"cheese/coin"
	"cheese/mempool"
)

// Generate mines n blocks one after another that pay to payTo, trying at most maxTries nonces in all (0: no bound), and
// returns their hashes: fewer than n where the tries were used up or ctx ended. It works beside Run, with the miner's
// clock and name, whether mining is on or not; limits and threads do not apply.
func (m *Miner) Generate(ctx context.Context, payTo []byte, n int, maxTries uint64) ([]coin.Hash, error) {
	var hashes []coin.Hash
	tries := tries{left: maxTries, bounded: maxTries > 0}
	for len(hashes) < n {
		b, err := m.generate(payTo, n-len(hashes))
		if err != nil {
			return hashes, err
		}
		if b.Header, err = tries.grind(ctx, b.Header); err != nil {
			return hashes, err
		}
		if !coin.MeetsTarget(b.Hash(), coin.Target(b.Bits)) {
			if tries.bounded && tries.left == 0 {
				break
			}
			continue // with another extra nonce
		}
		if err := m.c.Chain.Submit(b); err != nil {
			return hashes, fmt.Errorf("generated block %d of %d: %w", len(hashes)+1, n, err)
		}
		hashes = append(hashes, b.Hash())
	}
	if err := m.c.Chain.Flush(); err != nil {
		return hashes, fmt.Errorf("store generated blocks: %w", err)
	}
	return hashes, nil
}

// generate makes the template of the first of the blocks still to make. Where timestamps rise strictly, they are spread
// over the past as far as the chain leaves room there, so that the last of them is of now: many blocks at once neither run
// ahead of the clock nor raise the difficulty.
func (m *Miner) generate(payTo []byte, left int) (*coin.Block, error) {
	tip := m.c.Chain.View().Tip()
	var view *mempool.View
	if m.c.Pool != nil {
		view = m.c.Pool.View()
	}
	now := m.c.Now()
	at := now
	if tip.Params().StrictTime {
		at = now.Add(-time.Duration(left-1) * tip.Params().Spacing)
	}
	b, _, err := Template(tip, view, TemplateOptions{PayTo: payTo, Name: m.c.Name, Now: at, ExtraNonce: m.extraNonce.Add(1)})
	if err == nil && tooNew(b, now, tip.Params()) {
		err = fmt.Errorf("block %d would be too far ahead of the clock (more than %v): wait, or ask for fewer blocks", tip.Height()+1, tip.Params().MaxAhead)
	}
	return b, err
}

// tries is a bounded supply of nonces.
type tries struct {
	left    uint64
	bounded bool
}

// grind returns the header with a nonce that solves it, or as it was where there is none within the bound.
func (t *tries) grind(ctx context.Context, header coin.Header) (coin.Header, error) {
	target, most := coin.Target(header.Bits), uint64(nonces)
	if t.bounded {
		most = min(most, t.left)
	}
	for from := uint64(0); from < most; from += fullBatch {
		if err := ctx.Err(); err != nil {
			return header, err
		}
		found, tried, ok := grind(header, target, from, min(from+fullBatch, most))
		t.left -= min(t.left, tried)
		if ok {
			return found, nil
		}
	}
	return header, nil
}
