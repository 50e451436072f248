package mempool

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cheese/coin"
	"cheese/consensus"
)

// randomGraph draws a graph by adding transactions that spend confirmed outputs and each other's, removing some with
// their descendants, confirming some that depend on nothing, and taking confirmed ones back.
func randomGraph(t *rapid.T) *graph {
	g := new(graph)
	m := model{confirmed: map[coin.Hash]bool{}, spent: map[coin.OutPoint]bool{}}
	for n := range rapid.IntRange(1, 40).Draw(t, "steps") {
		op := rapid.IntRange(0, 9).Draw(t, "op")
		if len(m.all) == 0 || op > 2 {
			tx := m.draw(t, g, n)
			m.all = append(m.all, tx)
			g.insert(randomEntry(t, tx, n))
			continue
		}
		tx := m.all[rapid.IntRange(0, len(m.all)-1).Draw(t, "which")]
		e, waits := g.entries.get(tx.ID())
		switch {
		case op == 0 && waits:
			for _, e := range g.family([]*Entry{e}) {
				g.remove(e)
			}
		case op == 1 && waits && e.Ancestors.Count == 1:
			g.remove(e)
			m.confirm(tx, true)
		case op == 2 && m.confirmed[tx.ID()]: // a reorg: the parent comes back after its children
			m.confirm(tx, false)
			g.insert(randomEntry(t, tx, n))
		}
	}
	return g
}

// model is what a random graph's chain holds.
type model struct {
	all       []*coin.Tx // also those that left
	confirmed map[coin.Hash]bool
	spent     map[coin.OutPoint]bool // by those
}

func (m *model) confirm(tx *coin.Tx, yes bool) {
	m.confirmed[tx.ID()] = yes
	for _, in := range tx.In {
		m.spent[in.Prev] = yes
	}
}

// draw makes a transaction that spends up to three outputs that are there and not spent yet.
func (m *model) draw(t *rapid.T, g *graph, n int) *coin.Tx {
	from := []coin.OutPoint{{Hash: coin.Hash{0xcc}, Index: uint32(n)}}
	for range rapid.IntRange(0, 3).Draw(t, "parents") {
		if len(m.all) == 0 {
			break
		}
		parent := m.all[rapid.IntRange(0, len(m.all)-1).Draw(t, "parent")]
		o := out(parent, rapid.IntRange(0, len(parent.Out)-1).Draw(t, "output"))
		_, waits := g.entries.get(o.Hash)
		_, spent := g.spends.get(o)
		if (waits || m.confirmed[o.Hash]) && !spent && !m.spent[o] && !slices.Contains(from, o) {
			from = append(from, o)
		}
	}
	return payment(100_000, rapid.IntRange(1, 3).Draw(t, "outputs"), from...)
}

func randomEntry(t *rapid.T, tx *coin.Tx, n int) *Entry {
	return &Entry{Tx: tx, ID: tx.ID(), VSize: tx.VSize(), Weight: tx.Weight(), Seq: uint64(n), Time: time.Unix(int64(n), 0),
		ModifiedFee: coin.Amount(rapid.IntRange(-10_000, 50_000).Draw(t, "fee")), SigOpCost: rapid.IntRange(0, 80).Draw(t, "sigops")}
}

func TestGraphKeepsCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := randomGraph(t)
		checkGraph(t, g)
		worst, ok := g.worst.peek(g)
		if ok != (g.entries.len > 0) {
			t.Fatalf("worst of %d entries: %v", g.entries.len, ok)
		}
		for _, e := range g.entries.all() {
			if compareWorth(e, worst) < 0 && e.ID != worst.ID {
				t.Errorf("%+v is worse than the worst, %+v", e, worst)
			}
		}
	})
}

func TestSelectKeepsToTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &View{contents: &contents{graph: randomGraph(t).snapshot()}}
		maxWeight, maxSigOps := rapid.IntRange(0, 20_000).Draw(t, "weight"), rapid.IntRange(0, 1000).Draw(t, "sigops")
		list := v.Select(maxWeight, maxSigOps, 1, 0)
		weight, sigOps, seen := 0, 0, map[coin.Hash]bool{}
		for _, e := range list {
			if seen[e.ID] {
				t.Errorf("%v is selected twice", e.ID)
			}
			seen[e.ID] = true
			for _, a := range v.graph.ancestors(e.Tx) {
				if !seen[a.ID] {
					t.Errorf("%v comes before its ancestor %v", e.ID, a.ID)
				}
			}
			weight, sigOps = weight+e.Weight, sigOps+e.SigOpCost
		}
		if weight > maxWeight || sigOps > maxSigOps {
			t.Errorf("selected %d of weight %d and %d of %d sigops", weight, maxWeight, sigOps, maxSigOps)
		}
		again := v.Select(maxWeight, maxSigOps, 1, 0)
		if !slices.Equal(list, again) {
			t.Error("the same view selects differently the second time")
		}
	})
}

// TestSelectByPackage: a child that pays well brings its poor parent in before others that pay more than the parent.
func TestSelectByPackage(t *testing.T) {
	g := new(graph)
	add := func(fee coin.Amount, lock uint32, from ...coin.OutPoint) *Entry {
		tx := payment(1000, 2, from...)
		if lock > 0 {
			tx.LockTime, tx.In[0].Sequence = lock, 0
		}
		e := &Entry{Tx: tx, ID: tx.ID(), VSize: tx.VSize(), Weight: tx.Weight(), Fee: fee, ModifiedFee: fee, SigOpCost: 1, Seq: uint64(g.entries.len)}
		g.insert(e)
		return e
	}
	confirmed := func(n uint32) coin.OutPoint { return coin.OutPoint{Hash: coin.Hash{1}, Index: n} }
	poor := add(150, 0, confirmed(0))
	middling := add(1000, 0, confirmed(1))
	rich := add(5000, 0, out(poor.Tx, 0))
	second := add(1500, 0, out(poor.Tx, 1)) // beats middling only once poor is in
	locked := add(9000, 200, confirmed(2))
	free := add(50, 0, confirmed(3)) // pays less than blocks want
	order := func(list []*Entry) (ids []coin.Hash) {
		for _, e := range list {
			ids = append(ids, e.ID)
		}
		return ids
	}
	v := &View{contents: &contents{graph: g.snapshot(), blockFee: DefaultBlockMinFee}}
	if got, want := order(v.Select(consensus.MaxBlockWeight, 100, 200, 0)), order([]*Entry{poor, rich, second, middling}); !slices.Equal(got, want) {
		t.Errorf("selected %v, want %v", got, want)
	}
	if got, want := order(v.Select(consensus.MaxBlockWeight, 100, 201, 0)), order([]*Entry{locked, poor, rich, second, middling}); !slices.Equal(got, want) {
		t.Errorf("selected %v once the lock opened, want %v", got, want)
	}
	if got, want := order(v.Select(poor.Weight+rich.Weight-1, 100, 1, 0)), order([]*Entry{middling}); !slices.Equal(got, want) {
		t.Errorf("selected %v where the package does not fit, want %v", got, want)
	}
	if got := v.Select(consensus.MaxBlockWeight, 0, 1, 0); len(got) != 0 {
		t.Errorf("selected %v without room for signature operations", order(got))
	}
	if !v.Has(free.ID) || v.Entries()[len(v.Entries())-1].ID != free.ID {
		t.Error("the one that pays least is not last among the entries")
	}
}
