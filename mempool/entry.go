package mempool

import (
	"cmp"
	"math/bits"
	"time"

	"cheese/coin"
)

// Entry is a transaction in the pool and what was learned when it was accepted. It is immutable: where a relative
// comes or goes, the pool holds a changed copy.
type Entry struct {
	Tx          *coin.Tx
	ID          coin.Hash // of Tx
	Fee         coin.Amount
	ModifiedFee coin.Amount // Fee and what Pool.Prioritise added, by which all is judged; may be negative
	VSize       int         // virtual bytes, raised where signature operations weigh more than bytes
	Weight      int
	SigOpCost   int
	Time        time.Time // when it came into the pool
	Height      int32     // of the chain when it came into the pool
	Seq         uint64    // the number of the Change that brought it: lower came earlier

	// Ancestors and Descendants sum up the unconfirmed transactions it depends on, and those that depend on it. Both
	// count the transaction itself.
	Ancestors, Descendants Package
}

// Package sums up a set of transactions.
type Package struct {
	Count     int
	VSize     int
	SigOpCost int
	Fee       coin.Amount // modified fees
}

func (p *Package) add(e *Entry) {
	p.Count, p.VSize, p.SigOpCost, p.Fee = p.Count+1, p.VSize+e.VSize, p.SigOpCost+e.SigOpCost, p.Fee+e.ModifiedFee
}

func (p *Package) remove(e *Entry) {
	p.Count, p.VSize, p.SigOpCost, p.Fee = p.Count-1, p.VSize-e.VSize, p.SigOpCost-e.SigOpCost, p.Fee-e.ModifiedFee
}

// FeeRate returns crumbs per virtual byte.
func (e *Entry) FeeRate() float64 { return float64(e.Fee) / float64(e.VSize) }

// compareRate orders fee/size fractions exactly: negative where a pays less than b. Sizes are positive; products of
// fees and sizes need more than 64 bits.
func compareRate(aFee coin.Amount, aSize int, bFee coin.Amount, bSize int) int {
	switch {
	case aFee < 0 && bFee < 0:
		return compareRate(-bFee, bSize, -aFee, aSize)
	case aFee < 0:
		return -1
	case bFee < 0:
		return 1
	}
	aHi, aLo := bits.Mul64(uint64(aFee), uint64(bSize))
	bHi, bLo := bits.Mul64(uint64(bFee), uint64(aSize))
	return cmp.Or(cmp.Compare(aHi, bHi), cmp.Compare(aLo, bLo))
}

// feeFor returns what size virtual bytes cost at rate crumbs per 1000 virtual bytes, rounded up.
func feeFor(rate coin.Amount, size int) coin.Amount {
	return (rate*coin.Amount(size) + 999) / 1000
}

// rateOf returns crumbs per 1000 virtual bytes, towards zero, as Core compares and shows fee rates.
func rateOf(fee coin.Amount, size int) coin.Amount { return fee * 1000 / coin.Amount(size) }

// Change is one transaction coming into the pool or leaving it.
type Change struct {
	Seq     uint64
	Entry   *Entry
	Removed bool
	Reason  Reason // why it left
}

// Reason says why a transaction left the pool, in the words of Core's MemPoolRemovalReason.
type Reason string

// The reasons.
const (
	ReasonBlock    Reason = "block"     // a block confirmed it
	ReasonConflict Reason = "conflict"  // a block spent one of its inputs otherwise
	ReasonReorg    Reason = "reorg"     // a reorg made it invalid
	ReasonReplaced Reason = "replaced"  // another transaction pays more for the same outputs
	ReasonFull     Reason = "sizelimit" // it paid least when the pool was full
	ReasonExpired  Reason = "expiry"    // it waited too long
)
