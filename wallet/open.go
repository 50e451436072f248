package wallet

import (
	"bytes"
	"cmp"
	"slices"

	"cheese/coin"
	"cheese/mempool"
)

// This file holds the ledger's open transactions: those in no block of the best chain.

// reopen enters an open record, whose tx is set, into the indexes.
func (l *ledger) reopen(r *record) {
	l.open[r.id] = r
	for i := range r.tx.In {
		at := r.tx.In[i].Prev
		l.spends[at] = append(l.spends[at], r)
	}
	l.eachOwn(r.tx, func(at coin.OutPoint, out coin.TxOut, key keyRef) {
		l.made[at] = &ownCoin{out: out, key: key, height: -1, coinbase: r.tx.IsCoinbase()}
	})
	l.verdicts = nil
}

// shut takes a record out of the indexes: it was confirmed or is forgotten.
func (l *ledger) shut(r *record) {
	delete(l.open, r.id)
	for i := range r.tx.In {
		at := r.tx.In[i].Prev
		rest := slices.DeleteFunc(l.spends[at], func(o *record) bool { return o == r })
		if l.spends[at] = rest; len(rest) == 0 {
			delete(l.spends, at)
		}
	}
	l.eachOwn(r.tx, func(at coin.OutPoint, _ coin.TxOut, _ keyRef) { delete(l.made, at) })
	r.tx, l.verdicts = nil, nil
}

// forget drops an open record.
func (l *ledger) forget(r *record) {
	l.shut(r)
	delete(l.records, r.id)
	l.touched[r.id] = struct{}{}
}

// enter notes a transaction that came into the pool, or is about to. seen is in Unix seconds.
func (l *ledger) enter(tx *coin.Tx, fee coin.Amount, seen int64, inPool bool) (*record, error) {
	if r := l.records[tx.ID()]; r != nil {
		r.inPool, r.replaced = inPool, false
		l.touch(r)
		return r, nil
	}
	if _, err := l.discover(tx); err != nil {
		return nil, err
	}
	w := l.weigh(tx, func(i int) (coin.TxOut, bool) { return l.ours(tx.In[i].Prev) })
	if w.kind == "" {
		return nil, nil
	}
	r := &record{id: tx.ID(), kind: w.kind, net: w.net, peer: w.peer, own: w.own, trusted: w.trusted,
		seen: seen, time: seen, height: -1, tx: tx, inPool: inPool}
	if w.own {
		r.fee = fee
	}
	l.records[r.id] = r
	l.reopen(r)
	l.touch(r)
	return r, nil
}

// ours returns an output of ours that is unspent in the best chain, or made by an open transaction.
func (l *ledger) ours(at coin.OutPoint) (coin.TxOut, bool) {
	c, ok := l.coins[at]
	if !ok {
		c, ok = l.made[at]
	}
	if !ok {
		return coin.TxOut{}, false
	}
	return c.out, true
}

// leave notes that a transaction is no longer in the pool.
func (l *ledger) leave(id coin.Hash, reason mempool.Reason) {
	r := l.records[id]
	if r == nil {
		return
	}
	r.inPool = false
	if r.height >= 0 {
		return
	}
	r.replaced = r.replaced || reason == mempool.ReasonReplaced
	l.touch(r)
	switch reason {
	case mempool.ReasonBlock, mempool.ReasonConflict: // the chain tells the rest
	default:
		l.dropVanished(r)
	}
}

// dropVanished forgets a payment to us that is gone without a trace: no block had it, and nothing took its place.
func (l *ledger) dropVanished(r *record) {
	if !r.own && !r.inPool && !r.settled && !r.replaced && r.blockers == 0 {
		l.forget(r)
	}
}

