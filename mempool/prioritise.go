package mempool

import (
	"maps"

	"cheese/coin"
)

// Prioritise adds delta, which may be negative, to the fee by which a transaction is judged, be it here or still to
// come. It holds until a block confirms the transaction or the sum of deltas is zero. Calls come from the node's own
// operator, so that there is no limit on their number.
func (p *Pool) Prioritise(id coin.Hash, delta coin.Amount) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.catchUp(); err != nil {
		p.o.Logger.Error("pool cannot follow the chain", "err", err) // which does not touch the fee
	}
	p.prioritise(id, delta)
}

func (p *Pool) prioritise(id coin.Hash, delta coin.Amount) {
	delta = bounded(p.deltas[id], delta)
	if p.deltas[id] += delta; p.deltas[id] == 0 {
		delete(p.deltas, id)
	}
	p.graph.deltas = len(p.deltas)
	p.generation++ // the transaction may just be on its way in
	if p.graph.prioritise(id, delta) {
		p.changed()
	}
}

// bounded cuts delta so that the sum stays far from overflow: no fee can make up for all the money there is.
func bounded(sum, delta coin.Amount) coin.Amount {
	return min(max(delta, -coin.MaxMoney-sum), coin.MaxMoney-sum)
}

// Prioritised returns what Prioritise added, by transaction id.
func (p *Pool) Prioritised() map[coin.Hash]coin.Amount {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.deltas)
}

// prioritise changes an entry's fee and its relatives' sums; false where it is not here.
func (g *graph) prioritise(id coin.Hash, delta coin.Amount) bool {
	e, ok := g.entries.get(id)
	if !ok {
		return false
	}
	above, below := g.ancestors(e.Tx), g.descendants(id, e.Tx)
	g.change(id, func(e *Entry) {
		e.ModifiedFee += delta
		e.Ancestors.Fee += delta
		e.Descendants.Fee += delta
	})
	for _, a := range above {
		g.change(a.ID, func(a *Entry) { a.Descendants.Fee += delta })
	}
	for _, d := range below {
		g.change(d.ID, func(d *Entry) { d.Ancestors.Fee += delta })
	}
	return true
}
