package p2p

import (
	"cheese/chain"
	"cheese/coin"
	"cheese/consensus"
	"cheese/mempool"
)

// View is the immutable picture of chain and pool that a step works on; the methods are those of chain.View.
type View interface {
	// Tip is the best fully checked block; BestHeader is the best header, whose block may not be here yet.
	Tip() consensus.State
	BestHeader() consensus.State
	ByHash(coin.Hash) (chain.Entry, bool)
	// Ancestor returns the block at a height on the chain that ends in h.
	Ancestor(h coin.Hash, height int32) (chain.Entry, bool)
	// Missing lists blocks on BestHeader's chain whose bodies are not here, lowest first.
	Missing(max int) []chain.Position
	Locator(h coin.Hash) []coin.Hash
	AfterLocator(locator []coin.Hash, stop coin.Hash, max int) []coin.Header
	// Tx looks up an unconfirmed transaction.
	Tx(id coin.Hash) (*coin.Tx, bool)
}

// snapshot is the View of a running node.
type snapshot struct {
	*chain.View
	pool *mempool.View
}

func (s snapshot) Tx(id coin.Hash) (*coin.Tx, bool) {
	e, ok := s.pool.Get(id)
	if !ok {
		return nil, false
	}
	return e.Tx, true
}
