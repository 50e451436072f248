package consensus

import (
	"math/big"
	"time"

	"cheese/coin"
)

// Relative ASERT: a block's target is its parent's, moved by how long the parent took to find:
//
//	target = parent target × 2^((solve time − spacing) / half-life)
//
// where the solve time is the parent's timestamp minus its own parent's. The arithmetic is that of aserti3-2d (the
// Bitcoin Cash specification of 2020-11-15): a 16-bit fixed-point exponent and a cubic for the power of two between
// 0 and 1. docs/decisions/0001-relative-asert.md says why the parent's solve time and not the block's own.

// maxHalfLives bounds how far one solve time moves the target, so that a chain that slept for a month eases by four
// at most.
const maxHalfLives = 2

// asertBits returns the bits of the child of s.
func (s State) asertBits() uint32 {
	if s.height < 2 {
		// The first block's solve time tells when people came, not how hard it was; genesis has none.
		return s.header.Bits
	}
	before := s.times[(s.height-1)%medianSpan]
	solve := time.Duration(int64(s.header.Time)-int64(before)) * time.Second
	p := s.params
	return coin.Compact(moveTarget(coin.Target(s.header.Bits), p.PowLimit, solve, p.Spacing, p.HalfLife))
}

// moveTarget returns target × 2^((solve − spacing) / halfLife), from 1 to limit. Only whole seconds count.
func moveTarget(target, limit *big.Int, solve, spacing, halfLife time.Duration) *big.Int {
	solve = min(solve, maxHalfLives*halfLife)
	exponent := int64((solve-spacing)/time.Second) * 65536 / int64(halfLife/time.Second)
	whole, frac := exponent>>16, uint64(exponent&0xffff)

	// 65536 × 2^(frac/65536), to within 0.013 %.
	factor := 65536 + (195_766_423_245_049*frac+971_821_376*frac*frac+5_127*frac*frac*frac+1<<47)>>48
	next := new(big.Int).Mul(target, new(big.Int).SetUint64(factor))
	if shift := whole - 16; shift < 0 {
		next.Rsh(next, uint(-shift))
	} else {
		next.Lsh(next, uint(shift))
	}
	if next.Sign() == 0 {
		return next.SetInt64(1)
	}
	if next.Cmp(limit) > 0 {
		return limit
	}
	return next
}
