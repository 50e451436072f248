package mempool

import (
	"fmt"
	"slices"

	"cheese/coin"
)

// maxReplaced is how many transactions one may replace, counting descendants (BIP 125 rule 5).
const maxReplaced = 100

// maxSignal is the highest sequence number by which an input signals that its transaction may be replaced (BIP 125).
const maxSignal = 0xfffffffd

func signalsReplacement(tx *coin.Tx) bool {
	return slices.ContainsFunc(tx.In, func(in coin.TxIn) bool { return in.Sequence <= maxSignal })
}

func compareID(a, b *Entry) int { return a.ID.Compare(b.ID) }

// checkRelatives bounds the unconfirmed relatives a candidate would have, and sets its ancestors.
func (p *Pool) checkRelatives(c *candidate, t terms) error {
	if err := p.checkAncestors(c, t); err != nil {
		return err
	}
	if sibling, why := p.checkTRUC(c); why != "" {
		if !t.evicts || sibling == nil {
			return &RejectError{Reason: "TRUC-violation", Detail: why}
		}
		c.direct, c.sibling = append(c.direct, sibling), true
		slices.SortFunc(c.direct, compareID)
	}
	slices.SortFunc(c.above, compareID)
	for _, a := range c.above {
		if slices.Contains(c.direct, a) {
			return &RejectError{Reason: "bad-txns-spends-conflicting-tx", Consensus: true,
				Detail: fmt.Sprintf("%v spends conflicting transaction %v", c.entry.ID, a.ID)}
		}
	}
	return nil
}

// checkReplacement holds a transaction that conflicts with others to BIP 125's rules 2 to 5 and to a better fee rate
// than theirs, and sets what it replaces.
func (p *Pool) checkReplacement(c *candidate) error {
	e, suffix := c.entry, ""
	if c.sibling {
		suffix = " (including sibling eviction)"
	}
	for _, d := range c.direct {
		if rate, old := rateOf(e.ModifiedFee, e.VSize), rateOf(d.ModifiedFee, d.VSize); rate <= old {
			return &RejectError{Reason: "insufficient fee" + suffix, Reconsiderable: true,
				Detail: fmt.Sprintf("rejecting replacement %v; new feerate %s <= old feerate %s", e.ID, p.rateText(rate), p.rateText(old))}
		}
	}
	if why := tooManyReplaced(e.ID, c.direct); why != "" {
		return &RejectError{Reason: "too many potential replacements" + suffix, Detail: why}
	}
	c.replaced = p.graph.family(c.direct)
	if why := p.addsUnconfirmed(e.Tx, c.replaced); why != "" {
		return &RejectError{Reason: "replacement-adds-unconfirmed" + suffix, Detail: why}
	}
	if why := p.underpays(e.ModifiedFee, e.VSize, e.ID, c.replaced); why != "" {
		return &RejectError{Reason: "insufficient fee" + suffix, Detail: why, Reconsiderable: true}
	}
	return nil
}

// tooManyReplaced is rule 5. Descendants that several share count several times, as in Core, and its words end a line.
func tooManyReplaced(id coin.Hash, direct []*Entry) (why string) {
	count := 0
	for _, d := range direct {
		if count += d.Descendants.Count; count > maxReplaced {
			return fmt.Sprintf("rejecting replacement %v; too many potential replacements (%d > %d)\n", id, count, maxReplaced)
		}
	}
	return ""
}

// addsUnconfirmed is rule 2.
func (p *Pool) addsUnconfirmed(tx *coin.Tx, replaced []*Entry) (why string) {
	parents := map[coin.Hash]bool{}
	for _, r := range replaced {
		for i := range r.Tx.In {
			parents[r.Tx.In[i].Prev.Hash] = true
		}
	}
	for i := range tx.In {
		from := tx.In[i].Prev.Hash
		if _, unconfirmed := p.graph.entries.get(from); unconfirmed && !parents[from] {
			return fmt.Sprintf("replacement %v adds unconfirmed input, idx %d", tx.ID(), i)
		}
	}
	return ""
}

// underpays is rules 3 and 4: what comes pays for what goes and for its own relay.
func (p *Pool) underpays(fee coin.Amount, size int, id coin.Hash, replaced []*Entry) (why string) {
	var old coin.Amount
	for _, r := range replaced {
		old += r.ModifiedFee
	}
	if fee < old {
		return fmt.Sprintf("rejecting replacement %v, less fees than conflicting txs; %s < %s", id, money(fee), money(old))
	}
	if least := feeFor(p.o.IncrementalRelayFee, size); fee-old < least {
		return fmt.Sprintf("rejecting replacement %v, not enough additional fees to relay; %s < %s", id, money(fee-old), money(least))
	}
	return ""
}

// rateText shows a fee rate as Core does.
func (p *Pool) rateText(rate coin.Amount) string {
	return rate.String() + " " + p.o.Params.Ticker + "/kvB"
}

// money shows an amount as Core's messages do: at least two decimals and no zeros after those.
func money(a coin.Amount) string {
	s := a.String()
	least := len(s) - 6
	for len(s) > least && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	return s
}
