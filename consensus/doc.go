// Package consensus holds the rules that every block must keep, as pure functions: values in, values out, no I/O, no
// clock, no randomness.
//
// A block is judged in three steps, each of which needs more of the past than the one before:
//
//	child, err := parent.CheckHeader(h, now)               // work, difficulty, time: needs ancestors' headers
//	err := parent.CheckBlock(b)                            // shape, Merkle and witness roots, size: needs the parent's header
//	diff, checks, err := parent.Connect(b, coins, past)    // money and locks: needs the coins it spends
//
// CheckWork and CheckStructure are the parts of the first two that need no context, for whoever wants them before the
// parent is looked up, as Core does.
//
// What Connect leaves undone, running the scripts, it hands back as checks for script's Verifier.
//
// Every failure is a *RuleError whose Reason is the reject string of Bitcoin Core 28.1. The checks run in Core's
// order, since the first that fails names the reason. Networks differ by their coin.Params alone.
package consensus
