package coin

import (
	"math"
	"math/big"
	"slices"
)

// Targets and work are *big.Int values that nobody changes once they are made.

// Target expands the compact form of a header's Bits. It returns nil where the form is negative, zero, or over 256
// bits, which no block may have.
func Target(bits uint32) *big.Int {
	mantissa, exponent := int64(bits&0x007fffff), uint(bits>>24)
	if bits&0x00800000 != 0 || mantissa == 0 {
		return nil
	}
	t := big.NewInt(mantissa)
	if exponent <= 3 {
		t.Rsh(t, 8*(3-exponent))
	} else {
		t.Lsh(t, 8*(exponent-3))
	}
	if t.Sign() == 0 || t.BitLen() > 256 {
		return nil
	}
	return t
}

// Compact returns the compact form of a positive target, rounded down as its three-byte mantissa needs.
func Compact(target *big.Int) uint32 {
	size := uint(target.BitLen()+7) / 8
	var mantissa uint64
	if size <= 3 {
		mantissa = target.Uint64() << (8 * (3 - size))
	} else {
		mantissa = new(big.Int).Rsh(target, 8*(size-3)).Uint64()
	}
	if mantissa&0x00800000 != 0 { // the top bit is a sign
		mantissa >>= 8
		size++
	}
	return uint32(size)<<24 | uint32(mantissa)
}

// Work returns how many hashes a block with these bits takes on average: 2^256 / (target + 1). Zero for invalid bits.
func Work(bits uint32) *big.Int {
	t := Target(bits)
	if t == nil {
		return new(big.Int)
	}
	return t.Div(new(big.Int).Lsh(big.NewInt(1), 256), t.Add(t, big.NewInt(1)))
}

// MeetsTarget tells whether the hash, read as a little-endian number, is at most target.
func MeetsTarget(h Hash, target *big.Int) bool {
	slices.Reverse(h[:])
	return new(big.Int).SetBytes(h[:]).Cmp(target) <= 0
}

// Difficulty returns how many times harder the bits are than Bitcoin's difficulty 1 (bits 0x1d00ffff), as Core's
// JSON has it.
func Difficulty(bits uint32) float64 {
	if Target(bits) == nil {
		return 0
	}
	mantissa, exponent := bits&0x00ffffff, int(bits>>24)
	return math.Ldexp(0xffff/float64(mantissa), 8*(0x1d-exponent)) // rounded once, and so to the last digit Core's
}
