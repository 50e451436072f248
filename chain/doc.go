// Package chain keeps the blocks: an index of every header, the bodies in Bitcoin's block files, the set of unspent
// outputs (coins), and what it takes to undo a block; and it follows the branch with the most work.
//
// # Who does what
//
// One goroutine owns all change but that of headers. It takes blocks from a bounded queue through four stages:
// prepare (header and shape), store (append to the block files), connect (spend and make coins in an overlay,
// run scripts), and commit (publish the overlay at once). A branch becomes the best one only when all of it up to
// more work than the present tip connects, so a branch that fails in its middle changes nothing, and a reader sees a
// reorganization as one step.
//
// A block is checked in Core's order: work, shape (CheckStructure), parent, header, and then, its header in the
// index, its place (CheckPlace) and its money (Connect). What fails before its header is in the index leaves no trace.
//
// An operator may overrule the work with Invalidate, Reconsider and Precious, which the owner does between blocks.
//
// Readers take a View, which is pinned and needs no Close, or follow Updates from a cursor. They take the doorbell of
// Changed first, then read, then wait.
//
// # How a view stays still
//
// Every change has a number. Index entries are never changed but for facts that become true (a body came, a block
// proved valid), stamped with the number of the change, and for rulings on whether a block is invalid, which are
// stamped too and pile up, since Reconsider takes them back. A view ignores what is stamped later than itself.
//
// Coins changed since the last flush live in a generation, a map that knows for each outpoint what it was before and
// after each change. A flush writes the generation to Pebble and starts the next one. A view that looks up a coin
// asks its own generation, then Pebble, then the generations after its own for what the outpoint was before they
// touched it. So an old view costs nothing but the memory of the generations it keeps from the garbage collector; do
// not keep one for long.
//
// # What is on disk
//
//	blocks/blk00000.dat …   magic, length, block: as Bitcoin Core writes them, 128 MiB a file, in order of arrival
//	chainstate/             Pebble: headers and where their bodies are, coins, undo data, the tip
//
// A flush syncs the block files, then commits one Pebble batch with everything since the flush before. Whatever is
// behind the last position that Pebble knows in the block files is overwritten. So what is on disk is always a
// state the chain was in, and nothing is ever repaired. A flush happens every few seconds, when the cache is full, on
// Flush, and on Close.
package chain
