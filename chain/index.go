package chain

import (
	"sync/atomic"

	"cheese/coin"
	"cheese/consensus"
)

// node is a block in the index. Plain fields are set before the node is published and never change, but for those
// that name a lock.
type node struct {
	state  consensus.State
	hash   coin.Hash
	height int32
	added  uint64 // the change that added it: order of arrival
	parent *node  // nil for genesis
	jump   *node  // a farther ancestor, so that ancestor takes few steps

	// The changes by which these became true; 0: not yet.
	childAt atomic.Uint64 // a child is known
	bodyAt  atomic.Uint64 // the body is stored; place is set before
	readyAt atomic.Uint64 // it and all its ancestors have bodies
	validAt atomic.Uint64 // connected for the first time

	ruling            atomic.Pointer[ruling] // whether it or an ancestor breaks a rule; nil: not as far as known
	place             place
	order             int64 // of two with the same work, the lower goes first: readyAt's, or what Precious says; the owner's alone
	children, sibling *node // first child, next child of the same parent; under Chain.mu
}

// newNode makes a child of parent, which is nil for genesis.
func newNode(s consensus.State, parent *node, added uint64) *node {
	n := &node{state: s, hash: s.Hash(), height: s.Height(), added: added, parent: parent}
	if parent == nil {
		return n
	}
	// Jumps as in a skew-binary list (Myers, 1983): about 2·log₂ steps to any ancestor at one pointer a node.
	n.jump = parent
	if far := parent.jump; far != nil && far.jump != nil && parent.height-far.height == far.height-far.jump.height {
		n.jump = far.jump
	}
	return n
}

// ruling says from which change on a block is invalid, or, since Reconsider takes that back, no longer so.
type ruling struct {
	at      uint64
	invalid bool
	before  *ruling
}

// invalid tells whether the block, or an ancestor, is known to break a rule.
func (n *node) invalid() bool {
	r := n.ruling.Load()
	return r != nil && r.invalid
}

// invalidBy tells whether the block was known to be invalid by a change.
func (n *node) invalidBy(change uint64) bool {
	for r := n.ruling.Load(); r != nil; r = r.before {
		if r.at <= change {
			return r.invalid
		}
	}
	return false
}

// rule records a change of mind. Chain.mu is held, or n not published yet.
func (n *node) rule(invalid bool, change uint64) {
	n.ruling.Store(&ruling{at: change, invalid: invalid, before: n.ruling.Load()})
}

func (n *node) position() Position { return Position{n.height, n.hash} }

// ancestor returns the block at a height on the chain that ends in n, nil where there is none.
func (n *node) ancestor(height int32) *node {
	if n == nil || height < 0 || height > n.height {
		return nil
	}
	for n.height > height {
		if n.jump.height >= height {
			n = n.jump
		} else {
			n = n.parent
		}
	}
	return n
}

// contains tells whether a is n or an ancestor of it.
func (n *node) contains(a *node) bool { return n.ancestor(a.height) == a }

// fork returns the last common ancestor.
func fork(a, b *node) *node {
	low := min(a.height, b.height)
	a, b = a.ancestor(low), b.ancestor(low)
	for a != b {
		if a.jump != b.jump { // both jump as far, since the heights are the same
			a, b = a.jump, b.jump
		} else {
			a, b = a.parent, b.parent
		}
	}
	return a
}

// better tells whether a has more work than b, or the same and came first.
func better(a, b *node) bool {
	switch a.state.Work().Cmp(b.state.Work()) {
	case 1:
		return true
	case 0:
		return a.added < b.added
	}
	return false
}

// MedianTime returns the median time past of the ancestor at that height (consensus.Ancestors).
func (n *node) MedianTime(height int32) uint32 {
	a := n.ancestor(height)
	if a == nil {
		return 0
	}
	return a.state.MedianTime()
}

// record returns what Pebble keeps.
func (n *node) record() record {
	return record{
		header: n.state.Header(), added: n.added, ready: n.readyAt.Load(),
		body: n.bodyAt.Load() != 0, place: n.place,
		valid: n.validAt.Load() != 0, invalid: n.invalid(),
	}
}

// index is the tree of headers. The lock of the Chain that holds it guards it.
type index struct {
	byHash map[coin.Hash]*node
	leaves map[*node]struct{} // without children
	best   *node              // most work among those not known to be invalid
}

// insert adds a node that is not there yet.
func (x *index) insert(n *node) {
	x.byHash[n.hash] = n
	x.leaves[n] = struct{}{}
	if p := n.parent; p != nil {
		delete(x.leaves, p)
		n.sibling, p.children = p.children, n
		if p.childAt.Load() == 0 {
			p.childAt.Store(n.added)
		}
	}
	if !n.invalid() && (x.best == nil || better(n, x.best)) {
		x.best = n
	}
}

// side returns how many nodes are not on the best header's chain.
func (x *index) side() int { return len(x.byHash) - int(x.best.height) - 1 }

// condemn marks a node and its descendants invalid by the given change, calls touched for each, and finds the best
// header again.
func (x *index) condemn(n *node, change uint64, touched func(*node)) {
	todo := []*node{n}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n.invalid() {
			continue // and so are its descendants
		}
		n.rule(true, change)
		touched(n)
		for c := n.children; c != nil; c = c.sibling {
			todo = append(todo, c)
		}
	}
	if x.best.invalid() {
		x.findBest()
	}
}

// clear takes back that a node, its ancestors and its descendants are invalid, calls touched for each that was, and
// finds the best header again.
func (x *index) clear(n *node, change uint64, touched func(*node)) {
	clear := func(n *node) {
		if n.invalid() {
			n.rule(false, change)
			touched(n)
		}
	}
	for a := n.parent; a != nil; a = a.parent {
		clear(a)
	}
	for todo := []*node{n}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		clear(n)
		for c := n.children; c != nil; c = c.sibling {
			todo = append(todo, c)
		}
	}
	x.findBest()
}

// findBest finds the header with the most work among those not known to be invalid. Genesis never is.
func (x *index) findBest() {
	x.best = nil
	for leaf := range x.leaves {
		for leaf.invalid() {
			leaf = leaf.parent
		}
		if x.best == nil || better(leaf, x.best) {
			x.best = leaf
		}
	}
}
