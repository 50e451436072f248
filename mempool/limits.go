package mempool

import (
	"fmt"
	"slices"

	"cheese/coin"
)

// carveOutSize is how large a transaction may be, in virtual bytes, that gets the place beyond the limits which keeps
// either party of a payment channel able to raise the fee.
const carveOutSize = 10_000

// checkAncestors sets the candidate's unconfirmed ancestors, within the limits.
func (p *Pool) checkAncestors(c *candidate, t terms) error {
	limits := p.o.Limits
	if len(c.direct) == 1 && t.alone {
		// What is replaced goes, and is counted until then. Core only allows for it where it is one family.
		limits.DescendantCount++
		limits.DescendantSize += c.direct[0].Descendants.VSize
	}
	why := ""
	if c.above, why = p.graph.ancestorsWithin(c.entry.Tx, c.entry.VSize, limits); why == "" {
		return nil
	}
	if t.alone && c.entry.VSize <= carveOutSize && c.entry.Tx.Version != trucVersion {
		limits.AncestorCount = 2
		limits.DescendantCount++
		limits.DescendantSize += carveOutSize
		var still string
		if c.above, still = p.graph.ancestorsWithin(c.entry.Tx, c.entry.VSize, limits); still == "" {
			return nil
		}
	}
	return &RejectError{Reason: "too-long-mempool-chain", Detail: why}
}

// ancestorsWithin returns the unconfirmed ancestors of a transaction that is not in the graph, or which limit it would
// pass, in Core's words.
func (g *graph) ancestorsWithin(tx *coin.Tx, vsize int, l Limits) (above []*Entry, why string) {
	var staged []*Entry
	for i := range tx.In {
		if e, ok := g.entries.get(tx.In[i].Prev.Hash); ok && !slices.Contains(staged, e) {
			if staged = append(staged, e); len(staged)+1 > l.AncestorCount {
				return nil, fmt.Sprintf("too many unconfirmed parents [limit: %d]", l.AncestorCount)
			}
		}
	}
	return g.within(staged, 1, vsize, l)
}

// within collects what the staged entries depend on, themselves included, and holds it to the limits together with
// count transactions of vsize virtual bytes that will depend on all of it. The order is Core's, since it decides which
// limit is named.
func (g *graph) within(staged []*Entry, count, vsize int, l Limits) (above []*Entry, why string) {
	total := vsize
	for len(staged) > 0 {
		first := 0
		for i := range staged {
			if staged[i].ID.Compare(staged[first].ID) < 0 {
				first = i
			}
		}
		e := staged[first]
		staged = slices.Delete(staged, first, first+1)
		above = append(above, e)
		total += e.VSize
		switch {
		case e.Descendants.VSize+vsize > l.DescendantSize:
			return nil, fmt.Sprintf("exceeds descendant size limit for tx %v [limit: %d]", e.ID, l.DescendantSize)
		case e.Descendants.Count+count > l.DescendantCount:
			return nil, fmt.Sprintf("too many descendants for tx %v [limit: %d]", e.ID, l.DescendantCount)
		case total > l.AncestorSize:
			return nil, fmt.Sprintf("exceeds ancestor size limit [limit: %d]", l.AncestorSize)
		}
		for _, parent := range g.parents(e.Tx) {
			if !slices.Contains(above, parent) && !slices.Contains(staged, parent) {
				staged = append(staged, parent)
			}
			if len(staged)+len(above)+count > l.AncestorCount {
				return nil, fmt.Sprintf("too many unconfirmed ancestors [limit: %d]", l.AncestorCount)
			}
		}
	}
	return above, ""
}

// checkPackageLimits holds transactions that would come in together to the limits, as if each depended on all the
// others' ancestors.
func (g *graph) checkPackageLimits(txs []*coin.Tx, vsize int, l Limits) (why string) {
	n := len(txs)
	switch {
	case n > l.AncestorCount:
		return fmt.Sprintf("package count %d exceeds ancestor count limit [limit: %d]", n, l.AncestorCount)
	case n > l.DescendantCount:
		return fmt.Sprintf("package count %d exceeds descendant count limit [limit: %d]", n, l.DescendantCount)
	case vsize > l.AncestorSize:
		return fmt.Sprintf("package size %d exceeds ancestor size limit [limit: %d]", vsize, l.AncestorSize)
	case vsize > l.DescendantSize:
		return fmt.Sprintf("package size %d exceeds descendant size limit [limit: %d]", vsize, l.DescendantSize)
	}
	var staged []*Entry
	for _, tx := range txs {
		for _, e := range g.parents(tx) {
			if !slices.Contains(staged, e) {
				staged = append(staged, e)
			}
		}
		if len(staged)+n > l.AncestorCount {
			return fmt.Sprintf("too many unconfirmed parents [limit: %d]", l.AncestorCount)
		}
	}
	if _, why := g.within(staged, n, vsize, l); why != "" {
		return "possibly " + why
	}
	return ""
}
