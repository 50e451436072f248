package wallet

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"cheese/coin"
)

// NewAddress returns a receive address that was never handed out before. It is durable before it returns, so that
// no crash makes the wallet hand it out again.
func (w *Wallet) NewAddress() (string, error) {
	w.catchUp()
	w.saving.Lock()
	defer w.saving.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return "", ErrClosed
	}
	key, err := w.ledger.take(external)
	if err == nil {
		err = w.store.saveIndices(w.ledger)
	}
	if err != nil {
		return "", fmt.Errorf("new address: %w", err)
	}
	return w.text(w.ledger.keys.script(key)), nil
}

// Address returns the current receive address: the same one until it is paid.
func (w *Wallet) Address() (string, error) {
	w.catchUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return "", ErrClosed
	}
	return w.text(w.ledger.keys.script(keyRef{branch: external, index: w.ledger.current})), nil
}

// PayToScript returns the output script that coinbases should pay, always the same: a miner that took a new address
// for every block would soon outrun what restoring from the words finds.
func (w *Wallet) PayToScript() ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, ErrClosed
	}
	return slices.Clone(w.ledger.keys.script(keyRef{branch: external, index: miningIndex})), nil
}

// Mine tells whether the wallet has the key of an output script: one of an address that it handed out or soon will.
func (w *Wallet) Mine(script []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.ledger.keys.find(script)
	return ok
}

// Balance returns what the wallet has.
func (w *Wallet) Balance() Balance {
	w.catchUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger.balance()
}

// Coins returns every unspent output, the largest first; what a pending payment spends is left out.
func (w *Wallet) Coins() []Coin {
	w.catchUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.ledger
	var all []Coin
	for at, c := range l.coins {
		if !l.reserved(at) {
			all = append(all, w.coin(at, c, l.mature(c)))
		}
	}
	for at, c := range l.made {
		if r := l.open[at.Hash]; !l.stuck(r) && !l.reserved(at) {
			all = append(all, w.coin(at, c, l.spendable(r)))
		}
	}
	slices.SortFunc(all, func(a, b Coin) int {
		return cmp.Or(cmp.Compare(b.Out.Value, a.Out.Value), compareOutPoints(a.OutPoint, b.OutPoint))
	})
	return all
}

func (w *Wallet) coin(at coin.OutPoint, c *ownCoin, spendable bool) Coin {
	o := Coin{OutPoint: at, Out: clone(c.out), Address: w.text(c.out.Script), Height: c.height, Coinbase: c.coinbase,
		Change: c.key.branch == internal, Spendable: spendable}
	if c.height >= 0 {
		o.Confirmations = w.ledger.at.Height - c.height + 1
	}
	return o
}

// History returns the newest entries first, at most max of them; all where max is 0.
func (w *Wallet) History(max int) []Entry {
	w.catchUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.ledger
	tail := l.timeline
	if max > 0 && len(tail) > max {
		tail = tail[len(tail)-max:]
	}
	all := make([]*record, 0, len(l.open)+len(tail))
	for _, r := range l.open {
		all = append(all, r)
	}
	slices.SortFunc(all, newestFirst)
	for _, r := range slices.Backward(tail) {
		all = append(all, r)
	}
	slices.SortStableFunc(all, l.compareAge)
	if max > 0 && len(all) > max {
		all = all[:max]
	}
	entries := make([]Entry, len(all))
	for i, r := range all {
		entries[i] = w.entry(r)
	}
	return entries
}

// compareAge puts pending records in front, then the later ones. Confirmed ones keep the chain's order, in which block
// times may step back.
func (l *ledger) compareAge(a, b *record) int {
	pending := func(r *record) int {
		if r.height < 0 && !l.stuck(r) {
			return 0
		}
		return 1
	}
	if c := cmp.Compare(pending(a), pending(b)); c != 0 {
		return c
	}
	if a.height >= 0 && b.height >= 0 {
		return cmp.Or(cmp.Compare(b.height, a.height), cmp.Compare(b.position, a.position))
	}
	return cmp.Compare(b.time, a.time)
}

func (w *Wallet) entry(r *record) Entry {
	l := w.ledger
	e := Entry{TxID: r.id, Kind: r.kind, Net: r.net, Fee: r.fee, Time: time.Unix(r.time, 0), Height: r.height, BlockHash: r.block,
		Counterparty: w.text(r.peer)}
	switch {
	case r.height < 0 && l.stuck(r):
		e.State = StateConflicted
	case r.height < 0:
		e.State = StatePending
	default:
		e.Confirmations = l.at.Height - r.height + 1
		if e.State = StateConfirmed; !l.mature(&ownCoin{height: r.height, coinbase: r.kind == KindMined}) {
			e.State = StateImmature
		}
	}
	return e
}

// text returns the address of a script, "" where it has none.
func (w *Wallet) text(script []byte) string {
	s, _ := w.params.Address(script)
	return s
}

// Transaction returns the history entry of one transaction and the transaction itself; false where the wallet does
// not know it.
func (w *Wallet) Transaction(id coin.Hash) (Entry, *coin.Tx, bool) {
	w.catchUp()
	w.mu.Lock()
	r := w.ledger.records[id]
	if r == nil {
		w.mu.Unlock()
		return Entry{}, nil, false
	}
	e, tx, position := w.entry(r), r.tx, int(r.position)
	w.mu.Unlock()
	if tx != nil {
		return e, tx, true
	}
	b, err := w.o.Chain.View().Block(e.BlockHash)
	if err != nil || position >= len(b.Txs) {
		w.o.Logger.Error("the chain does not give a block that the wallet knows", "block", e.BlockHash, "err", err)
		return e, nil, false
	}
	return e, b.Txs[position].Clone(), true
}

// Describe tells what a transaction does to the wallet, whether or not it is known already; kind is empty where it
// does nothing. net is negative where we pay.
func (w *Wallet) Describe(tx *coin.Tx) (net coin.Amount, kind Kind, counterparty string) {
	w.catchUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.ledger.records[tx.ID()]; r != nil {
		return r.net, r.kind, w.text(r.peer)
	}
	e := w.ledger.weigh(tx, func(i int) (coin.TxOut, bool) { return w.ledger.ours(tx.In[i].Prev) })
	if e.kind == "" {
		return 0, "", ""
	}
	return e.net, e.kind, w.text(e.peer)
}
