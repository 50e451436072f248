package mempool

import (
	"fmt"
	"slices"

	"cheese/chain"
	"cheese/coin"
)

const (
	// updateBatch is how many blocks are asked of the chain at a time.
	updateBatch = 16
	// maxReturned bounds the transactions of reverted blocks that are kept to be taken in again, in serialized bytes, as
	// Core's MAX_DISCONNECTED_TX_POOL_BYTES.
	maxReturned = 20_000_000
	// maxUndone is how many blocks that no others replace, since an operator invalidated them, give back their
	// transactions, the last ones first, as in Core's InvalidateBlock.
	maxUndone = 10
)

// catchUp follows the chain to its tip. p.mu is held. Where it fails, the next call goes on where it stopped.
func (p *Pool) catchUp() error {
	select {
	case <-p.heard:
	default:
		if !p.behind {
			return nil
		}
	}
	heard, past := p.chain.Changed(), p.chain.View()
	p.behind = true
	if p.graph.entries.len == 0 && len(p.returned) == 0 && len(p.deltas) == 0 && past.Contains(p.at.Hash) {
		if p.at != past.Position() {
			p.floor.blockCame(p.o.Now())
		}
		p.at = past.Position() // nothing here that a block could confirm: no need to read them
	}
	for p.at != past.Position() {
		updates, err := past.Updates(p.at, updateBatch)
		if err != nil {
			return fmt.Errorf("pool at height %d: %w", p.at.Height, err)
		}
		for i := range updates {
			p.step(&updates[i])
			p.at = updates[i].Next()
		}
		if len(updates) == 0 {
			break
		}
	}
	p.past, p.heard = past, heard
	p.stale, p.generation = true, p.generation+1
	if p.reorged {
		if err := p.settle(); err != nil {
			return fmt.Errorf("pool after a reorg to height %d: %w", p.at.Height, err)
		}
	}
	p.behind, p.reorged, p.returned, p.undone = false, false, nil, 0
	return nil
}

// step takes note of a block that came or went. What a reverted block held waits in p.returned until settle, since
// the blocks to come may well confirm it again, or spend the same otherwise.
func (p *Pool) step(u *chain.Update) {
	if u.Revert {
		p.reorged = true
		p.undone++
		p.returned = append(p.returned, unshare(u.Block.Txs[1:]))
		p.boundReturned()
		return
	}
	p.undone = 0
	p.floor.blockCame(p.o.Now())
	for _, tx := range u.Block.Txs[1:] {
		if e, ok := p.graph.entries.get(tx.ID()); ok {
			p.remove([]*Entry{e}, ReasonBlock)
		}
		p.remove(p.graph.family(p.graph.conflicts(tx)), ReasonConflict)
		delete(p.deltas, tx.ID())
		p.graph.deltas = len(p.deltas)
	}
}

// unshare copies transactions out of their block, whose whole buffer each of them would keep in memory.
func unshare(txs []*coin.Tx) []*coin.Tx {
	copies := make([]*coin.Tx, 0, len(txs))
	for _, tx := range txs {
		if tx, err := coin.ParseTx(tx.Bytes()); err == nil { // it was parsed before
			copies = append(copies, tx)
		}
	}
	return copies
}

// boundReturned drops the youngest returned transactions beyond the limit.
func (p *Pool) boundReturned() {
	size := 0
	for i := len(p.returned) - 1; i >= 0; i-- {
		for k, tx := range p.returned[i] {
			if size += tx.Size(); size > maxReturned {
				p.returned[i] = p.returned[i][:k:k]
				clear(p.returned[:i])
				return
			}
		}
	}
}

// settle takes returned transactions in again and drops whatever the reorg made invalid. After a reorg Core takes them in
// together, oldest first. Blocks that an operator invalidated it reverts one by one, so that a transaction of an upper one
// is judged while what it spends in a lower one still counts as confirmed.
func (p *Pool) settle() error {
	t := terms{when: p.o.Now(), returns: true, alone: true, evicts: true}
	if p.undone < len(p.returned) {
		for _, txs := range slices.Backward(p.returned) {
			p.comeBack(txs, t)
		}
	} else {
		t.before = map[coin.Hash]*coin.Tx{}
		for _, tx := range slices.Concat(p.returned...) {
			t.before[tx.ID()] = tx
		}
		for _, txs := range p.returned[:min(maxUndone, len(p.returned))] {
			for _, tx := range txs {
				delete(t.before, tx.ID())
			}
			p.comeBack(txs, t)
		}
	}
	if err := p.audit(); err != nil {
		return err
	}
	p.trim(p.o.Now())
	return nil
}

// comeBack takes in transactions of a reverted block, as far as they are still welcome.
func (p *Pool) comeBack(txs []*coin.Tx, t terms) {
	for _, tx := range txs {
		err := p.checkAlone(tx)
		var c *candidate
		if err == nil {
			c, err = p.judge(tx, t)
		}
		if err == nil {
			err = p.verify(c)
		}
		if err != nil {
			p.o.Logger.Debug("transaction of a reverted block does not come back", "txid", tx.ID(), "err", err)
			continue
		}
		p.remove(c.replaced, ReasonReplaced)
		p.add(c.entry)
	}
}

// audit checks every entry against the chain anew, scripts aside: a reorg may have taken away the outputs it spends, or
// time that its locks need. That reads all coins the pool spends, which a rare event may cost.
func (p *Pool) audit() error {
	entries := make([]*Entry, 0, p.graph.entries.len)
	for _, e := range p.graph.entries.all() {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, compareTopology)
	for _, e := range entries {
		e, ok := p.graph.entries.get(e.ID)
		if !ok {
			continue // went with an ancestor
		}
		in, err := p.inputsOf(e.Tx, nil)
		if err != nil {
			return err
		}
		if len(in.missing) > 0 || p.checkLocks(e.Tx, in) != nil || p.checkMoney(e.Tx, in, nil) != nil ||
			e.Ancestors.Count > p.o.Limits.AncestorCount || e.Ancestors.VSize > p.o.Limits.AncestorSize {
			p.remove(p.graph.family([]*Entry{e}), ReasonReorg)
		}
	}
	return nil
}
