package miner

import (
	"math/big"
	"testing"

	"cheese/coin"
)

// BenchmarkGrind measures hashes: one per operation.
func BenchmarkGrind(b *testing.B) {
	header := coin.Header{Version: blockVersion}
	grind(header, big.NewInt(1), 0, uint64(b.N))
}
