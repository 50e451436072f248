package script

import (
	"fmt"
	"sync"

	"cheese/coin"
)

// Spend is a transaction together with the outputs it spends, and what its inputs share when they are checked:
// signature hash midstates and the engine's form of the transaction, each made at first use and once. It is safe for
// concurrent use. Neither the transaction (but for the input scripts and witnesses, while it is being signed) nor
// the outputs may change afterwards.
type Spend struct {
	tx   *coin.Tx
	prev []coin.TxOut

	midOnce sync.Once
	mid     midstate

	engineOnce sync.Once
	engine     engineTx
}

// NewSpend joins tx with the outputs its inputs spend, in order. It panics unless there is one for each input.
func NewSpend(tx *coin.Tx, prev []coin.TxOut) *Spend {
	if len(tx.In) != len(prev) {
		panic(fmt.Sprintf("script: %d inputs spend %d outputs", len(tx.In), len(prev)))
	}
	return &Spend{tx: tx, prev: prev}
}

// Tx returns the spending transaction.
func (s *Spend) Tx() *coin.Tx { return s.tx }

// Prev returns the output that an input spends.
func (s *Spend) Prev(input int) coin.TxOut { return s.prev[input] }

// Checks returns one check for each input, all under the same flags.
func (s *Spend) Checks(flags Flags) []Check {
	checks := make([]Check, len(s.tx.In))
	for i := range checks {
		checks[i] = Check{Spend: s, Input: i, Flags: flags}
	}
	return checks
}
