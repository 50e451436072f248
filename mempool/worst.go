package mempool

import (
	"cmp"
	"container/heap"

	"cheese/coin"
)

// worstHeap finds the entry that is worth least to miners. It is lazy: an entry that changed or left stays inside as a
// void item, recognised by no longer being the one that the graph holds.
type worstHeap struct{ items []*Entry }

func (h *worstHeap) Len() int           { return len(h.items) }
func (h *worstHeap) Less(i, j int) bool { return compareWorth(h.items[i], h.items[j]) < 0 }
func (h *worstHeap) Swap(i, j int)      { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *worstHeap) Push(x any)         { h.items = append(h.items, x.(*Entry)) }
func (h *worstHeap) Pop() any {
	last := len(h.items) - 1
	e := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	return e
}

func (h *worstHeap) push(e *Entry, g *graph) {
	heap.Push(h, e)
	if len(h.items) <= 2*g.entries.len+slack {
		return
	}
	kept := h.items[:0]
	for _, e := range h.items {
		if e.current(g) {
			kept = append(kept, e)
		}
	}
	clear(h.items[len(kept):])
	h.items = kept
	heap.Init(h)
}

// peek returns the worst entry; false where the graph is empty.
func (h *worstHeap) peek(g *graph) (*Entry, bool) {
	for len(h.items) > 0 {
		if e := h.items[0]; e.current(g) {
			return e, true
		}
		heap.Pop(h)
	}
	return nil, false
}

func (e *Entry) current(g *graph) bool {
	held, _ := g.entries.get(e.ID)
	return held == e
}

// worth returns the better of the fee rates of the entry alone and of it with its descendants, as a fraction: a parent
// that a good child pays for stays, and so does a good parent of a bad child.
func (e *Entry) worth() (coin.Amount, int) {
	if compareRate(e.Descendants.Fee, e.Descendants.VSize, e.ModifiedFee, e.VSize) > 0 {
		return e.Descendants.Fee, e.Descendants.VSize
	}
	return e.ModifiedFee, e.VSize
}

// compareWorth orders by worth; of equals the one that came later counts as worse, by the clock or else in fact.
func compareWorth(a, b *Entry) int {
	aFee, aSize := a.worth()
	bFee, bSize := b.worth()
	return cmp.Or(compareRate(aFee, aSize, bFee, bSize), cmp.Compare(b.Time.Unix(), a.Time.Unix()), cmp.Compare(b.Seq, a.Seq))
}
