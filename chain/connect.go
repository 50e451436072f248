package chain

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

// process takes a block through all stages and returns the verdict.
func (c *Chain) process(b *coin.Block) error {
	if err := c.Err(); err != nil {
		return err
	}
	n, err := c.prepare(b)
	if err != nil {
		return err
	}
	if err := c.store(n, b); err != nil {
		return c.fail(err)
	}
	why, err := c.activate()
	if err != nil {
		return c.fail(err)
	}
	if err := why[n]; err != nil {
		return err
	}
	if c.recent.bytes > c.o.CacheBytes {
		return c.flush()
	}
	return nil
}

// prepare is the stage that needs no coins: it checks header and shape, in Core's order, and returns the block's node.
// A block that fails before its header is in the index leaves no trace, and its child's parent is unknown.
func (c *Chain) prepare(b *coin.Block) (*node, error) {
	hash := b.Hash()
	n, parent := c.find(hash), c.find(b.Prev)
	switch {
	case n != nil && n.invalid():
		return nil, invalidBefore()
	case n != nil && n.bodyAt.Load() != 0:
		return nil, ErrDuplicate
	}
	if err := consensus.CheckWork(c.params, b.Header, hash); err != nil {
		return nil, err
	}
	if err := consensus.CheckStructure(b); err != nil {
		if n != nil { // its header came before it; Core leaves that as it is, and looks for another body for ever
			c.blame(n, err)
		}
		return nil, err
	}
	if n == nil {
		err := checkParent(parent, b.Header, hash)
		if err != nil {
			return nil, err
		}
		state, err := parent.state.CheckHeader(b.Header, c.o.Now())
		if err != nil {
			return nil, err
		}
		if n, err = c.admit(state, parent); err != nil {
			return nil, err
		}
	}
	if err := parent.state.CheckPlace(b); err != nil {
		c.blame(n, err)
		return nil, err
	}
	return n, nil
}

// blame condemns a block for its body, unless that may not be the header's.
func (c *Chain) blame(n *node, err error) {
	if rule, ok := reject(err); ok && rule.Kind == consensus.Invalid {
		c.condemn(n, err)
	}
}

// admit adds the header of a block that comes by itself.
func (c *Chain) admit(s consensus.State, parent *node) (*node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.index.byHash[s.Hash()] == nil && c.index.side() >= c.o.MaxSide && s.Work().Cmp(c.index.best.state.Work()) <= 0 {
		return nil, ErrTooManyHeaders
	}
	n := c.insert(s, parent)
	c.ring()
	return n, nil
}

// store is the stage that appends the body to the block files.
func (c *Chain) store(n *node, b *coin.Block) error {
	p, err := c.files.append(b.Bytes())
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n.place = p
	n.bodyAt.Store(c.bump())
	c.dirty[n] = struct{}{}
	c.bodies.add(n.hash, b)
	if n.parent.readyAt.Load() != 0 {
		c.makeReady(n)
	}
	c.ring()
	return nil
}

// makeReady marks n and those descendants that waited for it as connectable, siblings in the order in which their
// bodies came. c.mu is held.
func (c *Chain) makeReady(n *node) {
	todo := []*node{n}
	for len(todo) > 0 {
		n := todo[0]
		at := c.bump()
		n.readyAt.Store(at)
		n.order = int64(at)
		c.dirty[n] = struct{}{}
		c.consider(n)
		var waiting []*node
		for child := n.children; child != nil; child = child.sibling {
			if child.bodyAt.Load() != 0 {
				waiting = append(waiting, child)
			}
		}
		slices.SortFunc(waiting, func(a, b *node) int {
			return cmp.Or(cmp.Compare(a.bodyAt.Load(), b.bodyAt.Load()), cmp.Compare(a.added, b.added))
		})
		todo = append(todo[1:], waiting...)
	}
}

// ahead tells whether a goes before b as the tip: it has more work, or the same and was ready first.
func ahead(a, b *node) bool {
	if more := a.state.Work().Cmp(b.state.Work()); more != 0 {
		return more > 0
	}
	return a.order < b.order
}

// consider makes n a candidate if it may become the tip.
func (c *Chain) consider(n *node) {
	if !n.invalid() && ahead(n, c.tip) {
		c.candidates[n] = struct{}{}
	}
}

// candidate returns the best block that may become the tip, nil where the tip is best.
func (c *Chain) candidate() (best *node) {
	for n := range c.candidates {
		switch {
		case n.invalid() || !ahead(n, c.tip):
			delete(c.candidates, n)
		case best == nil || ahead(n, best):
			best = n
		}
	}
	return best
}

