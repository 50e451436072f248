// Package wallet keeps one person's keys and money: a BIP 39 mnemonic encrypted at rest, BIP 86 taproot addresses,
// a ledger that follows the chain and the pool through reorgs and restarts, coin selection, and signing.
//
// A wallet reads the chain from a cursor of its own and catches up before it answers, so nobody needs to tell it
// anything in order. On disk it is the folder cheese under wallets: seed.json holds the sealed words, and ledger what
// was read from the chain so far, which could be read again, and our own payments and the addresses handed out, which
// could not and are synced before anyone hears of them. Its lock is never held while the pool is asked something.
package wallet
