// Package mempool holds the transactions that wait for a block: verified, in fee order, and bounded in size.
//
// A Pool follows the chain with a cursor of its own: what a block confirms or contradicts leaves, what a reorg
// unconfirms comes back if it is still valid. It catches up before it answers anything, so the order in which chain
// and pool hear of a block never matters. Readers get a View, an immutable snapshot that costs next to nothing because
// the pool's maps are persistent, or follow single changes with Since.
//
// Transactions come one by one (Accept) or as a child with its parents (AcceptPackage); Test asks without changing
// anything. Save and Load carry a pool over a restart in the format of Core's mempool.dat.
//
// Policy, its knobs (Options), its limits and its reject words are Bitcoin Core 28's, and so is the way memory is
// counted. Locks are taken pool, then chain; nothing here calls upward.
package mempool
