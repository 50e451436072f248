package mempool

import (
	"fmt"

	"cheese/coin"
)

// RejectError says why a transaction was not accepted.
type RejectError struct {
	// Reason is Bitcoin Core's reject string, such as "min relay fee not met".
	Reason string
	// Detail adds numbers or names to Reason; may be empty.
	Detail string
	// Missing lists the outputs that neither the chain nor the pool knows. Where it is not empty the transaction is an
	// orphan, which may be tried again once its parents are here.
	Missing []coin.OutPoint
	// Consensus tells that no block could hold this transaction either, rather than that policy forbids it.
	Consensus bool
	// Early tells that a longer chain would make the transaction acceptable: its lock time or a coinbase it spends is
	// not due yet.
	Early bool
	// Reconsiderable tells that the transaction pays too little by itself, which a child may make good for when both
	// are submitted as a package.
	Reconsiderable bool
}

// Error returns the reason and, after a comma, the detail, as Core's RPC reports it.
func (e *RejectError) Error() string {
	if e.Detail == "" {
		return e.Reason
	}
	return e.Reason + ", " + e.Detail
}

func reject(reason string) *RejectError { return &RejectError{Reason: reason} }

func early(reason string) *RejectError { return &RejectError{Reason: reason, Early: true} }

func rejectf(reason, format string, args ...any) *RejectError {
	return &RejectError{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
