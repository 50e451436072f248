package mempool

import (
	"fmt"
	"slices"

	"cheese/coin"
)

// packageError says what is wrong with a package rather than with one of its transactions.
type packageError struct{ reason, detail string }

func (e *packageError) Error() string {
	if e.detail == "" {
		return e.reason
	}
	return e.reason + ", " + e.detail
}

// group is several transactions that come in together or not at all.
type group struct {
	p          *Pool
	txs        []*coin.Tx // parents first
	terms      terms
	candidates []*candidate
	size       int         // of all, in virtual bytes
	fee        coin.Amount // modified, of all
	replaced   []*Entry    // children before parents
	failed     int         // index of the transaction that an error is about
}

// judge checks all but the scripts. The error is a *packageError, or about the transaction failed. p.mu is held.
func (g *group) judge() error {
	if why := checkPackage(g.txs); why != "" {
		return &packageError{why, ""}
	}
	g.terms.before = map[coin.Hash]*coin.Tx{}
	for i, tx := range g.txs {
		g.failed = i
		c, err := g.examine(tx)
		if err != nil {
			return err
		}
		g.candidates = append(g.candidates, c)
		g.terms.before[c.entry.ID] = tx
		g.size, g.fee = g.size+c.entry.VSize, g.fee+c.entry.ModifiedFee
	}
	for _, c := range g.candidates {
		if why := checkPackageTRUC(c, g.candidates); why != "" {
			return &packageError{"TRUC-violation", why}
		}
	}
	if g.terms.packaged {
		if err := g.p.checkFee(g.fee, g.size); err != nil {
			return err // and the last transaction, the child, should have paid
		}
	}
	if why := g.p.graph.checkPackageLimits(g.txs, g.size, g.p.o.Limits); why != "" {
		return &packageError{"package-mempool-limits", why}
	}
	return g.checkReplacement()
}

func (g *group) examine(tx *coin.Tx) (*candidate, error) {
	if err := g.p.checkAlone(tx); err != nil {
		return nil, err
	}
	c, err := g.p.examine(tx, g.terms)
	if err != nil {
		return nil, err
	}
	if most := g.terms.maxRate; most > 0 && rateOf(c.entry.ModifiedFee, c.entry.VSize) > most {
		return nil, reject("max feerate exceeded")
	}
	return c, nil
}

// verify runs the scripts of one transaction.
func (g *group) verify(i int) error {
	g.failed = i
	return g.p.verify(g.candidates[i])
}

func (g *group) witnessIDs() []coin.Hash {
	var ids []coin.Hash
	for _, tx := range g.txs {
		ids = append(ids, tx.WitnessID())
	}
	return ids
}

// checkReplacement lets one parent and one child without other relatives replace small families of at most two, if the
// pool gains by it (package RBF).
func (g *group) checkReplacement() error {
	var direct []*Entry
	for _, c := range g.candidates {
		for _, d := range c.direct {
			if !slices.Contains(direct, d) {
				direct = append(direct, d)
			}
		}
	}
	if len(direct) == 0 {
		return nil
	}
	slices.SortFunc(direct, compareID)
	if len(g.txs) != 2 || !isFamily(g.txs) {
		return &packageError{"package RBF failed: package must be 1-parent-1-child", ""}
	}
	for _, c := range g.candidates {
		if len(c.above) > 0 {
			return &packageError{"package RBF failed: new transaction cannot have mempool ancestors", ""}
		}
	}
	parent, child := g.candidates[0].entry, g.candidates[1].entry
	if why := tooManyReplaced(child.ID, direct); why != "" {
		return &packageError{"package RBF failed: too many potential replacements", why}
	}
	g.replaced = g.p.graph.family(direct)
	if why := g.p.underpays(g.fee, g.size, child.ID, g.replaced); why != "" {
		return &packageError{"package RBF failed: insufficient anti-DoS fees", why}
	}
	if own, all := rateOf(parent.ModifiedFee, parent.VSize), rateOf(g.fee, g.size); all <= own {
		return &packageError{"package RBF failed: package feerate is less than or equal to parent feerate",
			fmt.Sprintf("package feerate %s <= parent feerate is %s", g.p.rateText(all), g.p.rateText(own))}
	}
	if why := g.p.graph.worsens(direct, g.replaced, chunk{g.fee, g.size}); why != "" {
		return &packageError{"package RBF failed: " + why, ""}
	}
	return nil
}
