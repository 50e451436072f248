package p2p

import (
	"errors"
	"slices"
	"time"

	"cheese/coin"
	"cheese/mempool"
	"cheese/p2p/msg"
)

const (
	txTimeout     = 20 * time.Second // for an answer to getdata, after which the next announcer is asked
	maxAnnouncers = 8                // remembered for a transaction
	maxTxWants    = 20_000           // transactions announced and not here yet, over all peers
	maxRejected   = 10_000
	maxOrphans    = 100
	maxEarly      = 100
	maxOrphanSize = 100_000 // bytes of a transaction kept while its parents are missing
	maxParents    = 100     // missing parents asked for
	orphanExpiry  = 5 * time.Minute
)

// transactions is the state of transaction relay.
type transactions struct {
	wants     map[coin.Hash]*txWant
	deadlines []txDeadline       // in the order of asking, which is that of expiry
	rejected  *recent[coin.Hash] // witness ids, and ids of those without a witness
	confirmed *recent[coin.Hash] // ids in blocks that came lately
	atPool    map[coin.Hash]bool // witness ids, and ids, of those in the hands of the pool
	orphans   []orphan           // oldest first
	early     []orphan           // refused only because the chain here is too short yet; oldest first, no parent is missing
}

// txWant is a transaction that peers have announced and we have not got.
type txWant struct {
	from  []announcer // who has not been asked
	asked int64       // who is being asked, 0: nobody
}

// announcer is a peer that has a transaction, and whether it stands in that peer's queue.
type announcer struct {
	peer   int64
	queued bool
}

func (w *txWant) announcedBy(p *peer) int {
	return slices.IndexFunc(w.from, func(a announcer) bool { return a.peer == p.id })
}

type txDeadline struct {
	id coin.Hash
	p  int64
	at time.Time // of asking
}

// orphan is a transaction whose parents are missing.
type orphan struct {
	tx      *coin.Tx
	from    int64
	at      time.Time
	missing []coin.Hash
}

func newTransactions() transactions {
	return transactions{wants: map[coin.Hash]*txWant{}, atPool: map[coin.Hash]bool{},
		rejected: newRecent[coin.Hash](maxRejected), confirmed: newRecent[coin.Hash](maxConfirmed)}
}

// onInv takes announcements of transactions and of blocks.
func (m *machine) onInv(p *peer, inv *msg.Inv) {
	var newest coin.Hash
	for _, item := range inv.Items {
		switch item.Kind.Base() {
		case msg.KindTx:
			p.knownTxs.add(item.Hash)
			m.wantTx(p, item.Hash)
		case msg.KindBlock:
			if !m.noteBest(p, item.Hash) {
				newest = item.Hash
				m.queueInventory(p, item.Hash)
			}
		}
	}
	if !newest.IsZero() {
		p.announced = newest
		m.askHeaders(p, m.v.BestHeader().Hash())
		m.wantBlocks = true
	}
}

// haveTx tells whether there is no need to fetch a transaction.
func (m *machine) haveTx(id coin.Hash) bool {
	if m.rejected.has(id) || m.confirmed.has(id) {
		return true
	}
	if _, ok := m.v.Tx(id); ok {
		return true
	}
	same := func(o orphan) bool { return o.tx.ID() == id }
	return slices.ContainsFunc(m.orphans, same) || slices.ContainsFunc(m.early, same)
}

// wantTx takes note that p has a transaction, and asks for it unless somebody is being asked.
func (m *machine) wantTx(p *peer, id coin.Hash) {
	w := m.wants[id]
	if w == nil {
		if len(m.wants) >= maxTxWants || m.haveTx(id) {
			return
		}
		w = &txWant{}
		m.wants[id] = w
	}
	if w.asked == p.id || len(w.from) >= maxAnnouncers || w.announcedBy(p) >= 0 {
		return
	}
	w.from = append(w.from, announcer{peer: p.id})
	if w.asked == 0 && !m.atPool[id] { // while another copy is checked, wait for what comes of it
		m.askNext(id, w)
	}
}

