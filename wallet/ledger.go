package wallet

import (
	"cmp"
	"slices"

	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
)

// ledger is the wallet's books: which coins are ours, and what every transaction that touches us did. It follows the
// best chain by connect and revert and the pool by enter and leave. It does no I/O and has no lock.
//
// Confirmed coins and records are a function of the chain up to the cursor. A record of a transaction that is in no
// block is open: it keeps the transaction, and spends knows its inputs.
type ledger struct {
	params *coin.Params
	keys   *keyring

	at       chain.Position // the block up to which the chain was read
	coins    map[coin.OutPoint]*ownCoin
	records  map[coin.Hash]*record
	timeline []*record                   // confirmed ones, in the chain's order
	open     map[coin.Hash]*record       // the others
	spends   map[coin.OutPoint][]*record // inputs of open ones
	made     map[coin.OutPoint]*ownCoin  // outputs of open ones that are ours
	verdicts map[coin.Hash]bool          // memo of stuck; nil when out of date
	next     [branches]uint32            // the first index that was neither handed out nor paid
	current  uint32                      // the external index of Address
	touched  map[coin.Hash]struct{}      // records changed since the last checkpoint
	moved    map[coin.OutPoint]struct{}  // coins changed since the last checkpoint
}

// miningIndex is the external key that coinbases pay, so that a miner does not use up an address a block.
const miningIndex = 0

// maxLost bounds records of payments to us that failed and of our blocks that lost; the oldest are forgotten.
const maxLost = 1000

// record is what one transaction did to the wallet.
type record struct {
	id       coin.Hash
	kind     Kind
	net, fee coin.Amount
	peer     []byte // output script of the counterparty
	seen     int64  // Unix seconds: when it came
	time     int64  // Unix seconds: its block's, or seen

	height   int32 // -1: open
	block    coin.Hash
	position uint32 // in its block
	inPool   bool   // as the pool's last change said; a confirmed one may still be there for a moment

	// Of open ones.
	tx       *coin.Tx
	own      bool   // spends a coin of ours
	trusted  bool   // spends coins of ours only
	settled  bool   // was in a block once
	replaced bool   // another transaction took its place in the pool
	blockers uint32 // inputs that a confirmed transaction spends instead
}

func newLedger(p *coin.Params, keys *keyring) (*ledger, error) {
	l := &ledger{params: p, keys: keys, next: [branches]uint32{external: miningIndex + 2}, current: miningIndex + 1,
		records: map[coin.Hash]*record{}}
	l.clear()
	return l, l.watch()
}

// clear forgets all but the open transactions that spend our coins, so that the chain can be read again.
func (l *ledger) clear() {
	keep := l.records
	l.at, l.timeline = chain.Position{}, nil
	l.coins, l.records, l.open = map[coin.OutPoint]*ownCoin{}, map[coin.Hash]*record{}, map[coin.Hash]*record{}
	l.spends, l.made = map[coin.OutPoint][]*record{}, map[coin.OutPoint]*ownCoin{}
	l.touched, l.moved = map[coin.Hash]struct{}{}, map[coin.OutPoint]struct{}{}
	for _, r := range keep {
		if r.height < 0 && r.own {
			r.blockers = 0
			l.records[r.id] = r
			l.reopen(r)
		}
	}
}

// watch derives the scripts of every address that may be paid.
func (l *ledger) watch() error {
	for b := range uint32(branches) {
		if err := l.keys.extend(b, l.next[b]+gapLimit); err != nil {
			return err
		}
	}
	return nil
}

// take hands out the next index of a branch.
func (l *ledger) take(branch uint32) (keyRef, error) {
	r := keyRef{branch: branch, index: l.next[branch]}
	l.next[branch]++
	return r, l.watch()
}

// discover notes which addresses a transaction pays, and reports whether that widened what is watched.
func (l *ledger) discover(tx *coin.Tx) (widened bool, err error) {
	for i := range tx.Out {
		ref, ok := l.keys.find(tx.Out[i].Script)
		if !ok {
			continue
		}
		fresh := ref.index >= l.next[ref.branch] // handed out before this wallet was restored
		if fresh {
			l.next[ref.branch] = ref.index + 1
		}
		if ref.branch == external && (fresh || ref.index == l.current) {
			l.current = l.next[external]
			l.next[external]++
			fresh = true
		}
		widened = widened || fresh
	}
	if widened {
		err = l.watch()
	}
	return widened, err
}

// connect applies a block that joined the best chain.
func (l *ledger) connect(u *chain.Update) error {
	for again := true; again; { // a payment may lie before the one that makes its address known
		again = false
		for _, tx := range u.Block.Txs {
			widened, err := l.discover(tx)
			if err != nil {
				return err
			}
			again = again || widened
		}
	}
	spent := u.Spent
	for i, tx := range u.Block.Txs {
		var prev []consensus.Coin
		if i > 0 {
			prev, spent = spent[:len(tx.In)], spent[len(tx.In):]
		}
		l.confirm(u, i, tx, prev)
	}
	l.at, l.verdicts = u.Next(), nil
	return nil
}

