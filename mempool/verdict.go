package mempool

import (
	"errors"

	"cheese/coin"
)

// Verdict is what the pool says of one of several transactions that it was asked about.
type Verdict struct {
	TxID, WitnessID coin.Hash

	// Allowed tells that the transaction may come in or, where it was submitted, that it is in.
	Allowed bool
	// Unfinished tells that it was not judged to the end since another one failed; nothing below is set then, but
	// for PackageError.
	Unfinished bool

	VSize            int         // virtual bytes, where Allowed
	Fee              coin.Amount // its own, where Allowed
	EffectiveFeeRate coin.Amount // crumbs per 1000 virtual bytes, with what Prioritise added
	EffectiveWith    []coin.Hash // the witness ids whose fees and sizes make EffectiveFeeRate

	// AlreadyHere tells that it waited in the pool before; there is no effective fee rate then. OtherWitness is the
	// witness id of what waits where that has the same transaction id and another witness.
	AlreadyHere  bool
	OtherWitness coin.Hash

	// Reason says why it is not allowed, as testmempoolaccept does: without details, and "missing-inputs" for an orphan.
	// Reject has all that is known; it is nil where the chain could not be read, and Reason says so.
	Reason string
	Reject *RejectError

	// PackageError says why all of them fail together, in Core's words.
	PackageError string
}

func verdictOf(tx *coin.Tx) Verdict { return Verdict{TxID: tx.ID(), WitnessID: tx.WitnessID()} }

// allow fills in what a candidate that may come in by itself pays.
func (v *Verdict) allow(c *candidate) {
	v.Allowed, v.VSize, v.Fee = true, c.entry.VSize, c.entry.Fee
	v.EffectiveFeeRate, v.EffectiveWith = rateOf(c.entry.ModifiedFee, c.entry.VSize), []coin.Hash{v.WitnessID}
}

// refuse fills in why a transaction may not come in.
func (v *Verdict) refuse(err error) {
	*v = Verdict{TxID: v.TxID, WitnessID: v.WitnessID, Reason: err.Error()}
	if r, ok := errors.AsType[*RejectError](err); ok {
		v.Reject, v.Reason = r, r.Reason
		if len(r.Missing) > 0 {
			v.Reason = "missing-inputs"
		}
	}
}
