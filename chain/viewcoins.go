package chain

import (
	"cmp"
	"slices"

	"cheese/coin"
	"cheese/consensus"
)

// Coin finds an unspent output of the best chain.
func (v *View) Coin(o coin.OutPoint) (consensus.Coin, bool, error) {
	c := v.c
	c.mu.RLock()
	s, ok := v.coins.slots[o]
	c.mu.RUnlock()
	if ok {
		return found(s.value(v.change))
	}
	stored, err := c.db.coin(o)
	if err != nil {
		return consensus.Coin{}, false, err
	}
	// Generations after ours may have gone to disk meanwhile. The first that touched the outpoint knows what it was.
	c.mu.RLock()
	defer c.mu.RUnlock()
	for g := v.coins.next; g != nil; g = g.next {
		if s, ok := g.slots[o]; ok {
			return found(s.base)
		}
	}
	return found(stored)
}

func found(c *consensus.Coin) (consensus.Coin, bool, error) {
	if c == nil {
		return consensus.Coin{}, false, nil
	}
	return *c, true, nil
}

// Coins calls f with every unspent output of the best chain, ordered by transaction id (as its bytes are stored) and
// index, until f fails. f must not call the chain or its views.
func (v *View) Coins(f func(coin.OutPoint, consensus.Coin) error) error {
	var m merge
	pinned := func() { // whatever goes to disk from here on is not seen, whatever went before is in the generations
		v.c.mu.RLock()
		defer v.c.mu.RUnlock()
		m = newMerge(v.coins.touched(v.change), f)
	}
	err := v.c.db.each(keyCoin, pinned, func(key, value []byte) error {
		o, err := parseCoinKey(key)
		if err != nil {
			return err
		}
		if err := m.before(&o); err != nil {
			return err
		}
		if _, changed := m.changed[o]; changed {
			return nil
		}
		stored, err := parseCoin(o, value)
		if err != nil {
			return err
		}
		return f(o, *stored)
	})
	if err != nil {
		return err
	}
	return m.before(nil)
}

// merge hands out the coins in memory between those on disk.
type merge struct {
	changed map[coin.OutPoint]*consensus.Coin // takes the place of what is on disk; nil: spent
	order   []coin.OutPoint                   // of the unspent ones that are still to come
	f       func(coin.OutPoint, consensus.Coin) error
}

func newMerge(changed map[coin.OutPoint]*consensus.Coin, f func(coin.OutPoint, consensus.Coin) error) merge {
	m := merge{changed: changed, f: f}
	for o, c := range changed {
		if c != nil {
			m.order = append(m.order, o)
		}
	}
	slices.SortFunc(m.order, compareOutPoints)
	return m
}

// before hands out what comes before stop, or all that is left where that is nil.
func (m *merge) before(stop *coin.OutPoint) error {
	for len(m.order) > 0 && (stop == nil || compareOutPoints(m.order[0], *stop) < 0) {
		o := m.order[0]
		m.order = m.order[1:]
		if err := m.f(o, *m.changed[o]); err != nil {
			return err
		}
	}
	return nil
}

func compareOutPoints(a, b coin.OutPoint) int {
	return cmp.Or(a.Hash.Compare(b.Hash), cmp.Compare(a.Index, b.Index))
}
