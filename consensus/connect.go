package consensus

import (
	"cheese/coin"
	"cheese/script"
)

// SpentCoin is a coin that a block spends.
type SpentCoin struct {
	OutPoint coin.OutPoint
	Coin     Coin
}

// CreatedCoin is a coin that a block makes.
type CreatedCoin struct {
	OutPoint coin.OutPoint
	Coin     Coin
}

// Diff is what a block does to the set of coins. To apply it, add what is created, then take away what is spent; to
// reverse it, put back what was spent, then take away what was created. A coin made and spent within the block is
// in both lists.
type Diff struct {
	Spent   []SpentCoin   // one for each input but the coinbase's, in the block's order
	Created []CreatedCoin // in the block's order; outputs that nobody can ever spend are left out
	Fees    coin.Amount   // of all transactions together
}

// Connect checks all of a block that needs the coins it spends, scripts aside, and returns what the block does to
// them and the script checks left to run. s is the state of the block's parent; CheckHeader and CheckBlock are done
// already. in holds the coins as the parent left them: what the block itself makes is resolved here. past tells
// about s's block and its ancestors.
func (s State) Connect(b *coin.Block, in Coins, past Ancestors) (Diff, []script.Check, error) {
	if err := checkOverwrites(b, in); err != nil {
		return Diff{}, nil, err
	}
	height := s.height + 1
	c := connection{
		parent: s, height: height, past: past, flags: ScriptFlags(s.params, height),
		view: overlay{below: in, made: make(map[coin.OutPoint]Coin, len(b.Txs)), gone: make(map[coin.OutPoint]struct{}, len(b.Txs))},
	}
	for i, tx := range b.Txs {
		if err := c.add(tx, i == 0); err != nil {
			return Diff{}, nil, err
		}
	}
	paid := b.Txs[0].OutputSum()
	if limit := c.diff.Fees + Subsidy(s.params, height); paid > limit {
		return Diff{}, nil, invalid("bad-cb-amount", "coinbase pays too much (actual=%d vs limit=%d)", paid, limit)
	}
	return c.diff, c.checks, nil
}

// checkOverwrites keeps a block from making a coin that is there already (BIP 30). BIP 34 makes coinbases unique and
// with them every honest transaction, but a block that repeats a confirmed transaction fails here first, as it does
// on a Core whose parameters name no hash for BIP 34's height, regtest's among them.
func checkOverwrites(b *coin.Block, in Coins) error {
	for _, tx := range b.Txs {
		for i := range tx.Out {
			if script.IsUnspendable(tx.Out[i].Script) {
				continue // never in the set
			}
			if _, ok := in.Coin(coin.OutPoint{Hash: tx.ID(), Index: uint32(i)}); ok {
				return invalid("bad-txns-BIP30", "tried to overwrite transaction %v", tx.ID())
			}
		}
	}
	return nil
}

// connection is a block half connected.
type connection struct {
	parent State
	height int32
	past   Ancestors
	flags  script.Flags
	view   overlay
	diff   Diff
	checks []script.Check
	sigOps int
}

// add connects the block's next transaction.
func (c *connection) add(tx *coin.Tx, coinbase bool) error {
	var prev []coin.TxOut
	if !coinbase {
		spent, err := c.spend(tx)
		if err != nil {
			return err
		}
		prev = make([]coin.TxOut, len(spent))
		for i := range spent {
			prev[i] = spent[i].Coin.Out
		}
	}
	if c.sigOps += script.SigOpCost(tx, prev, c.flags); c.sigOps > MaxBlockSigOpCost {
		return invalid("bad-blk-sigops", "too many sigops: over %d", MaxBlockSigOpCost)
	}
	if !coinbase {
		spend := script.NewSpend(tx, prev)
		for i := range tx.In {
			c.checks = append(c.checks, script.Check{Spend: spend, Input: i, Flags: c.flags})
			c.view.take(tx.In[i].Prev)
		}
	}
	c.create(tx, coinbase)
	return nil
}

// spend checks a transaction's money and relative locks and records the coins it spends.
func (c *connection) spend(tx *coin.Tx) ([]SpentCoin, error) {
	before := len(c.diff.Spent)
	all, err := fetch(c.diff.Spent, tx, &c.view)
	if err != nil {
		return nil, err
	}
	spent := all[before:]
	fee, err := checkMoney(tx, spent, c.height, c.parent.params)
	if err != nil {
		return nil, err
	}
	if c.diff.Fees += fee; !c.diff.Fees.InRange() {
		return nil, invalid("bad-txns-accumulated-fee-outofrange", "")
	}
	if c.height >= c.parent.params.Heights.CSV && !c.unlocked(tx, spent) {
		return nil, invalid("bad-txns-nonfinal", "contains a non-BIP68-final transaction: %v", tx.ID())
	}
	c.diff.Spent = all
	return spent, nil
}

// unlocked tells whether BIP 68 lets the transaction into this block.
func (c *connection) unlocked(tx *coin.Tx, spent []SpentCoin) bool {
	heights := make([]int32, len(spent))
	for i := range spent {
		heights[i] = spent[i].Coin.Height
	}
	minHeight, minTime := SequenceLocks(tx, heights, c.past)
	return LocksOpen(minHeight, minTime, c.height, c.parent.MedianTime())
}

// create records the coins that a transaction makes.
func (c *connection) create(tx *coin.Tx, coinbase bool) {
	for i := range tx.Out {
		if script.IsUnspendable(tx.Out[i].Script) {
			continue
		}
		made := CreatedCoin{coin.OutPoint{Hash: tx.ID(), Index: uint32(i)}, Coin{tx.Out[i], c.height, coinbase}}
		c.diff.Created = append(c.diff.Created, made)
		c.view.made[made.OutPoint] = made.Coin
	}
}

// overlay is a set of coins with a block's changes on top.
type overlay struct {
	below Coins
	made  map[coin.OutPoint]Coin
	gone  map[coin.OutPoint]struct{}
}

// Coin finds an unspent output.
func (o *overlay) Coin(at coin.OutPoint) (Coin, bool) {
	if _, gone := o.gone[at]; gone {
		return Coin{}, false
	}
	if c, ok := o.made[at]; ok {
		return c, true
	}
	return o.below.Coin(at)
}

func (o *overlay) take(at coin.OutPoint) { o.gone[at] = struct{}{} }
