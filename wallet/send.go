package wallet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"cheese/coin"
)

// errNoPool is returned by Send of a wallet that has no pool.
var errNoPool = errors.New("this wallet only watches: it has no pool to send to")

// Send pays: it chooses coins, signs, remembers the transaction durably and hands it to the pool. Confirmed coins are
// preferred, and our own unconfirmed change is used where they do not suffice. Errors: *AddressError, *AmountError,
// *FeeRateError, *ErrInsufficient, *ErrTooManyCoins, or the pool's *mempool.RejectError; nothing was spent then.
func (w *Wallet) Send(ctx context.Context, r SendRequest) (*coin.Tx, Sent, error) {
	if w.o.Pool == nil {
		return nil, Sent{}, errNoPool
	}
	to, err := r.destination(w.params)
	if err != nil {
		return nil, Sent{}, err
	}
	if err := r.check(to); err != nil {
		return nil, Sent{}, err
	}
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return nil, Sent{}, ctx.Err()
	}
	if err := w.sync(); err != nil {
		return nil, Sent{}, err
	}
	rate := r.FeeRate
	if rate == 0 {
		rate = max(DefaultFeeRate, (w.o.Pool.View().MinFee()+999)/1000)
	}
	tx, sent, err := w.prepare(&r, to, rate)
	if err != nil {
		return nil, Sent{}, err
	}
	if err := w.broadcast(tx); err != nil {
		return nil, Sent{}, err
	}
	w.catchUp()
	return tx, sent, nil
}

// prepare makes a payment and remembers it durably, which reserves its coins.
func (w *Wallet) prepare(r *SendRequest, to []byte, rate coin.Amount) (*coin.Tx, Sent, error) {
	w.saving.Lock()
	defer w.saving.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, Sent{}, ErrClosed
	}
	d, err := w.draft(r, to, rate)
	if err != nil {
		return nil, Sent{}, err
	}
	tx, err := d.sign(w.ledger.keys, w.o.Rand)
	if err != nil {
		return nil, Sent{}, err
	}
	rec, err := w.ledger.enter(tx, d.fee, w.o.Now().Unix(), false)
	if err != nil {
		return nil, Sent{}, err
	}
	if err := w.store.remember(w.ledger, rec); err != nil {
		w.ledger.forget(rec)
		return nil, Sent{}, err
	}
	return tx, Sent{TxID: tx.ID(), To: w.text(to), Amount: d.paid, Fee: d.fee, Change: d.change, Inputs: len(tx.In), VSize: tx.VSize()}, nil
}

// draft selects coins and composes the transaction. The caller holds mu.
func (w *Wallet) draft(r *SendRequest, to []byte, rate coin.Amount) (*draft, error) {
	var flip [1]byte
	if _, err := io.ReadFull(w.o.Rand, flip[:]); err != nil {
		return nil, fmt.Errorf("read randomness for a payment: %w", err)
	}
	changeScript := func() ([]byte, error) {
		key, err := w.ledger.take(internal)
		if err != nil {
			return nil, err
		}
		return w.ledger.keys.script(key), nil
	}
	var short *ErrInsufficient
	d, err := compose(w.ledger.unspent(false), to, r.Amount, rate, r.SubtractFee, changeScript, flip[0]&1 == 1)
	if errors.As(err, &short) {
		d, err = compose(w.ledger.unspent(true), to, r.Amount, rate, r.SubtractFee, changeScript, flip[0]&1 == 1)
	}
	if errors.As(err, &short) {
		b := w.ledger.balance()
		short.Spendable, short.Immature, short.Maturity = b.Spendable, b.Immature, w.params.Maturity
		short.Pending = b.Total() - b.Spendable - b.Immature
	}
	return d, err
}

// broadcast hands a remembered payment to the pool, and forgets it where the pool does not want it.
func (w *Wallet) broadcast(tx *coin.Tx) error {
	err := w.o.Pool.Accept(tx)
	if err == nil || w.o.Pool.View().Has(tx.ID()) { // somebody may have taken it from Rebroadcast first
		return nil
	}
	w.saving.Lock()
	defer w.saving.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if rec := w.ledger.open[tx.ID()]; rec != nil && !w.closed {
		w.ledger.forget(rec)
		w.ring()
		err = errors.Join(err, w.store.forget(tx.ID()))
	}
	return fmt.Errorf("the pool refuses the payment: %w", err)
}

// Rebroadcast returns our own payments that are in no block and not in the pool, and can still confirm, parents
// first: after a restart the pool is empty, and it may drop what waits too long.
func (w *Wallet) Rebroadcast() []*coin.Tx {
	w.catchUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.ledger
	var all []*record
	for _, r := range l.open {
		if r.own && !r.inPool && !l.stuck(r) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *record) int { return newestFirst(b, a) })
	var txs []*coin.Tx
	done := map[*record]bool{}
	var visit func(r *record)
	visit = func(r *record) {
		if done[r] || r.inPool {
			return
		}
		done[r] = true
		for i := range r.tx.In {
			if parent := l.open[r.tx.In[i].Prev.Hash]; parent != nil {
				visit(parent)
			}
		}
		txs = append(txs, r.tx)
	}
	for _, r := range all {
		visit(r)
	}
	return txs
}
