// Package wallet keeps one person's keys and money: a BIP 39 mnemonic encrypted at rest, BIP 86 taproot addresses,
// a ledger that follows the chain and the pool through reorgs and restarts, coin selection, and signing.
//
// A wallet reads the chain from a cursor of its own and catches up before it answers, so nobody needs to tell it
// anything in order. Its lock is never held while the pool is asked something.
package wallet
