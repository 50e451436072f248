package chain

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"cheese/consensus"
)

// flush makes all changes so far durable, as one batch. A failure stops the chain.
func (c *Chain) flush() error {
	if err := c.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	dirty := c.dirty
	c.dirty = make(map[*node]struct{})
	c.mu.Unlock()
	if len(dirty) == 0 && c.tip == c.flushed {
		return nil
	}
	if err := c.write(dirty); err != nil {
		return c.fail(err)
	}
	c.flushed = c.tip
	c.mu.Lock()
	defer c.mu.Unlock()
	c.undo = make(map[*node][]consensus.SpentCoin)
	c.recent.next = newGeneration()
	c.recent = c.recent.next
	c.view = nil // the next one starts from the new generation, so that this one can go
	return nil
}

// write syncs the block files and then commits what refers to them.
func (c *Chain) write(dirty map[*node]struct{}) error {
	if err := c.files.sync(); err != nil {
		return err
	}
	b := c.db.db.NewBatch()
	defer b.Close()
	if err := c.fillBatch(b, dirty); err != nil {
		return err
	}
	return c.db.commit(b)
}

func (c *Chain) fillBatch(b *pebble.Batch, dirty map[*node]struct{}) error {
	if c.flushed == nil { // the first batch marks the directory as this network's
		genesis := c.params.Genesis.Hash()
		if err := errors.Join(b.Set(keyFormat, []byte{formatVersion}, nil), b.Set(keyGenesis, genesis[:], nil)); err != nil {
			return err
		}
	}
	var buf []byte
	for n := range dirty {
		r := n.record()
		buf = r.append(buf[:0])
		if err := b.Set(headerKey(n), buf, nil); err != nil {
			return err
		}
	}
	for n, spent := range c.undo {
		buf = appendUndo(buf[:0], spent)
		if err := b.Set(undoKey(n.hash), buf, nil); err != nil {
			return err
		}
	}
	if err := c.fillCoins(b); err != nil {
		return err
	}
	return b.Set(keyTip, c.tip.hash[:], nil)
}

// fillCoins writes what changed. A coin made and spent since the last flush is never written.
func (c *Chain) fillCoins(b *pebble.Batch) (err error) {
	var key, value []byte
	for o, s := range c.recent.slots {
		key = coinKey(key[:0], o)
		switch {
		case s.now != nil:
			value = appendCoin(value[:0], s.now)
			err = b.Set(key, value, nil)
		case s.base != nil:
			err = b.Delete(key, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