// restart takes over a whole pool.
func (l *ledger) restart(entries []*mempool.Entry) error {
	for _, r := range l.records {
		r.inPool = false
	}
	l.verdicts = nil
	byAge := slices.SortedFunc(slices.Values(entries), func(a, b *mempool.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, e := range byAge { // parents came before their children
		if _, err := l.enter(e.Tx, e.Fee, e.Time.Unix(), true); err != nil {
			return err
		}
	}
	for _, r := range l.open {
		l.dropVanished(r)
	}
	return nil
}

// prune keeps failed transactions that are not ours within maxLost.
func (l *ledger) prune() {
	var lost []*record
	for _, r := range l.open {
		if !r.own && l.stuck(r) {
			lost = append(lost, r)
		}
	}
	if len(lost) <= maxLost {
		return
	}
	slices.SortFunc(lost, newestFirst)
	for _, r := range lost[maxLost:] {
		l.forget(r)
	}
}

// stuck tells whether an open transaction cannot confirm, as far as this peer knows: a confirmed one spends its coins,
// another took its place, its block lost, the pool refused a stranger's, the coins are not in this chain, or one that
// it depends on is stuck.
func (l *ledger) stuck(r *record) bool {
	if l.verdicts == nil {
		l.verdicts = map[coin.Hash]bool{}
	}
	v, known := l.verdicts[r.id]
	if known {
		return v
	}
	v = r.blockers > 0 || r.replaced || r.tx.IsCoinbase() || !r.own && !r.inPool
	for i := 0; i < len(r.tx.In) && !v; i++ {
		at := r.tx.In[i].Prev
		if parent := l.open[at.Hash]; parent != nil {
			v = l.stuck(parent)
		} else if r.trusted {
			v = l.coins[at] == nil
		}
	}
	l.verdicts[r.id] = v
	return v
}

// reserved tells whether an open transaction that may confirm spends an output.
func (l *ledger) reserved(at coin.OutPoint) bool {
	return slices.ContainsFunc(l.spends[at], func(r *record) bool { return !l.stuck(r) })
}

// mature tells whether the wallet spends a confirmed coin. Consensus lets the next block spend a coinbase that has
// Maturity confirmations; like Core's wallet (GetTxBlocksToMaturity) this one waits for one more, that is for Maturity
// blocks on top. Programs written for Core count on it, and a peer one block behind takes the payment too.
func (l *ledger) mature(c *ownCoin) bool {
	return !c.coinbase || l.at.Height-c.height >= l.params.Maturity
}

// spendable tells whether an output of an open transaction is change of ours that other peers know.
func (l *ledger) spendable(r *record) bool { return r.trusted && r.inPool && !l.stuck(r) }

// balance adds everything up.
func (l *ledger) balance() (b Balance) {
	for at, c := range l.coins {
		switch {
		case l.reserved(at):
		case l.mature(c):
			b.Confirmed += c.out.Value
		default:
			b.Immature += c.out.Value
		}
	}
	b.Spendable = b.Confirmed
	for at, c := range l.made {
		r := l.open[at.Hash]
		if l.stuck(r) || l.reserved(at) {
			continue
		}
		b.Pending += c.out.Value
		if l.spendable(r) {
			b.Spendable += c.out.Value
		}
	}
	return b
}

// unspent lists coins in a fixed order: confirmed ones that may be spent, then, where wanted, our unconfirmed change.
func (l *ledger) unspent(withChange bool) []available {
	var all []available
	for at, c := range l.coins {
		if l.mature(c) && !l.reserved(at) {
			all = append(all, available{at: at, ownCoin: c})
		}
	}
	if withChange {
		for at, c := range l.made {
			if l.spendable(l.open[at.Hash]) && !l.reserved(at) {
				all = append(all, available{at: at, ownCoin: c})
			}
		}
	}
	slices.SortFunc(all, func(a, b available) int { return compareOutPoints(a.at, b.at) })
	return all
}

func compareOutPoints(a, b coin.OutPoint) int {
	return cmp.Or(bytes.Compare(a.Hash[:], b.Hash[:]), cmp.Compare(a.Index, b.Index))
}

func newestFirst(a, b *record) int {
	return cmp.Or(cmp.Compare(b.time, a.time), a.id.Compare(b.id))
}