// activate moves the tip to the best candidate until there is none, and returns why each block that turned out
// invalid on the way is so. The error is the store's.
func (c *Chain) activate() (why map[*node]error, err error) {
	for {
		target := c.candidate()
		if target == nil {
			return why, nil
		}
		bad, err := c.switchTo(target)
		rule, ok := reject(err)
		switch {
		case err == nil:
		case !ok:
			return why, err
		default:
			if why == nil {
				why = make(map[*node]error)
			}
			why[bad] = rule
			c.condemn(bad, rule)
		}
	}
}

// switchTo moves the tip to target, which goes before it:
//
//	fork ── a1 ── a2 (tip)
//	    └── b1 ── b2 ── b3 (target)
//
// a2 and a1 are disconnected and b1 to b3 connected in an overlay, which is published as soon as it has more work
// than the tip, or is complete. A *consensus.RuleError comes with the block that broke the rule; the tip is then where it was, or
// further on towards target.
func (c *Chain) switchTo(target *node) (bad *node, err error) {
	fork := fork(c.tip, target)
	o := c.newOverlay()
	for n := c.tip; n != fork; n = n.parent {
		if err := c.disconnect(o, n); err != nil {
			return nil, fmt.Errorf("disconnect %v: %w", n.hash, err)
		}
	}
	path := make([]*node, target.height-fork.height)
	for n := target; n != fork; n = n.parent {
		path[n.height-fork.height-1] = n
	}
	for _, n := range path {
		if err := c.connect(o, n); err != nil {
			c.keep(o)
			return n, err
		}
		if n == target || n.state.Work().Cmp(c.tip.state.Work()) > 0 {
			c.publish(o, n)
			o = c.newOverlay()
		}
		if c.recent.bytes > c.o.CacheBytes {
			if err := c.flush(); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// disconnect takes a block back in an overlay.
func (c *Chain) disconnect(o *overlay, n *node) error {
	b, err := c.body(n)
	if err != nil {
		return err
	}
	spent, err := c.undoOf(n, b)
	if err != nil {
		return err
	}
	o.disconnect(n, b, spent)
	return nil
}

// connect checks a block's money and scripts and applies it in an overlay.
func (c *Chain) connect(o *overlay, n *node) error {
	b, err := c.body(n)
	if err != nil {
		return fmt.Errorf("connect %v: %w", n.hash, err)
	}
	diff, checks, err := n.parent.state.Connect(b, o, n.parent)
	if o.err != nil {
		return fmt.Errorf("connect %v: %w", n.hash, o.err)
	}
	if err != nil {
		return err
	}
	if err := c.o.Verifier.Verify(checks); err != nil {
		return scriptFailure(err)
	}
	o.connect(n, &diff)
	return nil
}

// scriptFailure gives a failed script check Core's reason.
func scriptFailure(err error) error {
	var failed *script.Error
	if !errors.As(err, &failed) {
		return fmt.Errorf("verify scripts: %w", err)
	}
	return &consensus.RuleError{
		Reason: "mandatory-script-verify-flag-failed (" + failed.Text + ")",
		Detail: fmt.Sprintf("input %d of %v", failed.Input, failed.TxID),
	}
}

// publish is the commit stage: readers see the overlay's blocks from here on, n as the tip.
func (c *Chain) publish(o *overlay, n *node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.bump()
	for out, change := range o.changes {
		if change.was != nil || change.now != nil {
			c.recent.put(out, change, at)
		}
	}
	c.approve(o, at)
	reorg := n.parent != c.tip
	from := c.tip
	c.tip = n
	c.ring()
	if reorg {
		c.log.Info("reorganization", "from", from.hash, "to", n.hash, "height", n.height, "disconnected", from.height-fork(from, n).height)
	}
}

// keep remembers of an overlay that leads nowhere that its blocks could be connected.
func (c *Chain) keep(o *overlay) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.approve(o, c.bump())
	c.ring()
}

// approve records that an overlay's blocks keep the rules, and what undoes them. c.mu is held.
func (c *Chain) approve(o *overlay, at uint64) {
	for n, spent := range o.undo {
		c.undo[n] = spent
		c.recent.bytes += int64(len(spent)) * slotBytes
		if n.validAt.Load() == 0 {
			n.validAt.Store(at)
			c.dirty[n] = struct{}{}
		}
	}
}

// condemn marks a block and all that build on it invalid.
func (c *Chain) condemn(n *node, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.index.condemn(n, c.bump(), func(n *node) { c.dirty[n] = struct{}{} })
	c.ring()
	c.log.Warn("block is invalid", "block", n.hash, "height", n.height, "reason", why)
}
