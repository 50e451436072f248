package chain

import (
	"cmp"
	"fmt"
	"slices"

	"cheese/coin"
	"cheese/consensus"
)

// Position names a block. The zero Position stands before the network's first block.
type Position struct {
	Height int32
	Hash   coin.Hash
}

// String returns "height hash".
func (p Position) String() string { return fmt.Sprintf("%d %v", p.Height, p.Hash) }

// PositionOf returns where a state stands.
func PositionOf(s consensus.State) Position { return Position{s.Height(), s.Hash()} }

// Status says how far a block got.
type Status int

const (
	// HeaderOnly is a block whose header fits and whose body is not here.
	HeaderOnly Status = iota
	// Stored is a block whose body is here and was never connected.
	Stored
	// Valid is a block on a side branch that was on the best chain once, or connected fully.
	Valid
	// Active is a block on the best chain.
	Active
	// Invalid is a block that breaks a rule, or builds on one that does.
	Invalid
)

// String returns what getchaintips of Bitcoin Core calls a branch that ends in such a block.
func (s Status) String() string {
	return [...]string{"headers-only", "valid-headers", "valid-fork", "active", "invalid"}[s]
}

// Entry is what the index knows of a block.
type Entry struct {
	Position
	Header   coin.Header
	State    consensus.State // after the block
	HasBody  bool
	Status   Status
	Received uint64 // rises in the order in which headers arrived
}

// Tip is the end of a branch.
type Tip struct {
	Position
	Status    string // as Status has it
	BranchLen int32  // blocks since the branch left the best chain, 0 for the best chain itself
}

// View is the chain as it was at one moment. It is safe for concurrent use, never changes, and needs no Close; taking
// one is cheap. It keeps in memory the coins that have changed since it was taken, so do not hold one for minutes.
type View struct {
	c      *Chain
	change uint64 // what is stamped later is not in the view
	tip    *node
	best   *node // header with the most work
	coins  *generation
}

