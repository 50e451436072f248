package mempool

import (
	"cmp"
	"slices"
	"time"

	"cheese/coin"
)

// graph is the set of waiting transactions and how they depend on each other. It knows nothing of validity: whoever
// inserts has checked. Its maps are persistent, so that a snapshot is a copy of a few words.
type graph struct {
	entries trie[coin.Hash, *Entry]        // by transaction id
	witness trie[coin.Hash, coin.Hash]     // witness id to transaction id
	spends  trie[coin.OutPoint, coin.Hash] // output to the id of the transaction that spends it
	bytes   int                            // sum of virtual sizes
	usage   int64                          // sum of Entry.memory
	links   int                            // pairs of a parent and its child
	places  int                            // capacity of a vector in Core: memory
	deltas  int                            // how many amounts Prioritise set
	fees    coin.Amount
	worst   worstHeap
	arrived []arrival // oldest first, with gaps where transactions left
}

// arrival remembers when a transaction came, to expire it. It is void where the entry is gone or came anew.
type arrival struct {
	id   coin.Hash
	seq  uint64
	time time.Time
}

func (g *graph) snapshot() graph {
	return graph{entries: g.entries.snapshot(), witness: g.witness.snapshot(), spends: g.spends.snapshot(),
		bytes: g.bytes, usage: g.usage, links: g.links, places: g.places, deltas: g.deltas, fees: g.fees}
}

// ancestors returns the entries that tx, which need not be in the graph, depends on; tx itself is not among them.
func (g *graph) ancestors(tx *coin.Tx) []*Entry {
	var found []*Entry
	seen := map[coin.Hash]bool{}
	look := func(tx *coin.Tx) {
		for i := range tx.In {
			id := tx.In[i].Prev.Hash
			if seen[id] {
				continue
			}
			seen[id] = true
			if e, ok := g.entries.get(id); ok {
				found = append(found, e)
			}
		}
	}
	look(tx)
	for i := 0; i < len(found); i++ {
		look(found[i].Tx)
	}
	return found
}

// parents returns the entries that tx spends from, each once.
func (g *graph) parents(tx *coin.Tx) []*Entry {
	var found []*Entry
	for i := range tx.In {
		if e, ok := g.entries.get(tx.In[i].Prev.Hash); ok && !slices.Contains(found, e) {
			found = append(found, e)
		}
	}
	return found
}

// children returns the entries that spend from the transaction id, each once.
func (g *graph) children(id coin.Hash, tx *coin.Tx) []*Entry {
	var found []*Entry
	for i := range tx.Out {
		if spender, ok := g.spends.get(coin.OutPoint{Hash: id, Index: uint32(i)}); ok {
			if e, _ := g.entries.get(spender); !slices.Contains(found, e) {
				found = append(found, e)
			}
		}
	}
	return found
}

// descendants returns the entries that depend on the transaction id, which need not be in the graph; it is not among
// them.
func (g *graph) descendants(id coin.Hash, tx *coin.Tx) []*Entry {
	var found []*Entry
	seen := map[coin.Hash]bool{}
	look := func(id coin.Hash, tx *coin.Tx) {
		for i := range tx.Out {
			spender, ok := g.spends.get(coin.OutPoint{Hash: id, Index: uint32(i)})
			if !ok || seen[spender] {
				continue
			}
			seen[spender] = true
			e, _ := g.entries.get(spender)
			found = append(found, e)
		}
	}
	look(id, tx)
	for i := 0; i < len(found); i++ {
		look(found[i].ID, found[i].Tx)
	}
	return found
}

