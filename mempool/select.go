package mempool

import (
	"container/heap"
	"slices"

	"cheese/coin"
	"cheese/consensus"
)

// maxMisses is how many packages that do not fit a nearly full block are tried before it counts as full, and nearlyFull
// how many weight units from its end it is nearly full, as in Core.
const (
	maxMisses  = 1000
	nearlyFull = 4000
)

// Select returns the transactions of a block candidate, at most maxWeight weight units and maxSigOpCost in sum: best
// ancestor fee rate first, parents before children, all final at height and medianTime (the parent's).
func (v *View) Select(maxWeight, maxSigOpCost int, height int32, medianTime uint32) []*Entry {
	s := selection{graph: &v.graph, weight: maxWeight, sigOps: maxSigOpCost, taken: map[coin.Hash]bool{}, left: map[coin.Hash]Package{}}
	s.final = func(tx *coin.Tx) bool { return consensus.IsFinal(tx, height, medianTime) }
	for _, e := range v.graph.entries.all() {
		s.queue.offers = append(s.queue.offers, offer{e, e.Ancestors})
	}
	heap.Init(&s.queue)
	for misses := 0; s.queue.Len() > 0; {
		o := heap.Pop(&s.queue).(offer)
		if !s.stands(o) {
			continue
		}
		if o.left.Fee < feeFor(v.blockFee, o.left.VSize) {
			break // all others pay less
		}
		if s.take(o.entry) {
			misses = 0
		} else if misses++; misses > maxMisses && s.weight < nearlyFull {
			break
		}
	}
	return s.list
}

// selection is a block being filled.
type selection struct {
	graph  *graph
	queue  offers
	weight int // room left
	sigOps int // room left
	final  func(*coin.Tx) bool
	list   []*Entry
	taken  map[coin.Hash]bool
	left   map[coin.Hash]Package // ancestor sums of entries some of whose ancestors are taken
}

// offer is an entry with those of its ancestors that are not yet in the block.
type offer struct {
	entry *Entry
	left  Package
}

// stands tells whether an offer is still what its entry stands for.
func (s *selection) stands(o offer) bool {
	if s.taken[o.entry.ID] {
		return false
	}
	left, changed := s.left[o.entry.ID]
	return !changed || left == o.left
}

// take puts an entry and the rest of its ancestors into the block, if they fit.
func (s *selection) take(e *Entry) bool {
	group := append(s.graph.ancestors(e.Tx), e)
	group = slices.DeleteFunc(group, func(e *Entry) bool { return s.taken[e.ID] })
	weight, sigOps := 0, 0
	for _, e := range group {
		if !s.final(e.Tx) {
			return false
		}
		weight, sigOps = weight+e.Weight, sigOps+e.SigOpCost
	}
	if weight > s.weight || sigOps > s.sigOps {
		return false
	}
	s.weight, s.sigOps = s.weight-weight, s.sigOps-sigOps
	slices.SortFunc(group, compareTopology)
	for _, e := range group {
		s.taken[e.ID] = true
		s.list = append(s.list, e)
	}
	s.offerAnew(group)
	return true
}

// offerAnew updates the offers of those who depend on what was just taken.
func (s *selection) offerAnew(group []*Entry) {
	changed := map[coin.Hash]*Entry{}
	for _, t := range group {
		for _, d := range s.graph.descendants(t.ID, t.Tx) {
			if s.taken[d.ID] {
				continue
			}
			left, ok := s.left[d.ID]
			if !ok {
				left = d.Ancestors
			}
			left.remove(t)
			s.left[d.ID], changed[d.ID] = left, d
		}
	}
	for id, d := range changed {
		heap.Push(&s.queue, offer{d, s.left[id]})
	}
}

// offers is a heap with the best fee rate on top; of equals the one with fewer ancestors, then the earlier one.
type offers struct{ offers []offer }

func (q *offers) Len() int { return len(q.offers) }
func (q *offers) Less(i, j int) bool {
	a, b := q.offers[i], q.offers[j]
	if c := compareRate(a.left.Fee, a.left.VSize, b.left.Fee, b.left.VSize); c != 0 {
		return c > 0
	}
	return compareTopology(a.entry, b.entry) < 0
}
func (q *offers) Swap(i, j int) { q.offers[i], q.offers[j] = q.offers[j], q.offers[i] }
func (q *offers) Push(x any)    { q.offers = append(q.offers, x.(offer)) }
func (q *offers) Pop() any {
	last := len(q.offers) - 1
	o := q.offers[last]
	q.offers = q.offers[:last]
	return o
}
