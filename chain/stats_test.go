package chain_test

import (
	"testing"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
)

// sums are all that can be said of a view's coins, sizes on disk aside.
type sums struct {
	serialized, set coin.Hash
	stats           chain.Stats
}

func sumUp(t *testing.T, v *chain.View) sums {
	t.Helper()
	serialized, stats, err := v.SerializedHash()
	if err != nil {
		t.Fatal(err)
	}
	set, again, err := v.MuHash()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := v.Stats()
	if err != nil {
		t.Fatal(err)
	}
	stats.DiskSize, again.DiskSize, plain.DiskSize = 0, 0, 0 // the database shrinks when it likes
	if stats != again || stats != plain {
		t.Errorf("stats are %+v, %+v and %+v", stats, again, plain)
	}
	return sums{serialized, set, stats}
}

// Neither a flush nor a detour changes what the coins hash to, and a view keeps its own.
func TestSums(t *testing.T) {
	h := chaintest.New(t)
	empty := sumUp(t, h.Chain.View())
	if empty.stats != (chain.Stats{}) || empty.set != new(coin.MuHash).Sum() {
		t.Errorf("nothing sums up to %+v", empty)
	}
	blocks := h.Extend(3)
	pay := chaintest.Spend(chaintest.Coinbase(blocks[0]), 0, 2)
	h.Accept(h.Next(pay))
	v := h.Chain.View()
	before := sumUp(t, v)
	script := int64(len(chaintest.Anyone()))
	want := chain.Stats{TxOuts: 5, Transactions: 4, Amount: 4 * 50 * coin.Coin, Bogosize: 5 * (50 + script)}
	if before.stats != want {
		t.Errorf("stats are %+v, want %+v", before.stats, want)
	}
	invalidate(t, h, blocks[1]) // which flushes
	if sumUp(t, h.Chain.View()) == before || sumUp(t, v) != before {
		t.Error("the sums are not those of the view")
	}
	reconsider(t, h, blocks[1])
	h.Restart()
	if after := sumUp(t, h.Chain.View()); after != before {
		t.Errorf("sums were %+v and are %+v", before, after)
	}
}
