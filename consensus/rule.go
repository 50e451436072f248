package consensus

import "fmt"

// Kind tells what a broken rule means for whoever sent the block.
type Kind int

const (
	// Invalid means that no block with this hash can ever be valid.
	Invalid Kind = iota
	// Mutated means that the body does not belong to the header, or may not: the block of this hash may still be valid.
	Mutated
	// TooNew means that the timestamp is too far ahead of the clock: hold the block and try again later.
	TooNew
	// MissingParent means that the parent is not known.
	MissingParent
)

// String names the kind for logs.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case Mutated:
		return "mutated"
	case TooNew:
		return "too new"
	case MissingParent:
		return "missing parent"
	}
	return fmt.Sprintf("kind %d", int(k))
}

// RuleError says which rule a header, block or transaction breaks.
type RuleError struct {
	Reason string // Bitcoin Core's reject string, such as "bad-cb-amount"
	Detail string // what a person wants to know beyond it; may be empty
	Kind   Kind
}

// Error returns reason and detail as Core joins them.
func (e *RuleError) Error() string {
	if e.Detail == "" {
		return e.Reason
	}
	return e.Reason + ", " + e.Detail
}

func invalid(reason, detail string, args ...any) error {
	return broken(Invalid, reason, detail, args...)
}

func broken(kind Kind, reason, detail string, args ...any) error {
	return &RuleError{Reason: reason, Detail: fmt.Sprintf(detail, args...), Kind: kind}
}
