package coin

import (
	"fmt"
	"strconv"
	"strings"
)

// Amount counts crumbs, the smallest unit: 10^-8 CHZ (a satoshi on Bitcoin's networks).
type Amount int64

const (
	// Coin is one CHZ.
	Coin Amount = 1e8
	// MaxMoney is the most that may ever exist and that any sum in a transaction may reach.
	MaxMoney = 21_000_000 * Coin
)

// InRange tells whether a is from zero to MaxMoney.
func (a Amount) InRange() bool { return a >= 0 && a <= MaxMoney }

// String returns whole coins with eight decimals, as Core's JSON has them: "0.00001000".
func (a Amount) String() string {
	sign, n := "", uint64(a)
	if a < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%08d", sign, n/uint64(Coin), n%uint64(Coin))
}

// ParseAmount reads a decimal number of whole coins with at most eight decimals, exactly. Signs, exponents and
// anything above MaxMoney are refused.
func ParseAmount(s string) (Amount, error) {
	whole, frac, dotted := strings.Cut(s, ".")
	switch {
	case s == "":
		return 0, fmt.Errorf("an amount is missing")
	case strings.HasPrefix(s, "-"):
		return 0, fmt.Errorf("amount %q is negative", s)
	case dotted && frac == "", whole == "", !digits(whole), !digits(frac):
		return 0, fmt.Errorf("amount %q is not a decimal number such as 1.25", s)
	case len(frac) > 8:
		return 0, fmt.Errorf("amount %q has more than eight decimals", s)
	}
	coins, err := strconv.ParseUint(whole, 10, 32)
	if err != nil || coins > uint64(MaxMoney/Coin) {
		return 0, fmt.Errorf("amount %q is more than all the money there is", s)
	}
	crumbs, _ := strconv.ParseUint((frac + "00000000")[:8], 10, 64) // digits checked above
	a := Amount(coins)*Coin + Amount(crumbs)
	if !a.InRange() {
		return 0, fmt.Errorf("amount %q is more than all the money there is", s)
	}
	return a, nil
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }
