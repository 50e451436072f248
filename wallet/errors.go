package wallet

import (
	"errors"
	"fmt"

	"cheese/coin"
)

// ErrPassphrase is returned where a seed file does not open: the passphrase is wrong, or the file was tampered with,
// which authenticated encryption cannot tell apart.
var ErrPassphrase = errors.New("wrong wallet passphrase, or the seed file was changed")

// ErrMnemonicDiffers is returned by Open where a mnemonic or an account is given for a wallet that already has another.
var ErrMnemonicDiffers = errors.New("this wallet already has other recovery words or another account; use another data directory to restore from yours")

// ErrClosed is returned once the wallet is closed.
var ErrClosed = errors.New("the wallet is closed")

// SeedFileError says that the seed file cannot be read as one, and why.
type SeedFileError struct {
	Path   string
	Reason string
}

func (e *SeedFileError) Error() string {
	return fmt.Sprintf("seed file %s: %s", e.Path, e.Reason)
}

// MnemonicError says what is wrong with recovery words.
type MnemonicError struct{ Reason string }

func (e *MnemonicError) Error() string { return "recovery words: " + e.Reason }

// AddressError says why a payment's destination is no good.
type AddressError struct {
	Address string
	Err     error
}

func (e *AddressError) Error() string { return fmt.Sprintf("address %q: %v", e.Address, e.Err) }
func (e *AddressError) Unwrap() error { return e.Err }

// AmountError says why an amount cannot be sent.
type AmountError struct {
	Amount coin.Amount
	Reason string
}

func (e *AmountError) Error() string { return fmt.Sprintf("amount %v: %s", e.Amount, e.Reason) }

// FeeRateError says that a fee rate is out of bounds, all in crumbs per virtual byte.
type FeeRateError struct{ Asked, Min, Max coin.Amount }

func (e *FeeRateError) Error() string {
	return fmt.Sprintf("a fee rate of %d crumbs per virtual byte is out of bounds: from %d to %d are possible",
		int64(e.Asked), int64(e.Min), int64(e.Max))
}

// ErrInsufficient says that the coins that can be spent now do not cover a payment and its fee.
type ErrInsufficient struct {
	Need      coin.Amount // the payment and the least fee for it
	Spendable coin.Amount // confirmed and mature, or our own unconfirmed change
	Immature  coin.Amount // mined, and waiting for maturity
	Pending   coin.Amount // received, and not confirmed yet
	Maturity  int32       // blocks until mined coins can be spent
}

func (e *ErrInsufficient) Error() string {
	s := fmt.Sprintf("insufficient funds: %v needed with the fee, %v can be spent now", e.Need, e.Spendable)
	if e.Immature > 0 {
		s += fmt.Sprintf("; %v mined is immature until %d blocks lie on top", e.Immature, e.Maturity)
	}
	if e.Pending > 0 {
		s += fmt.Sprintf("; %v received waits for its first confirmation", e.Pending)
	}
	return s
}

// ErrTooManyCoins says that a payment would need more inputs than a standard transaction holds.
type ErrTooManyCoins struct {
	Max   int         // inputs that fit in one transaction
	Worth coin.Amount // what the largest Max coins can pay after their fees
}

func (e *ErrTooManyCoins) Error() string {
	return fmt.Sprintf("the wallet's coins are too small for this payment: the %d largest, as many as one transaction holds, pay at most %v; send it in parts", e.Max, e.Worth)
}