// View returns the chain as it is now. Between two changes it is the same one.
func (c *Chain) View() *View {
	c.mu.RLock()
	v := c.view
	c.mu.RUnlock()
	if v != nil {
		return v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.view == nil {
		c.view = &View{c: c, change: c.change, tip: c.tip, best: c.index.best, coins: c.recent}
	}
	return c.view
}

// Tip returns the state after the last block of the best chain.
func (v *View) Tip() consensus.State { return v.tip.state }

// Position returns where the best chain ends.
func (v *View) Position() Position { return v.tip.position() }

// BestHeader returns the state after the header with the most work that is not known to be invalid. Its body, and
// those of its last ancestors, may not be here yet.
func (v *View) BestHeader() consensus.State { return v.best.state }

// happened tells whether a fact stamped so is in the view.
func (v *View) happened(stamp uint64) bool { return stamp != 0 && stamp <= v.change }

func (v *View) find(h coin.Hash) *node {
	n := v.c.find(h)
	if n == nil || n.added > v.change {
		return nil
	}
	return n
}

func (v *View) entry(n *node) (Entry, bool) {
	if n == nil {
		return Entry{}, false
	}
	return Entry{
		Position: n.position(), Header: n.state.Header(), State: n.state,
		HasBody: v.happened(n.bodyAt.Load()), Status: v.status(n), Received: n.added,
	}, true
}

func (v *View) status(n *node) Status {
	switch {
	case n.invalidBy(v.change):
		return Invalid
	case v.tip.contains(n):
		return Active
	case v.happened(n.validAt.Load()):
		return Valid
	case v.happened(n.bodyAt.Load()):
		return Stored
	}
	return HeaderOnly
}

// ByHash finds a block, on whatever branch.
func (v *View) ByHash(h coin.Hash) (Entry, bool) { return v.entry(v.find(h)) }

// ByHeight finds a block of the best chain.
func (v *View) ByHeight(height int32) (Entry, bool) { return v.entry(v.tip.ancestor(height)) }

// Contains tells whether a block is on the best chain.
func (v *View) Contains(h coin.Hash) bool {
	n := v.find(h)
	return n != nil && v.tip.contains(n)
}

// Ancestor finds the block at a height on the branch that ends in h.
func (v *View) Ancestor(h coin.Hash, height int32) (Entry, bool) {
	return v.entry(v.find(h).ancestor(height))
}

// Fork finds the last common ancestor of two blocks.
func (v *View) Fork(a, b coin.Hash) (Entry, bool) {
	m, n := v.find(a), v.find(b)
	if m == nil || n == nil {
		return Entry{}, false
	}
	return v.entry(fork(m, n))
}

// HasBody tells whether a block's body is here.
func (v *View) HasBody(h coin.Hash) bool {
	n := v.find(h)
	return n != nil && v.happened(n.bodyAt.Load())
}

// Block returns a block, which the caller must not change. Errors: ErrUnknown, ErrNoBody, *CorruptError.
func (v *View) Block(h coin.Hash) (*coin.Block, error) {
	n := v.find(h)
	if n == nil {
		return nil, fmt.Errorf("block %v: %w", h, ErrUnknown)
	}
	b, err := v.c.body(n)
	if err != nil {
		return nil, fmt.Errorf("block %v: %w", h, err)
	}
	return b, nil
}

// Undo returns the coins that a block spent, one for each input but the coinbase's, in the block's order. The block
// must have been connected once.
func (v *View) Undo(h coin.Hash) ([]consensus.SpentCoin, error) {
	b, err := v.Block(h)
	if err != nil {
		return nil, err
	}
	return v.c.undoOf(v.find(h), b)
}

// MedianTime returns the median time past of the best chain's block at a height (consensus.Ancestors), 0 where
// there is none.
func (v *View) MedianTime(height int32) uint32 { return v.tip.MedianTime(height) }

// denseLocator is how many hashes at a locator's front name consecutive blocks, before the steps double.
const denseLocator = 10

// Locator describes the branch that ends in h to a peer: the last blocks, then fewer and fewer, and the first. It is
// nil for an unknown h.
func (v *View) Locator(h coin.Hash) (locator []coin.Hash) {
	n := v.find(h)
	for step := int32(1); n != nil; n = n.ancestor(max(n.height-step, 0)) {
		locator = append(locator, n.hash)
		if n.height == 0 {
			break
		}
		if len(locator) > denseLocator {
			step *= 2
		}
	}
	return locator
}

// AfterLocator returns up to max headers of the best chain after the first block of the locator that is on it (after
// the network's first block where none is), up to and with stop, if it comes. An empty locator asks for stop alone.
func (v *View) AfterLocator(locator []coin.Hash, stop coin.Hash, max int) (headers []coin.Header) {
	if len(locator) == 0 {
		if n := v.find(stop); n != nil {
			headers = append(headers, n.state.Header())
		}
		return headers
	}
	from := int32(0)
	for _, h := range locator {
		if n := v.find(h); n != nil && v.tip.contains(n) {
			from = n.height
			break
		}
	}
	for _, n := range v.tip.path(from, max) {
		headers = append(headers, n.state.Header())
		if n.hash == stop {
			break
		}
	}
	return headers
}

// path returns up to max blocks above a height on the chain that ends in n, lowest first.
func (n *node) path(above int32, max int) []*node {
	count := min(int64(n.height)-int64(above), int64(max))
	if count <= 0 {
		return nil
	}
	path := make([]*node, count)
	for a := n.ancestor(above + int32(count)); count > 0; a = a.parent {
		count--
		path[count] = a
	}
	return path
}

// Tips returns the ends of all branches, the highest first, with the statuses of Core's getchaintips. Unlike Entry's,
// they say headers-only where the body of an ancestor is missing.
func (v *View) Tips() (tips []Tip) {
	c := v.c
	c.mu.RLock()
	ends := make(map[*node]struct{})
	for n := range c.index.leaves {
		for n != nil && n.added > v.change {
			n = n.parent
		}
		if n != nil && !v.happened(n.childAt.Load()) {
			ends[n] = struct{}{}
		}
	}
	c.mu.RUnlock()
	for n := range ends {
		status := v.status(n)
		if status == Stored && !v.happened(n.readyAt.Load()) {
			status = HeaderOnly
		}
		tips = append(tips, Tip{n.position(), status.String(), n.height - fork(n, v.tip).height})
	}
	if _, end := ends[v.tip]; !end { // headers go on beyond it
		tips = append(tips, Tip{v.tip.position(), Active.String(), 0})
	}
	slices.SortFunc(tips, func(a, b Tip) int { return cmp.Or(cmp.Compare(b.Height, a.Height), a.Hash.Compare(b.Hash)) })
	return tips
}

// missingStep is how many blocks Missing looks at in one go.
const missingStep = 512

// Missing returns up to max blocks on the best header's chain whose bodies are not here, lowest first.
func (v *View) Missing(max int) (missing []Position) {
	from := fork(v.tip, v.best).height
	for len(missing) < max {
		path := v.best.path(from, missingStep)
		if len(path) == 0 {
			break
		}
		for _, n := range path {
			if len(missing) < max && !v.happened(n.bodyAt.Load()) {
				missing = append(missing, n.position())
			}
		}
		from += int32(len(path))
	}
	return missing
}
