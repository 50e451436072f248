package chain_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
	"cheese/consensus"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// dump returns a hash over all coins of a view, and how many there are.
func dump(t chaintest.TB, v *chain.View) string {
	t.Helper()
	var b []byte
	var all []coin.OutPoint
	err := v.Coins(func(o coin.OutPoint, c consensus.Coin) error {
		all = append(all, o)
		b = binary.LittleEndian.AppendUint32(append(b, o.Hash[:]...), o.Index)
		b = binary.LittleEndian.AppendUint32(b, uint32(c.Height))
		b = fmt.Append(b, c.Coinbase)
		b = c.Out.Append(b)
		return nil
	})
	if err != nil {
		t.Fatalf("list coins: %v", err)
	}
	for _, o := range all {
		if _, ok, err := v.Coin(o); err != nil || !ok {
			t.Fatalf("coin %v is listed and not found: %v", o, err)
		}
	}
	return fmt.Sprintf("%d coins, %v", len(all), coin.DoubleSHA(b))
}

// replay builds a chain of its own from nothing but a view's best branch, and returns its coins.
func replay(t chaintest.TB, v *chain.View) string {
	t.Helper()
	h := chaintest.New(t)
	for height := int32(1); height <= v.Tip().Height(); height++ {
		e, _ := v.ByHeight(height)
		b, err := v.Block(e.Hash)
		if err != nil {
			t.Fatal(err)
		}
		h.Accept(b)
	}
	h.Close()
	return dumpOf(t, h)
}

// dumpOf lists the coins of a closed chain by opening it again.
func dumpOf(t chaintest.TB, h *chaintest.Harness) string {
	h.Reopen()
	defer h.Close()
	return dump(t, h.Chain.View())
}

// headersOf returns the headers of blocks.
func headersOf(blocks ...*coin.Block) (headers []coin.Header) {
	for _, b := range blocks {
		headers = append(headers, b.Header)
	}
	return headers
}

// follow is a reader: it keeps what Updates tell it, and checks that each step fits.
type follow struct {
	at     chain.Position
	blocks []coin.Hash
	steps  string // "+1 +2 -2": heights that joined and left
}

func (f *follow) catchUp(t chaintest.TB, v *chain.View, max int) {
	t.Helper()
	for {
		steps, err := v.Updates(f.at, max)
		if err != nil {
			t.Fatalf("updates from %v: %v", f.at, err)
		}
		for i := range steps {
			f.take(t, &steps[i])
		}
		if len(steps) == 0 {
			return
		}
	}
}

func (f *follow) take(t chaintest.TB, u *chain.Update) {
	t.Helper()
	spends := 0
	for _, tx := range u.Block.Txs[1:] {
		spends += len(tx.In)
	}
	if len(u.Spent) != spends {
		t.Fatalf("%v: %d spent coins for %d inputs", u.Position, len(u.Spent), spends)
	}
	if u.Revert {
		if last := len(f.blocks) - 1; f.blocks[last] != u.Hash {
			t.Fatalf("%v is reverted and %v is last", u.Position, f.blocks[last])
		}
		f.blocks = f.blocks[:len(f.blocks)-1]
		f.steps += fmt.Sprintf(" -%d", u.Height)
	} else {
		if last := len(f.blocks) - 1; last >= 0 && f.blocks[last] != u.Prev {
			t.Fatalf("%v does not follow %v", u.Position, f.blocks[last])
		}
		f.blocks = append(f.blocks, u.Hash)
		f.steps += fmt.Sprintf(" +%d", u.Height)
	}
	f.at = u.Next()
}
