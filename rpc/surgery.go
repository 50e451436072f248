package rpc

import (
	"errors"

	"cheese/chain"
	"cheese/coin"
)

// surgeryMethods change the chain's mind about a block by hand.
var surgeryMethods = []method{
	{name: "invalidateblock", category: hidden, run: surgery((*chain.Chain).Invalidate),
		help: "Permanently marks a block as invalid, as if it violated a consensus rule.",
		args: surgeryArgs("the hash of the block to mark as invalid"), result: "null"},
	{name: "preciousblock", category: inBlockchain, run: surgery((*chain.Chain).Precious),
		help: "Treats a block as if it were received before others with the same work. A later call can override an earlier one.",
		args: surgeryArgs("the hash of the block to mark as precious"), result: "null"},
	{name: "reconsiderblock", category: hidden, run: surgery((*chain.Chain).Reconsider),
		help: "Removes invalidity status of a block, its ancestors and its descendants, and reconsiders them for activation.",
		args: surgeryArgs("the hash of the block to reconsider"), result: "null"},
}

func surgeryArgs(help string) []arg { return []arg{{name: "blockhash", kind: text, help: help}} }

func surgery(change func(*chain.Chain, coin.Hash) error) func(*call) (any, error) {
	return func(c *call) (any, error) {
		hash := c.hash(0, "blockhash")
		if c.err != nil {
			return nil, c.err
		}
		// The pool sees every step, so that it gives back what the blocks that go held.
		if err := c.node.Pool.Sync(); err != nil {
			return nil, internal(err)
		}
		switch err := change(c.node.Chain, hash); {
		case errors.Is(err, chain.ErrUnknown):
			return nil, errorf(codeAddressOrKey, "Block not found")
		case errors.Is(err, chain.ErrGenesis): // Core does nothing and says nothing either
			return nil, nil
		case err != nil:
			return nil, errorf(codeDatabase, "%v", err)
		}
		if err := c.node.Pool.Sync(); err != nil {
			return nil, internal(err)
		}
		return nil, nil
	}
}
