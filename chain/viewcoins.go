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
	c := v.c
	var changed map[coin.OutPoint]*consensus.Coin
	var order []coin.OutPoint
	pinned := func() { // whatever goes to disk from here on is not seen, whatever went before is in changed
		c.mu.RLock()
		changed = v.coins.touched(v.change)
		c.mu.RUnlock()
		for o, c := range changed {
			if c != nil {
				order = append(order, o)
			}
		}
		slices.SortFunc(order, compareOutPoints)
	}
	before := func(stop *coin.OutPoint) error { // nil: all
		for len(order) > 0 && (stop == nil || compareOutPoints(order[0], *stop) < 0) {
			o := order[0]
			order = order[1:]
			if err := f(o, *changed[o]); err != nil {
				return err
			}
		}
		return nil
	}
	err := c.db.each(keyCoin, pinned, func(key, value []byte) error {
		o, err := parseCoinKey(key)
		if err != nil {
			return err
		}
		if err := before(&o); err != nil {
			return err
		}
		if _, other := changed[o]; other {
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
	return before(nil)
}

func compareOutPoints(a, b coin.OutPoint) int {
	return cmp.Or(a.Hash.Compare(b.Hash), cmp.Compare(a.Index, b.Index))
}
