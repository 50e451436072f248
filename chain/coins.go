package chain

import (
	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

// slot is what a generation knows of one outpoint: its coin before the generation, and after each change since.
type slot struct {
	base  *consensus.Coin // before the generation; nil: none
	now   *consensus.Coin // from change at on; nil: spent
	at    uint64
	older *slot // what held from an earlier change on; nil: base
}

// value returns what holds at a change.
func (s *slot) value(change uint64) *consensus.Coin {
	for p := s; p != nil; p = p.older {
		if p.at <= change {
			return p.now
		}
	}
	return s.base
}

// generation holds the coins that changed between two flushes. The owner alone writes, under Chain.mu.
type generation struct {
	slots map[coin.OutPoint]slot
	bytes int64       // rough size
	next  *generation // set when this one is flushed
}

func newGeneration() *generation { return &generation{slots: make(map[coin.OutPoint]slot)} }

// slotBytes is about what a slot and its coin take beside the script, the map's own share included.
const slotBytes = 200

func (g *generation) put(o coin.OutPoint, c coinChange, at uint64) {
	s, known := g.slots[o]
	if known {
		older := s
		g.slots[o] = slot{base: s.base, now: c.now, at: at, older: &older}
	} else {
		g.slots[o] = slot{base: c.was, now: c.now, at: at}
	}
	g.bytes += slotBytes
	if c.now != nil {
		g.bytes += int64(len(c.now.Out.Script))
	}
}

// touched returns what held, at a change, for each outpoint that this generation or a later one changed.
func (g *generation) touched(change uint64) map[coin.OutPoint]*consensus.Coin {
	all := make(map[coin.OutPoint]*consensus.Coin, len(g.slots))
	for o, s := range g.slots {
		all[o] = s.value(change)
	}
	for g = g.next; g != nil; g = g.next {
		for o, s := range g.slots {
			if _, known := all[o]; !known {
				all[o] = s.base
			}
		}
	}
	return all
}

// coinChange is what an overlay does to an outpoint.
type coinChange struct{ was, now *consensus.Coin }

// overlay is the chain's coins with the changes of blocks that are being connected or disconnected on top. It is how
// a branch is tried without touching what readers see.
type overlay struct {
	c       *Chain
	changes map[coin.OutPoint]coinChange
	undo    map[*node][]consensus.SpentCoin // of the blocks connected here
	err     error                           // the first failure to read a coin, which Coin cannot return
}

func (c *Chain) newOverlay() *overlay {
	return &overlay{c: c, changes: make(map[coin.OutPoint]coinChange), undo: make(map[*node][]consensus.SpentCoin)}
}

// Coin finds an unspent output (consensus.Coins).
func (o *overlay) Coin(at coin.OutPoint) (consensus.Coin, bool) {
	found := (*consensus.Coin)(nil)
	if ch, ok := o.changes[at]; ok {
		found = ch.now
	} else if s, ok := o.c.recent.slots[at]; ok { // the owner is the only writer, so it reads without a lock
		found = s.now
	} else if o.err == nil {
		found, o.err = o.c.db.coin(at)
	}
	if found == nil {
		return consensus.Coin{}, false
	}
	return *found, true
}

// set records that an outpoint that held was holds now.
func (o *overlay) set(at coin.OutPoint, was, now *consensus.Coin) {
	if ch, ok := o.changes[at]; ok {
		was = ch.was
	}
	o.changes[at] = coinChange{was, now}
}

// connect applies what consensus found a block to do.
func (o *overlay) connect(n *node, d *consensus.Diff) {
	made := detach(d.Created)
	for i := range made {
		o.set(d.Created[i].OutPoint, nil, &made[i])
	}
	for i := range d.Spent {
		s := &d.Spent[i]
		if s.Coin.Height == n.height { // made in this block, whose buffer it would keep
			s.Coin = *o.changes[s.OutPoint].now
		}
		o.set(s.OutPoint, &s.Coin, nil)
	}
	o.undo[n] = d.Spent
}

// detach copies coins out of their block, whose buffer they would keep in memory.
func detach(created []consensus.CreatedCoin) []consensus.Coin {
	size := 0
	for i := range created {
		size += len(created[i].Coin.Out.Script)
	}
	coins, scripts := make([]consensus.Coin, len(created)), make([]byte, 0, size)
	for i := range created {
		coins[i] = created[i].Coin
		start := len(scripts)
		scripts = append(scripts, coins[i].Out.Script...)
		coins[i].Out.Script = scripts[start:len(scripts):len(scripts)]
	}
	return coins
}

// disconnect takes a block back: what it spent returns, then what it made goes. A coin made and spent within the
// block is in both.
func (o *overlay) disconnect(n *node, b *coin.Block, spent []consensus.SpentCoin) {
	for i := range spent {
		o.set(spent[i].OutPoint, nil, &spent[i].Coin)
	}
	created := createdBy(b, n.height)
	made := detach(created)
	for i := range created {
		o.set(created[i].OutPoint, &made[i], nil)
	}
}

// createdBy lists the coins that a block makes.
func createdBy(b *coin.Block, height int32) (created []consensus.CreatedCoin) {
	for i, tx := range b.Txs {
		for j := range tx.Out {
			if !script.IsUnspendable(tx.Out[j].Script) {
				at := coin.OutPoint{Hash: tx.ID(), Index: uint32(j)}
				created = append(created, consensus.CreatedCoin{OutPoint: at, Coin: consensus.Coin{Out: tx.Out[j], Height: height, Coinbase: i == 0}})
			}
		}
	}
	return created
}
