package chain

import (
	"fmt"

	"cheese/coin"
	"cheese/consensus"
)

// AddHeaders adds a contiguous batch, each header the child of the one before; those known already are skipped. A
// *consensus.RuleError names the first header that does not fit (MissingParent where the first has no known parent,
// TooNew where one is ahead of the clock); those before it are kept. ErrTooManyHeaders is not the sender's fault.
func (c *Chain) AddHeaders(headers []coin.Header) error {
	if err := c.Err(); err != nil {
		return err
	}
	for i := 1; i < len(headers); i++ {
		if headers[i].Prev != headers[i-1].Hash() {
			return &consensus.RuleError{Reason: "non-continuous-headers", Detail: "headers are not a chain"}
		}
	}
	states, parent, err := c.checkHeaders(headers)
	if len(states) == 0 {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.index.side()+len(states) > c.o.MaxSide && states[len(states)-1].Work().Cmp(c.index.best.state.Work()) <= 0 {
		return ErrTooManyHeaders
	}
	for _, s := range states {
		parent = c.insert(s, parent)
	}
	c.ring()
	return err
}

// checkHeaders returns the states of those headers that are new and good, and the node they follow. It does not
// hold the lock while it checks, so another caller may add the same ones meanwhile.
func (c *Chain) checkHeaders(headers []coin.Header) (states []consensus.State, parent *node, err error) {
	for i := range headers {
		hash := headers[i].Hash()
		if len(states) == 0 {
			known, above := c.find(hash), c.find(headers[i].Prev)
			if known != nil {
				if known.invalid() {
					return nil, nil, invalidBefore()
				}
				continue
			}
			err := consensus.CheckWork(c.params, headers[i], hash) // made-up headers get no further
			if err == nil {
				err = checkParent(above, headers[i], hash)
			}
			if err != nil {
				return nil, nil, err
			}
			parent = above
			states = append(states, above.state) // replaced by the child's below
		} else {
			states = append(states, states[len(states)-1])
		}
		last := len(states) - 1
		states[last], err = states[last].CheckHeader(headers[i], c.o.Now())
		if err != nil {
			return states[:last], parent, fmt.Errorf("header %v: %w", hash, err)
		}
	}
	return states, parent, nil
}

// checkParent checks that a header's parent is one to build on.
func checkParent(parent *node, h coin.Header, hash coin.Hash) error {
	if parent == nil {
		return &consensus.RuleError{Reason: "prev-blk-not-found", Detail: fmt.Sprintf("parent %v is not known", h.Prev), Kind: consensus.MissingParent}
	}
	if parent.invalid() {
		return &consensus.RuleError{Reason: "bad-prevblk", Detail: fmt.Sprintf("ancestor of %v is invalid", hash)}
	}
	return nil
}

// invalidBefore is what a block found invalid earlier gets from then on.
func invalidBefore() error {
	return &consensus.RuleError{Reason: "duplicate-invalid", Detail: "the block was found invalid before"}
}

// find looks a block up.
func (c *Chain) find(h coin.Hash) *node {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.index.byHash[h]
}

// insert adds a header to the index unless it is there, and returns its node. c.mu is held.
func (c *Chain) insert(s consensus.State, parent *node) *node {
	if n := c.index.byHash[s.Hash()]; n != nil {
		return n
	}
	n := newNode(s, parent, c.bump())
	if parent != nil && parent.invalid() {
		n.rule(true, c.change) // it was found invalid while the header was checked
	}
	c.index.insert(n)
	c.dirty[n] = struct{}{}
	return n
}