// family returns the given entries and all that depend on them, each once, children before parents: the order in which
// remove wants them.
func (g *graph) family(roots []*Entry) []*Entry {
	var all []*Entry
	seen := map[coin.Hash]bool{}
	for _, r := range roots {
		for _, e := range append(g.descendants(r.ID, r.Tx), r) {
			if !seen[e.ID] {
				seen[e.ID] = true
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Entry) int { return -compareTopology(a, b) })
	return all
}

// compareTopology puts parents before children: a child has all its parent's ancestors and one more.
func compareTopology(a, b *Entry) int {
	return cmp.Or(cmp.Compare(a.Ancestors.Count, b.Ancestors.Count), cmp.Compare(a.Seq, b.Seq))
}

// conflicts returns the entries that spend an output that tx spends too, each once.
func (g *graph) conflicts(tx *coin.Tx) []*Entry {
	var found []*Entry
	for i := range tx.In {
		id, ok := g.spends.get(tx.In[i].Prev)
		if !ok || slices.ContainsFunc(found, func(e *Entry) bool { return e.ID == id }) {
			continue
		}
		e, _ := g.entries.get(id)
		found = append(found, e)
	}
	return found
}

// insert adds a new entry that conflicts with none, sets its package sums and brings its relatives' up to date. Its
// children may be here already: after a reorg parents come back later.
func (g *graph) insert(e *Entry) {
	above, below := g.ancestors(e.Tx), g.descendants(e.ID, e.Tx)
	e.Ancestors, e.Descendants = sum(above, e), sum(below, e)
	g.put(e)
	g.witness.set(e.Tx.WitnessID(), e.ID)
	for i := range e.Tx.In {
		g.spends.set(e.Tx.In[i].Prev, e.ID)
	}
	g.bytes, g.usage, g.fees = g.bytes+e.VSize, g.usage+e.memory(), g.fees+e.Fee
	g.links += len(g.parents(e.Tx)) + len(g.children(e.ID, e.Tx))
	g.grow()
	g.arrive(arrival{e.ID, e.Seq, e.Time})
	for _, a := range above {
		if len(below) == 0 {
			g.change(a.ID, func(a *Entry) { a.Descendants.add(e) })
		} else {
			g.change(a.ID, func(a *Entry) { a.Descendants = sum(g.descendants(a.ID, a.Tx), a) })
		}
	}
	for _, d := range below {
		g.change(d.ID, func(d *Entry) { d.Ancestors = sum(g.ancestors(d.Tx), d) })
	}
}

// arrive keeps the list of arrivals in order of time, which only what is loaded from a file or a clock that was set back
// disturbs.
func (g *graph) arrive(a arrival) {
	at := len(g.arrived)
	for at > 0 && g.arrived[at-1].time.After(a.time) {
		at--
	}
	g.arrived = slices.Insert(g.arrived, at, a)
}

// sum adds up the relatives and the entry itself.
func sum(relatives []*Entry, self *Entry) (p Package) {
	p.add(self)
	for _, e := range relatives {
		p.add(e)
	}
	return p
}

func (g *graph) put(e *Entry) {
	g.entries.set(e.ID, e)
	g.worst.push(e, g)
}

// change replaces an entry by a changed copy, since views show the old one.
func (g *graph) change(id coin.Hash, f func(*Entry)) {
	old, _ := g.entries.get(id)
	e := *old
	f(&e)
	g.put(&e)
}

// remove takes an entry out whose ancestors have all left already, as when a block confirms it, or whose descendants
// have, as when it is no longer valid.
func (g *graph) remove(e *Entry) {
	above, below := g.ancestors(e.Tx), g.descendants(e.ID, e.Tx)
	g.links -= len(g.parents(e.Tx)) + len(g.children(e.ID, e.Tx))
	for _, a := range above {
		g.change(a.ID, func(a *Entry) { a.Descendants.remove(e) })
	}
	for _, d := range below {
		g.change(d.ID, func(d *Entry) { d.Ancestors.remove(e) })
	}
	g.entries.delete(e.ID)
	g.shrink()
	g.witness.delete(e.Tx.WitnessID())
	for i := range e.Tx.In {
		g.spends.delete(e.Tx.In[i].Prev)
	}
	g.bytes, g.usage, g.fees = g.bytes-e.VSize, g.usage-e.memory(), g.fees-e.Fee
}

// expired returns an entry that came before the deadline, if one is left.
func (g *graph) expired(deadline time.Time) (*Entry, bool) {
	for len(g.arrived) > 0 && g.arrived[0].time.Before(deadline) {
		a := g.arrived[0]
		if e, ok := g.entries.get(a.id); ok && e.Seq == a.seq {
			return e, true
		}
		g.arrived = g.arrived[1:]
	}
	if len(g.arrived) > 2*g.entries.len+slack { // mostly gaps
		g.arrived = slices.DeleteFunc(slices.Clone(g.arrived), func(a arrival) bool {
			e, ok := g.entries.get(a.id)
			return !ok || e.Seq != a.seq
		})
	}
	return nil, false
}

// slack is how many void items a list may hold before it is worth tidying.
const slack = 64