// confirm applies one transaction of a connected block. prev holds the coins it spends, nothing for a coinbase.
func (l *ledger) confirm(u *chain.Update, position int, tx *coin.Tx, prev []consensus.Coin) {
	id := tx.ID()
	for i := range prev {
		at := tx.In[i].Prev
		for _, rival := range l.spends[at] {
			if rival.id != id {
				rival.blockers++
				l.touch(rival)
			}
		}
		if _, ours := l.keys.find(prev[i].Out.Script); ours {
			delete(l.coins, at)
			l.moved[at] = struct{}{}
		}
	}
	w := l.weigh(tx, func(i int) (coin.TxOut, bool) {
		if i >= len(prev) {
			return coin.TxOut{}, false
		}
		return prev[i].Out, true
	})
	r := l.records[id]
	if r == nil && w.kind == "" {
		return
	}
	if r == nil {
		r = &record{id: id, seen: int64(u.Block.Time)}
		l.records[id] = r
	} else if r.height < 0 {
		l.shut(r)
	}
	r.kind, r.net, r.fee, r.peer, r.own, r.trusted = w.kind, w.net, w.fee, w.peer, w.own, w.trusted
	r.height, r.block, r.position, r.time = u.Height, u.Hash, uint32(position), int64(u.Block.Time)
	r.settled, r.replaced, r.blockers = true, false, 0
	l.timeline = append(l.timeline, r)
	l.eachOwn(tx, func(at coin.OutPoint, out coin.TxOut, key keyRef) {
		l.coins[at] = &ownCoin{out: out, key: key, height: u.Height, coinbase: position == 0}
		l.moved[at] = struct{}{}
	})
	l.touch(r)
}

// revert undoes a block that left the best chain: connect, backwards.
func (l *ledger) revert(u *chain.Update) {
	spent := u.Spent
	for i := len(u.Block.Txs) - 1; i >= 0; i-- {
		tx := u.Block.Txs[i]
		var prev []consensus.Coin
		if i > 0 {
			cut := len(spent) - len(tx.In)
			prev, spent = spent[cut:], spent[:cut]
		}
		l.unconfirm(tx, prev)
	}
	l.at, l.verdicts = u.Next(), nil
}

func (l *ledger) unconfirm(tx *coin.Tx, prev []consensus.Coin) {
	id := tx.ID()
	l.eachOwn(tx, func(at coin.OutPoint, _ coin.TxOut, _ keyRef) {
		delete(l.coins, at)
		l.moved[at] = struct{}{}
	})
	for i := range prev {
		at := tx.In[i].Prev
		for _, rival := range l.spends[at] {
			if rival.id != id && rival.blockers > 0 {
				rival.blockers--
				l.touch(rival)
			}
		}
		if key, ours := l.keys.find(prev[i].Out.Script); ours {
			l.coins[at] = &ownCoin{out: clone(prev[i].Out), key: key, height: prev[i].Height, coinbase: prev[i].Coinbase}
			l.moved[at] = struct{}{}
		}
	}
	r := l.records[id]
	if r == nil || r.height < 0 {
		return // mined before the wallet's birthday
	}
	if n := len(l.timeline); n > 0 && l.timeline[n-1] == r {
		l.timeline = l.timeline[:n-1]
	}
	r.height, r.block, r.position, r.time = -1, coin.Hash{}, 0, r.seen
	r.tx = tx.Clone() // the block's buffer must not live as long
	l.reopen(r)
	l.touch(r)
}

// effect is what a transaction does to the wallet.
type effect struct {
	kind         Kind
	net, fee     coin.Amount
	peer         []byte
	own, trusted bool
}

// weigh reckons a transaction up. previous returns the output that an input spends, where it is known; the fee is
// reckoned where all are ours.
func (l *ledger) weigh(tx *coin.Tx, previous func(i int) (coin.TxOut, bool)) effect {
	var in, out, sum coin.Amount
	ours := 0
	for i := range tx.In {
		prev, known := previous(i)
		if _, mine := l.keys.find(prev.Script); known && mine {
			in += prev.Value
			ours++
		}
	}
	var toUs, toOthers []byte
	toChange := true // toUs is change, or nothing yet
	for i := range tx.Out {
		o := &tx.Out[i]
		sum += o.Value
		if ref, mine := l.keys.find(o.Script); mine {
			out += o.Value
			if toUs == nil || toChange && ref.branch == external {
				toUs, toChange = o.Script, ref.branch != external
			}
		} else if toOthers == nil {
			toOthers = o.Script
		}
	}
	e := effect{net: out - in, own: ours > 0, trusted: ours == len(tx.In)}
	if e.trusted {
		e.fee = in - sum
	}
	switch {
	case e.own && toOthers != nil:
		e.kind, e.peer = KindSent, slices.Clone(toOthers)
	case e.own:
		e.kind, e.peer = KindMoved, slices.Clone(toUs)
	case toUs == nil:
	case tx.IsCoinbase():
		e.kind, e.peer = KindMined, slices.Clone(toUs)
	default:
		e.kind, e.peer = KindReceived, slices.Clone(toUs)
	}
	return e
}

// eachOwn visits the outputs that are ours. The script handed over is the keyring's, not the transaction's.
func (l *ledger) eachOwn(tx *coin.Tx, visit func(coin.OutPoint, coin.TxOut, keyRef)) {
	for i := range tx.Out {
		if key, ok := l.keys.find(tx.Out[i].Script); ok {
			visit(coin.OutPoint{Hash: tx.ID(), Index: uint32(i)}, coin.TxOut{Value: tx.Out[i].Value, Script: l.keys.script(key)}, key)
		}
	}
}

// touch marks a record for the next checkpoint.
func (l *ledger) touch(r *record) {
	l.touched[r.id] = struct{}{}
	l.verdicts = nil
}

// inOrder sorts records as the chain has them.
func inOrder(rs []*record) {
	slices.SortFunc(rs, func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.height, b.height), cmp.Compare(a.position, b.position))
	})
}

func clone(o coin.TxOut) coin.TxOut {
	return coin.TxOut{Value: o.Value, Script: slices.Clone(o.Script)}
}
