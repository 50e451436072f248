package mempool

import (
	"fmt"
	"slices"

	"cheese/coin"
)

// Transactions of version 3 (TRUC, BIP 431) wait alone or as one parent and one child, and all can be replaced.
const (
	trucVersion   = 3
	trucSize      = 10_000 // virtual bytes
	trucChildSize = 1000   // virtual bytes
	trucRelatives = 2      // in either direction, itself included
)

// checkTRUC holds a candidate to BIP 431. Where its place is only taken by a sibling that it may outbid, that is
// returned too.
func (p *Pool) checkTRUC(c *candidate) (sibling *Entry, why string) {
	e, truc := c.entry, c.entry.Tx.Version == trucVersion
	for _, a := range c.above {
		if (a.Tx.Version == trucVersion) != truc {
			return nil, inherits(e.Tx, a.Tx)
		}
	}
	switch {
	case !truc:
		return nil, ""
	case e.VSize > trucSize:
		return nil, fmt.Sprintf("version=3 tx %s is too big: %d > %d virtual bytes", ids(e.Tx), e.VSize, trucSize)
	case len(c.above)+1 > trucRelatives:
		return nil, fmt.Sprintf("tx %s would have too many ancestors", ids(e.Tx))
	case len(c.above) == 0:
		return nil, ""
	case e.VSize > trucChildSize:
		return nil, fmt.Sprintf("version=3 child tx %s is too big: %d > %d virtual bytes", ids(e.Tx), e.VSize, trucChildSize)
	}
	parent := c.above[0]
	children := p.graph.children(parent.ID, parent.Tx)
	if parent.Descendants.Count+1 <= trucRelatives || slices.ContainsFunc(children, func(s *Entry) bool { return slices.Contains(c.direct, s) }) {
		return nil, ""
	}
	if parent.Descendants.Count == 2 && children[0].Ancestors.Count == 2 { // otherwise a reorg made more of it
		sibling = children[0]
	}
	return sibling, fmt.Sprintf("tx %s would exceed descendant count limit", ids(parent.Tx))
}

// inherits says that a transaction spends from one that differs in being TRUC.
func inherits(child, parent *coin.Tx) string {
	if child.Version == trucVersion {
		return fmt.Sprintf("version=3 tx %s cannot spend from non-version=3 tx %s", ids(child), ids(parent))
	}
	return fmt.Sprintf("non-version=3 tx %s cannot spend from version=3 tx %s", ids(child), ids(parent))
}

func ids(tx *coin.Tx) string { return fmt.Sprintf("%v (wtxid=%v)", tx.ID(), tx.WitnessID()) }

// checkPackageTRUC holds a candidate that comes in together with others, parents first, to BIP 431.
func checkPackageTRUC(c *candidate, all []*candidate) (why string) {
	tx := c.entry.Tx
	var parents []*coin.Tx // in the package
	for _, o := range all {
		if o == c {
			break
		}
		if spendsFrom(tx, o.entry.ID) {
			parents = append(parents, o.entry.Tx)
		}
	}
	if tx.Version != trucVersion {
		return checkNoTRUCParent(c, parents)
	}
	switch {
	case len(c.above)+len(parents)+1 > trucRelatives:
		return fmt.Sprintf("tx %s would have too many ancestors", ids(tx))
	case len(c.above)+len(parents) == 0:
		return ""
	case c.entry.VSize > trucChildSize:
		return fmt.Sprintf("version=3 child tx %s is too big: %d > %d virtual bytes", ids(tx), c.entry.VSize, trucChildSize)
	}
	taken := false // the parent has a child in the pool
	if len(c.above) > 0 {
		parents, taken = []*coin.Tx{c.above[0].Tx}, c.above[0].Descendants.Count > 1
	}
	parent := parents[0]
	if parent.Version != trucVersion {
		return inherits(tx, parent)
	}
	for _, o := range all {
		for i := range o.entry.Tx.In {
			switch from := o.entry.Tx.In[i].Prev.Hash; {
			case o == c:
			case from == parent.ID():
				return fmt.Sprintf("tx %s would exceed descendant count limit", ids(parent))
			case from == c.entry.ID:
				return fmt.Sprintf("tx %s would have too many ancestors", ids(o.entry.Tx))
			}
		}
	}
	if taken {
		return fmt.Sprintf("tx %s would exceed descendant count limit", ids(parent))
	}
	return ""
}

func checkNoTRUCParent(c *candidate, parents []*coin.Tx) (why string) {
	for _, a := range c.above {
		parents = append([]*coin.Tx{a.Tx}, parents...)
	}
	for _, parent := range parents {
		if parent.Version == trucVersion {
			return inherits(c.entry.Tx, parent)
		}
	}
	return ""
}

func spendsFrom(tx *coin.Tx, id coin.Hash) bool {
	return slices.ContainsFunc(tx.In, func(in coin.TxIn) bool { return in.Prev.Hash == id })
}
