package mempool

import (
	"fmt"
	"math/big"
	"slices"

	"cheese/coin"
)

// chunk is a set of transactions that a block would take together.
type chunk struct {
	fee  coin.Amount
	size int // virtual bytes
}

// byRate puts the best rate first, and of equals the larger.
func byRate(a, b chunk) int {
	if c := compareRate(b.fee, b.size, a.fee, a.size); c != 0 {
		return c
	}
	return b.size - a.size
}

// worsens says, in Core's words, why replacing does not improve the pool's fee rate diagram: what miners would have
// earned after each virtual byte.
func (g *graph) worsens(direct, replaced []*Entry, instead chunk) (why string) {
	for _, d := range direct {
		if why := g.tooConnected(d); why != "" {
			return why
		}
	}
	before, after := g.chunks(replaced), []chunk{instead}
	for _, d := range direct {
		if parents := g.parents(d.Tx); len(parents) > 0 && !slices.Contains(replaced, parents[0]) {
			after = append(after, chunk{parents[0].ModifiedFee, parents[0].VSize})
		}
	}
	slices.SortFunc(before, byRate)
	slices.SortFunc(after, byRate)
	if !improves(before, after) {
		return "insufficient feerate: does not improve feerate diagram"
	}
	return ""
}

// tooConnected tells why an entry has more relatives than one, or one that has.
func (g *graph) tooConnected(e *Entry) (why string) {
	above, below := e.Ancestors.Count, e.Descendants.Count
	switch {
	case above > 2:
		return fmt.Sprintf("%v has %d ancestors, max 1 allowed", e.ID, above-1)
	case below > 2:
		return fmt.Sprintf("%v has %d descendants, max 1 allowed", e.ID, below-1)
	case above > 1 && below > 1:
		return fmt.Sprintf("%v has both ancestor and descendant, exceeding cluster limit of 2", e.ID)
	case below > 1:
		if child := g.children(e.ID, e.Tx)[0]; child.Ancestors.Count > 2 {
			return fmt.Sprintf("%v is not the only parent of child %v", e.ID, child.ID)
		}
	case above > 1:
		if parent := g.parents(e.Tx)[0]; parent.Descendants.Count > 2 {
			return fmt.Sprintf("%v is not the only child of parent %v", e.ID, parent.ID)
		}
	}
	return ""
}

// chunks returns in which chunks a block would take entries and their parents, where none has more than one relative.
func (g *graph) chunks(entries []*Entry) []chunk {
	var all []chunk
	for _, e := range entries {
		if e.Descendants.Count > 1 {
			continue // its child stands for both
		}
		own, both := chunk{e.ModifiedFee, e.VSize}, chunk{e.Ancestors.Fee, e.Ancestors.VSize}
		switch {
		case e.Ancestors.Count == 1:
			all = append(all, own)
		case compareRate(own.fee, own.size, both.fee, both.size) > 0:
			all = append(all, both)
		default:
			all = append(all, chunk{both.fee - own.fee, both.size - own.size}, own)
		}
	}
	return all
}

// improves tells whether the second diagram is nowhere below the first and somewhere above it. Both are lists of chunks
// by falling rate; where one ends it stays level. Between two corners both are straight, so that corners are enough.
func improves(before, after []chunk) bool {
	better := false
	for _, size := range corners(before, after) {
		c := height(after, size).Cmp(height(before, size))
		if c < 0 {
			return false
		}
		better = better || c > 0
	}
	return better
}

// corners returns the sizes at which one of two diagrams bends.
func corners(diagrams ...[]chunk) []int {
	var sizes []int
	for _, d := range diagrams {
		size := 0
		for _, c := range d {
			size += c.size
			sizes = append(sizes, size)
		}
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

// height returns the fees of the best chunks up to size virtual bytes, the last of them in part.
func height(diagram []chunk, size int) *big.Rat {
	sum := new(big.Rat)
	for _, c := range diagram {
		part := min(c.size, size)
		sum.Add(sum, new(big.Rat).Mul(big.NewRat(int64(c.fee), 1), big.NewRat(int64(part), int64(c.size))))
		size -= part
	}
	return sum
}
