package chain_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
	"cheese/consensus"
)

// tree is a chain that grows at random, with branches that spend the same coins.
type tree struct {
	*chaintest.Harness
	rt     *rapid.T
	states []consensus.State       // after each block
	purses [][]chaintest.Out       // what can be spent after each block
	young  map[chaintest.Out]int32 // heights from which coinbases can be
}

// grow adds a block with payments on one of the last blocks.
func (g *tree) grow() {
	parent := rapid.IntRange(max(0, len(g.states)-8), len(g.states)-1).Draw(g.rt, "parent")
	state, purse := g.states[parent], slices.Clone(g.purses[parent])
	plan := chaintest.Plan{}
	for range rapid.IntRange(0, 3).Draw(g.rt, "payments") {
		if len(purse) == 0 {
			break
		}
		i := rapid.IntRange(0, len(purse)-1).Draw(g.rt, "coin")
		if g.young[purse[i]] > state.Height()+1 {
			continue
		}
		tx := chaintest.Spend(purse[i], 10, 2)
		plan.Txs = append(plan.Txs, tx)
		purse = append(slices.Delete(purse, i, i+1), chaintest.Output(tx, 0), chaintest.Output(tx, 1))
	}
	b := g.Build(state, plan)
	var rule *consensus.RuleError
	if err := g.Chain.Submit(b); errors.As(err, &rule) && rule.Reason == "bad-prevblk" {
		return // the operator said so
	} else if err != nil {
		g.rt.Fatal(err)
	}
	coinbase := chaintest.Coinbase(b)
	g.young[coinbase] = state.Height() + 1 + g.Params.Maturity
	g.states = append(g.states, state.Extend(b.Header))
	g.purses = append(g.purses, append(purse, coinbase))
}

// operate changes the chain's mind about one of the last blocks.
func (g *tree) operate() {
	h := g.states[rapid.IntRange(max(0, len(g.states)-8), len(g.states)-1).Draw(g.rt, "block")].Hash()
	op := rapid.SampledFrom([]func(coin.Hash) error{g.Chain.Invalidate, g.Chain.Reconsider, g.Chain.Precious}).Draw(g.rt, "operation")
	if err := op(h); err != nil && !errors.Is(err, chain.ErrGenesis) {
		g.rt.Fatal(err)
	}
	g.checkTip()
}

// checkTip checks that no block known to be good has more work than the tip.
func (g *tree) checkTip() {
	v := g.Chain.View()
	for _, s := range g.states {
		e, ok := v.ByHash(s.Hash())
		if ok && e.Status != chain.Invalid && s.Work().Cmp(v.Tip().Work()) > 0 {
			g.rt.Fatalf("block %v is %v and has more work than the tip %v", e.Position, e.Status, v.Position())
		}
	}
	if e, _ := v.ByHash(v.Tip().Hash()); e.Status != chain.Active {
		g.rt.Fatalf("the tip is %v", e.Status)
	}
	if v.BestHeader().Hash() != v.Tip().Hash() && v.BestHeader().Work().Cmp(v.Tip().Work()) != 0 {
		g.rt.Fatalf("best header is %v, and the tip %v", chain.PositionOf(v.BestHeader()), v.Position())
	}
}

// Whatever branches come and go, and whatever an operator thinks of them, the coins are those of a chain that saw the best branch alone; a view taken on the
// way stays as it was; and a reader with a cursor knows the best branch.
func TestConnectThenDisconnectRestoresCoins(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := chaintest.Open(rt, chaintest.Params(), vfs.NewMem(), chain.Options{FlushEvery: never, CacheBytes: int64(rapid.SampledFrom([]int{1, 4000, 1 << 20}).Draw(rt, "cache"))})
		g := &tree{Harness: h, rt: rt, states: []consensus.State{h.Tip()}, purses: make([][]chaintest.Out, 1), young: map[chaintest.Out]int32{}}
		var reader follow
		pinned, coins := h.Chain.View(), dump(rt, h.Chain.View())
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				if err := h.Chain.Flush(); err != nil {
					rt.Fatal(err)
				}
			case 1:
				pinned, coins = h.Chain.View(), dump(rt, h.Chain.View())
			case 2:
				reader.catchUp(rt, h.Chain.View(), rapid.IntRange(1, 5).Draw(rt, "max"))
			case 3:
				g.operate()
			default:
				g.grow()
			}
		}
		if now := dump(rt, pinned); now != coins {
			rt.Errorf("a pinned view had %s and has %s", coins, now)
		}
		v := h.Chain.View()
		if got, want := dump(rt, v), replay(rt, v); got != want {
			rt.Errorf("coins are %s, want %s", got, want)
		}
		reader.catchUp(rt, v, 3)
		checkReader(rt, &reader, v)
	})
}

func checkReader(rt *rapid.T, f *follow, v *chain.View) {
	if len(f.blocks) != int(v.Tip().Height())+1 {
		rt.Fatalf("reader knows %d blocks of %d", len(f.blocks), v.Tip().Height()+1)
	}
	for height, h := range f.blocks {
		if e, ok := v.ByHeight(int32(height)); !ok || e.Hash != h {
			rt.Fatalf("reader has %v at height %d, and the chain %v", h, height, e.Hash)
		}
	}
}

// The index answers as a plain walk along parents does.
func TestIndexAgainstWalk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := chaintest.New(rt)
		states := []consensus.State{h.Tip()}
		parents := map[coin.Hash]int{}
		for range rapid.IntRange(1, 60).Draw(rt, "headers") {
			parent := rapid.IntRange(max(0, len(states)-5), len(states)-1).Draw(rt, "parent")
			b := h.Build(states[parent], chaintest.Plan{})
			if err := h.Chain.AddHeaders(headersOf(b)); err != nil {
				rt.Fatal(err)
			}
			parents[b.Hash()] = parent
			states = append(states, states[parent].Extend(b.Header))
		}
		v := h.Chain.View()
		a := rapid.SampledFrom(states).Draw(rt, "a")
		b := rapid.SampledFrom(states).Draw(rt, "b")
		above := map[coin.Hash]bool{}
		for s := a; ; s = states[parents[s.Hash()]] {
			above[s.Hash()] = true
			if e, ok := v.Ancestor(a.Hash(), s.Height()); !ok || e.Hash != s.Hash() {
				rt.Fatalf("ancestor of %v at %d is %v", a.Hash(), s.Height(), e.Hash)
			}
			if s.Height() == 0 {
				break
			}
		}
		common := b
		for !above[common.Hash()] {
			common = states[parents[common.Hash()]]
		}
		if e, ok := v.Fork(a.Hash(), b.Hash()); !ok || e.Hash != common.Hash() {
			rt.Fatalf("fork of %v and %v is %v", a.Hash(), b.Hash(), e.Hash)
		}
	})
}
