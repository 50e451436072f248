package chain

import (
	"errors"
	"fmt"
	"math/big"

	"cheese/coin"
)

// ErrGenesis is returned by Invalidate for the network's first block.
var ErrGenesis = errors.New("the first block cannot be invalid")

// errByHand is the log's reason for what Invalidate was asked for.
var errByHand = errors.New("by hand")

// Invalidate marks a block and its descendants invalid, as if they broke a rule, and goes back to the best branch
// that is left. When it returns that is durable. Readers' cursors are led back block by block (Updates). Errors:
// ErrUnknown, ErrGenesis, ErrClosed, or what Err returns.
//
// Unlike Bitcoin Core 28, which marks descendants on side branches when it next meets them, all are marked at once.
func (c *Chain) Invalidate(h coin.Hash) error {
	return c.surgery("invalidate", h, func(n *node) error {
		if n.parent == nil {
			return ErrGenesis
		}
		if c.tip.contains(n) {
			if err := c.retreat(n.parent); err != nil {
				return c.fail(err)
			}
		}
		c.condemn(n, errByHand)
		return nil
	})
}

// Reconsider takes back that a block, its ancestors and its descendants are invalid, be it by Invalidate or by a
// rule, and connects the best branch; what breaks a rule is found out again then. When it returns that is durable.
// Errors: ErrUnknown, ErrClosed, or what Err returns.
func (c *Chain) Reconsider(h coin.Hash) error {
	return c.surgery("reconsider", h, func(n *node) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.index.clear(n, c.bump(), func(n *node) { c.dirty[n] = struct{}{} })
		c.ring()
		return nil
	})
}

// preciousness numbers the blocks that Precious named since the tip's work last grew; later ones get lower numbers.
type preciousness struct {
	work *big.Int // of the tip at the last call; nil: none yet
	last int64
}

// Precious treats a block as if it had come before all others with the same work, until one with more comes. Like
// Bitcoin Core's preciousblock it does nothing for a block with less work than the tip, and a later call overrides
// an earlier one. After a restart the tip alone is still preferred. Errors: ErrUnknown, ErrClosed, or what Err returns.
func (c *Chain) Precious(h coin.Hash) error {
	return c.surgery("prefer", h, func(n *node) error {
		work := c.tip.state.Work()
		if n.state.Work().Cmp(work) < 0 {
			return nil
		}
		if p := &c.precious; p.work == nil || work.Cmp(p.work) > 0 {
			p.last = 0
		}
		c.precious.work = work
		c.precious.last--
		n.order = c.precious.last
		return nil
	})
}

// surgery has the owner change its mind about a block and follow the branch that is best then.
func (c *Chain) surgery(verb string, h coin.Hash, change func(*node) error) error {
	return c.ask(func() error {
		if err := c.Err(); err != nil {
			return err
		}
		n := c.find(h)
		if n == nil {
			return fmt.Errorf("%s block %v: %w", verb, h, ErrUnknown)
		}
		if err := change(n); err != nil {
			return fmt.Errorf("%s block %v: %w", verb, h, err)
		}
		c.findCandidates()
		if _, err := c.activate(); err != nil {
			return c.fail(err)
		}
		return c.flush()
	})
}

// findCandidates looks at the whole index for blocks that go before the tip.
func (c *Chain) findCandidates() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, n := range c.index.byHash {
		if n.readyAt.Load() != 0 {
			c.consider(n)
		}
	}
}

// retreat moves the tip back to an ancestor. Readers may see it halfway where the cache cannot hold it all.
func (c *Chain) retreat(to *node) error {
	o := c.newOverlay()
	for n := c.tip; n != to; n = n.parent {
		if err := c.disconnect(o, n); err != nil {
			return fmt.Errorf("disconnect %v: %w", n.hash, err)
		}
		if n.parent == to || int64(len(o.changes))*slotBytes > c.o.CacheBytes {
			c.publish(o, n.parent)
			o = c.newOverlay()
		}
		if c.recent.bytes > c.o.CacheBytes {
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}
