package chain_test

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
)

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		c, err := chain.Open(coin.Regtest(), "data", vfs.NewMem(), chain.Options{})
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}

func BenchmarkEmptyBlocks(b *testing.B) {
	h := chaintest.Open(b, chaintest.Params(), vfs.NewMem(), chain.Options{FlushEvery: time.Hour})
	blocks := h.Fork(h.Tip(), b.N)
	b.ResetTimer()
	h.Accept(blocks...)
}