// askNext asks the next announcer of a transaction, or forgets it where there is none. An announcer that has enough to do
// gets it into its queue.
func (m *machine) askNext(id coin.Hash, w *txWant) {
	w.asked = 0
	for i := 0; i < len(w.from); {
		a := &w.from[i]
		p := m.byID[a.peer]
		switch {
		case a.queued:
			i++
		case p != nil && p.txsAsked >= maxTxsAsked && len(p.txsWaiting) < maxTxsWaiting:
			p.txsWaiting = append(p.txsWaiting, id)
			a.queued = true
			i++
		default:
			w.from = slices.Delete(w.from, i, i+1)
			if p != nil && p.txsAsked < maxTxsAsked {
				m.askTx(p, id, w)
				return
			}
		}
	}
	if len(w.from) == 0 {
		delete(m.wants, id)
	}
}

func (m *machine) askTx(p *peer, id coin.Hash, w *txWant) {
	w.asked = p.id
	p.txsAsked++
	m.deadlines = append(m.deadlines, txDeadline{id: id, p: p.id, at: m.now})
	p.outGetData = append(p.outGetData, msg.Item{Kind: msg.KindWitnessTx, Hash: id})
}

// answered frees p's place for one more request.
func (m *machine) answered(p *peer) {
	p.txsAsked--
	for p.txsAsked < maxTxsAsked && len(p.txsWaiting) > 0 {
		id := p.txsWaiting[0]
		p.txsWaiting = p.txsWaiting[1:]
		w := m.wants[id]
		if w == nil {
			continue
		}
		i := w.announcedBy(p)
		switch {
		case i < 0:
		case w.asked != 0 || m.atPool[id]:
			w.from[i].queued = false // its turn comes in askNext, if at all
		default:
			w.from = slices.Delete(w.from, i, i+1)
			m.askTx(p, id, w)
		}
	}
}

// expireTxs gives up on requests that were not answered in time, and on orphans.
func (m *machine) expireTxs() {
	for len(m.deadlines) > 0 && m.now.Sub(m.deadlines[0].at) >= txTimeout {
		d := m.deadlines[0]
		m.deadlines = m.deadlines[1:]
		if w := m.wants[d.id]; w != nil && w.asked == d.p {
			m.giveUpTx(d.id, w)
		}
	}
	for len(m.orphans) > 0 && m.now.Sub(m.orphans[0].at) > orphanExpiry {
		m.orphans = slices.Delete(m.orphans, 0, 1)
	}
}

// giveUpTx turns from the peer that was asked to the next.
func (m *machine) giveUpTx(id coin.Hash, w *txWant) {
	p := m.byID[w.asked]
	m.askNext(id, w)
	if p != nil {
		m.answered(p)
	}
}

func (m *machine) onNotFound(p *peer, list *msg.NotFound) {
	for _, item := range list.Items {
		switch item.Kind.Base() {
		case msg.KindTx:
			if w := m.wants[item.Hash]; w != nil && w.asked == p.id {
				m.giveUpTx(item.Hash, w)
			}
		case msg.KindBlock:
			if m.inFlight[item.Hash] == p.id {
				delete(m.inFlight, item.Hash)
				p.blocks = without(p.blocks, item.Hash)
				p.best = chainPoint{} // it has not what it said; a new announcement counts again
				m.wantBlocks = true
			}
		}
	}
}

// onTx takes a transaction. Bitcoin's wallets push them unasked, so that is no offence.
func (m *machine) onTx(p *peer, tx *coin.Tx) {
	id := tx.ID()
	p.knownTxs.add(id)
	if w := m.wants[id]; w != nil {
		delete(m.wants, id)
		if q := m.byID[w.asked]; q != nil {
			m.answered(q)
		}
	}
	wid := tx.WitnessID()
	if m.atPool[wid] || p.txChecks >= maxTxsChecking || m.rejected.has(wid) || m.haveTx(id) {
		return
	}
	m.checkTx(p, tx)
}

func (m *machine) checkTx(p *peer, tx *coin.Tx) {
	p.txChecks++
	m.atPool[tx.ID()], m.atPool[tx.WitnessID()] = true, true
	m.act(CheckTx{ID: p.id, Tx: tx})
}

