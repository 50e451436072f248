package miner

import (
	"time"

	"cheese/coin"
	"cheese/consensus"
	"cheese/mempool"
)

// TemplateOptions say how to fill a block.
type TemplateOptions struct {
	PayTo      []byte // output script that gets subsidy and fees
	Name       string // the miner's name, put in the coinbase as "/cheese:Name/"
	Now        time.Time
	ExtraNonce uint64 // makes the header of each template its own
	MaxWeight  int    // 0: the consensus limit
}

// Template returns a block on tip that lacks only its nonce, and the fees in it. A nil pool, or one at another tip, gives
// a block with nothing but its coinbase.
func Template(tip consensus.State, pool *mempool.View, o TemplateOptions) (*coin.Block, coin.Amount, error) {
	return nil, 0, nil
}

// MinerName returns the name that a coinbase claims, cleaned of anything unprintable; "" if none. Nobody checks the claim.
func MinerName(coinbase *coin.Tx) string { return "" }
