package rpc

import (
	"encoding/hex"
	"strconv"
	"strings"

	"cheese/coin"
)

// amount is a sum of money in results: a JSON number of whole coins with exactly eight decimals.
type amount coin.Amount

// MarshalJSON writes the number digit by digit; no floating point is involved.
func (a amount) MarshalJSON() ([]byte, error) { return []byte(coin.Amount(a).String()), nil }

// optional returns a pointer to v, for result fields that are left out where there is nothing to say.
func optional[T any](v T) *T { return &v }

// hexed is bytes in results, as hexadecimal digits.
type hexed []byte

// MarshalText writes the digits.
func (h hexed) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// bits32 is a word in results, as eight hexadecimal digits.
type bits32 uint32

// MarshalText writes the digits.
func (b bits32) MarshalText() ([]byte, error) {
	s := strconv.FormatUint(uint64(b), 16)
	return []byte(strings.Repeat("0", 8-len(s)) + s), nil
}

// maxFixedDigits is how many digits a number may have after scaling; Core has the same limit.
const maxFixedDigits = 18

// parseFixed reads a JSON number, exponent allowed, as an exact multiple of 10^-decimals. It refuses what is not a
// number, is more precise than that, or has more than 18 digits.
func parseFixed(s string, decimals int) (int64, bool) {
	rest, negative := strings.CutPrefix(s, "-")
	mantissa, exponent, ok := splitExponent(rest)
	if !ok {
		return 0, false
	}
	whole, frac, dotted := strings.Cut(mantissa, ".")
	if !isDigits(whole) || len(whole) > 1 && whole[0] == '0' || dotted && !isDigits(frac) {
		return 0, false
	}
	digits := strings.TrimLeft(whole+frac, "0")
	if digits == "" {
		return 0, true
	}
	significant := strings.TrimRight(digits, "0")
	shift := exponent - len(frac) + decimals + len(digits) - len(significant)
	if shift < 0 || len(significant)+shift > maxFixedDigits {
		return 0, false
	}
	n, err := strconv.ParseInt(significant+strings.Repeat("0", shift), 10, 64)
	if negative {
		n = -n
	}
	return n, err == nil
}

// splitExponent parts "1.5e-3" into "1.5" and -3. The exponent has at most four digits: no sum of money needs more.
func splitExponent(s string) (mantissa string, exponent int, ok bool) {
	at := strings.IndexAny(s, "eE")
	if at < 0 {
		return s, 0, true
	}
	e := strings.TrimPrefix(s[at+1:], "+")
	digits := strings.TrimPrefix(e, "-")
	if !isDigits(digits) || len(digits) > 4 || strings.HasPrefix(s[at+1:], "+-") {
		return "", 0, false
	}
	exponent, err := strconv.Atoi(e)
	return s[:at], exponent, err == nil
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