func (m *machine) onTxChecked(e TxChecked) {
	id := e.Tx.ID()
	delete(m.atPool, id)
	delete(m.atPool, e.Tx.WitnessID())
	p := m.byID[e.ID]
	if p != nil {
		p.txChecks--
	}
	if e.Err == nil {
		delete(m.wants, id)
		m.adopt(id)
		return
	}
	var reject *mempool.RejectError
	if errors.As(e.Err, &reject) {
		if reject.Early && p != nil {
			m.keepEarly(p, e.Tx)
		} else if len(reject.Missing) == 0 {
			// Where there is a witness another one might be valid, so only this very transaction is refused. The
			// witness id of a transaction without witness is its id.
			m.rejected.add(e.Tx.WitnessID())
		} else if p != nil {
			m.keepOrphan(p, e.Tx, reject.Missing)
		}
	}
	if w := m.wants[id]; w != nil && w.asked == 0 { // announced meanwhile
		if m.haveTx(id) {
			delete(m.wants, id)
		} else {
			m.askNext(id, w)
		}
	}
}

// keepOrphan keeps a transaction and asks its sender for the missing parents.
func (m *machine) keepOrphan(p *peer, tx *coin.Tx, missing []coin.OutPoint) {
	var parents []coin.Hash
	for _, o := range missing {
		if m.rejected.has(o.Hash) {
			m.rejected.add(tx.WitnessID())
			return
		}
		if !slices.Contains(parents, o.Hash) {
			parents = append(parents, o.Hash)
		}
	}
	if tx.Size() > maxOrphanSize || len(parents) > maxParents {
		return
	}
	if slices.ContainsFunc(m.orphans, func(o orphan) bool { return o.tx.WitnessID() == tx.WitnessID() }) {
		return
	}
	if len(m.orphans) >= maxOrphans {
		at := m.rng.IntN(len(m.orphans))
		m.orphans = slices.Delete(m.orphans, at, at+1)
	}
	m.orphans = append(m.orphans, orphan{tx: tx, from: p.id, at: m.now, missing: parents})
	for _, id := range parents {
		m.wantTx(p, id)
	}
}

// keepEarly keeps a transaction that a peer with a longer chain may rightly hold, until blocks have come.
func (m *machine) keepEarly(p *peer, tx *coin.Tx) {
	if tx.Size() > maxOrphanSize {
		return
	}
	if len(m.early) >= maxEarly {
		m.early = slices.Delete(m.early, 0, 1)
	}
	m.early = append(m.early, orphan{tx: tx, from: p.id, at: m.now})
}

// retryEarly tries the early transactions again on a new tip. Those that are still early come back.
func (m *machine) retryEarly() {
	waiting := m.early
	m.early = nil
	for _, o := range waiting {
		if p := m.byID[o.from]; p != nil && m.now.Sub(o.at) <= orphanExpiry {
			m.checkTx(p, o.tx)
		}
	}
}

// adopt tries orphans again that wait for a transaction that has come.
func (m *machine) adopt(parent coin.Hash) {
	for i := 0; i < len(m.orphans); {
		o := m.orphans[i]
		if !slices.Contains(o.missing, parent) {
			i++
			continue
		}
		m.orphans = slices.Delete(m.orphans, i, i+1)
		if p := m.byID[o.from]; p != nil {
			m.checkTx(p, o.tx)
		}
	}
}

// confirm takes note of the transactions in a block.
func (m *machine) confirm(b *coin.Block) {
	for _, tx := range b.Txs {
		m.confirmed.add(tx.ID())
		m.adopt(tx.ID())
	}
}

// announceTxs tells the peers that lack them of transactions.
func (m *machine) announceTxs(txs []PoolTx) {
	for _, p := range m.peers {
		if !p.ready || p.version.NoRelay {
			continue
		}
		for _, tx := range txs {
			if tx.FeeRate >= p.feeFilter && len(p.outInv) < msg.MaxItems && p.knownTxs.add(tx.ID) {
				p.outInv = append(p.outInv, msg.Item{Kind: msg.KindTx, Hash: tx.ID})
			}
		}
	}
}

// endTxs hands what a connection that is gone was to send to others.
func (m *machine) endTxs(p *peer) {
	m.orphans = slices.DeleteFunc(m.orphans, func(o orphan) bool { return o.from == p.id })
	for _, id := range p.txsWaiting {
		if w := m.wants[id]; w != nil {
			if i := w.announcedBy(p); i >= 0 {
				w.from = slices.Delete(w.from, i, i+1)
			}
			if w.asked == 0 {
				m.askNext(id, w)
			}
		}
	}
	if p.txsAsked == 0 {
		return
	}
	for _, d := range slices.Clone(m.deadlines) {
		if w := m.wants[d.id]; d.p == p.id && w != nil && w.asked == p.id {
			m.askNext(d.id, w)
		}
	}
}
