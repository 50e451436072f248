package chain

import (
	"fmt"

	"cheese/coin"
	"cheese/consensus"
)

// Update is one step of a reader's cursor: a block that joins the best chain or, with Revert, leaves it.
type Update struct {
	Revert   bool
	Position                  // of the block
	Prev     coin.Hash        // its parent
	Block    *coin.Block      // not to be changed
	Spent    []consensus.Coin // one for each input but the coinbase's, in the block's order
	State    consensus.State  // of the chain after the step: the block's, or with Revert its parent's
}

// Next returns the cursor after the step.
func (u *Update) Next() Position { return PositionOf(u.State) }

// Updates is View().Updates.
func (c *Chain) Updates(from Position, max int) ([]Update, error) { return c.View().Updates(from, max) }

// Updates returns up to max steps that lead from a cursor to the view's tip: first back to where the branches part,
// then forward. The zero cursor stands before the network's first block, which then is the first step. Nothing
// means that the cursor is at the tip. An unknown cursor is ErrUnknown.
func (v *View) Updates(from Position, max int) (steps []Update, err error) {
	var at *node
	if from != (Position{}) {
		if at = v.find(from.Hash); at == nil {
			return nil, fmt.Errorf("block %v: %w", from.Hash, ErrUnknown)
		}
	}
	for at != v.tip && len(steps) < max {
		var u Update
		switch {
		case at == nil:
			at = v.tip.ancestor(0)
			u, err = v.step(at, false)
		case !v.tip.contains(at):
			u, err = v.step(at, true)
			at = at.parent
		default:
			at = v.tip.ancestor(at.height + 1)
			u, err = v.step(at, false)
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, u)
	}
	return steps, nil
}

func (v *View) step(n *node, revert bool) (Update, error) {
	b, err := v.c.body(n)
	if err != nil {
		return Update{}, fmt.Errorf("block %v: %w", n.hash, err)
	}
	undo, err := v.c.undoOf(n, b)
	if err != nil {
		return Update{}, err
	}
	u := Update{Revert: revert, Position: n.position(), Prev: b.Prev, Block: b, State: n.state}
	if revert {
		u.State = n.parent.state
	}
	u.Spent = make([]consensus.Coin, len(undo))
	for i := range undo {
		u.Spent[i] = undo[i].Coin
	}
	return u, nil
}
