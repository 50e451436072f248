package chain

import (
	"fmt"

	"cheese/coin"
	"cheese/consensus"
)

const (
	// maxRecentBodies and maxRecentBytes bound the blocks kept parsed, since a new block is read by connect, pool,
	// wallet, relay and window in turn.
	maxRecentBodies = 32
	maxRecentBytes  = 8 << 20
)

// recentBodies keeps the last blocks that were stored. Chain.mu guards it.
type recentBodies struct {
	byHash map[coin.Hash]*coin.Block
	order  []coin.Hash
	bytes  int
}

func (r *recentBodies) add(h coin.Hash, b *coin.Block) {
	if r.byHash == nil {
		r.byHash = make(map[coin.Hash]*coin.Block)
	}
	r.byHash[h] = b
	r.order = append(r.order, h)
	r.bytes += b.Size()
	for len(r.order) > maxRecentBodies || r.bytes > maxRecentBytes && len(r.order) > 1 {
		oldest := r.order[0]
		r.order = r.order[1:]
		r.bytes -= r.byHash[oldest].Size()
		delete(r.byHash, oldest)
	}
}

// body returns a stored block.
func (c *Chain) body(n *node) (*coin.Block, error) {
	c.mu.RLock()
	b := c.bodies.byHash[n.hash]
	c.mu.RUnlock()
	if b != nil {
		return b, nil
	}
	if n.bodyAt.Load() == 0 {
		return nil, ErrNoBody
	}
	return c.files.block(n.place, n.hash)
}

// undoOf returns the coins that a block spent, which was connected once.
func (c *Chain) undoOf(n *node, b *coin.Block) ([]consensus.SpentCoin, error) {
	c.mu.RLock()
	spent, ok := c.undo[n]
	c.mu.RUnlock()
	if ok || n.parent == nil {
		return spent, nil
	}
	raw, err := c.db.get(undoKey(n.hash)) // after the look in memory: a flush commits before it forgets
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, fmt.Errorf("block %v was never connected", n.hash)
	}
	if spent, err = parseUndo(raw, b); err != nil {
		return nil, fmt.Errorf("undo data of block %v: %w", n.hash, err)
	}
	return spent, nil
}
