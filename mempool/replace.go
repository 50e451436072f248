package mempool

import (
	"slices"

	"cheese/coin"
)

// maxReplaced is how many transactions one may replace, counting descendants (BIP 125 rule 5).
const maxReplaced = 100

// checkRelatives bounds the unconfirmed relatives a newcomer would have. What it replaces no longer counts.
func (p *Pool) checkRelatives(c *candidate, direct []*Entry) error {
	e, above := c.entry, p.graph.ancestors(c.entry.Tx)
	own := sum(above, e)
	switch {
	case own.Count > maxRelatives:
		return rejectf("too-long-mempool-chain", "too many unconfirmed ancestors [limit: %d]", maxRelatives)
	case own.VSize > maxRelativesVSize:
		return rejectf("too-long-mempool-chain", "exceeds ancestor size limit [limit: %d]", maxRelativesVSize)
	}
	for _, a := range above {
		if slices.ContainsFunc(direct, func(d *Entry) bool { return d.ID == a.ID }) {
			return &RejectError{Reason: "bad-txns-spends-conflicting-tx", Consensus: true,
				Detail: e.ID.String() + " spends conflicting transaction " + a.ID.String()}
		}
		below := a.Descendants
		below.add(e)
		if below.Count > maxRelatives || below.VSize > maxRelativesVSize {
			below = p.without(below, a, c.replaced)
		}
		switch {
		case below.Count > maxRelatives:
			return rejectf("too-long-mempool-chain", "too many descendants for tx %v [limit: %d]", a.ID, maxRelatives)
		case below.VSize > maxRelativesVSize:
			return rejectf("too-long-mempool-chain", "exceeds descendant size limit for tx %v [limit: %d]", a.ID, maxRelativesVSize)
		}
	}
	return nil
}

// without takes those of the replaced that depend on a out of its sum.
func (p *Pool) without(sum Package, a *Entry, replaced []*Entry) Package {
	for _, d := range p.graph.descendants(a.ID, a.Tx) {
		if slices.ContainsFunc(replaced, func(r *Entry) bool { return r.ID == d.ID }) {
			sum.remove(d)
		}
	}
	return sum
}

// checkReplacement holds a transaction that conflicts with others to BIP 125's rules 2 to 5; whether those others signal
// that they may be replaced does not matter (full replace-by-fee, Core 28's default).
func (p *Pool) checkReplacement(c *candidate, direct []*Entry) error {
	e, id := c.entry, c.entry.ID
	count := 0
	parents := map[coin.Hash]bool{}
	for _, d := range direct {
		if compareRate(e.Fee, e.VSize, d.Fee, d.VSize) <= 0 {
			return rejectf("insufficient fee", "rejecting replacement %v; new feerate %v <= old feerate %v", id, rate(e), rate(d))
		}
		if count += d.Descendants.Count; count > maxReplaced {
			return rejectf("too many potential replacements", "rejecting replacement %v; too many potential replacements (%d > %d)", id, count, maxReplaced)
		}
		for i := range d.Tx.In {
			parents[d.Tx.In[i].Prev.Hash] = true
		}
	}
	for i := range e.Tx.In {
		from := e.Tx.In[i].Prev.Hash
		if _, unconfirmed := p.graph.entries.get(from); unconfirmed && !parents[from] {
			return rejectf("replacement-adds-unconfirmed", "replacement %v adds unconfirmed input, idx %d", id, i)
		}
	}
	var old coin.Amount
	for _, r := range c.replaced {
		old += r.Fee
	}
	if e.Fee < old {
		return rejectf("insufficient fee", "rejecting replacement %v, less fees than conflicting txs; %v < %v", id, e.Fee, old)
	}
	if least := feeFor(incrementalFee, e.VSize); e.Fee-old < least {
		return rejectf("insufficient fee", "rejecting replacement %v, not enough additional fees to relay; %v < %v", id, e.Fee-old, least)
	}
	return nil
}

// rate returns whole coins per 1000 virtual bytes.
func rate(e *Entry) coin.Amount { return e.Fee * 1000 / coin.Amount(e.VSize) }
