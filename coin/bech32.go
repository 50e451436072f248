package coin

import (
	"fmt"
	"strings"
)

// Bech32 (BIP 173) and Bech32m (BIP 350). The codec is our own because a person who mistypes an address is best
// told where, which the checksum can tell for up to two wrong characters.

const bech32Charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32Sum is how many five-bit groups the checksum takes.
const bech32Sum = 6

// The constants that tell the two checksums apart.
const (
	bech32Const  = 1
	bech32mConst = 0x2bc830a3
)

// maxBech32 is how many characters BIP 173 allows; a network with a long prefix needs more (see Params.maxBech32).
const maxBech32 = 90

// polymod feeds five-bit values into the checksum's remainder, which starts at 1.
func polymod(chk uint32, values []byte) uint32 {
	for _, v := range values {
		top := chk >> 25
		chk = chk&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				chk ^= g
			}
		}
	}
	return chk
}

// expandPrefix returns the values that the prefix adds to the checksum.
func expandPrefix(hrp string) []byte {
	values := make([]byte, 0, 2*len(hrp)+1)
	for i := range len(hrp) {
		values = append(values, hrp[i]>>5)
	}
	values = append(values, 0)
	for i := range len(hrp) {
		values = append(values, hrp[i]&31)
	}
	return values
}

// encodeBech32 returns the text of five-bit groups under a lower-case prefix.
func encodeBech32(hrp string, groups []byte, constant uint32) string {
	chk := polymod(polymod(1, expandPrefix(hrp)), groups)
	chk = polymod(chk, make([]byte, bech32Sum)) ^ constant
	var s strings.Builder
	s.WriteString(hrp + "1")
	for _, g := range groups {
		s.WriteByte(bech32Charset[g])
	}
	for i := range bech32Sum {
		s.WriteByte(bech32Charset[chk>>(5*(bech32Sum-1-i))&31])
	}
	return s.String()
}

// bech32Text is a string split into prefix and five-bit groups, checksum included.
type bech32Text struct {
	hrp    string
	groups []byte
}

// splitBech32 checks everything but the checksum. The errors are *AddressErrors with Core's reasons.
func splitBech32(s string, limit int) (bech32Text, error) {
	if len(s) > limit {
		return bech32Text{}, &AddressError{Reason: "Bech32 string too long", Detail: fmt.Sprintf("it has %d characters; the limit is %d", len(s), limit), Positions: span(limit, len(s))}
	}
	if at := mixedOrStrange(s); len(at) > 0 {
		return bech32Text{}, &AddressError{Reason: "Invalid character or mixed case", Detail: "it mixes upper and lower case, or has characters that no address has: look at " + places(at), Positions: at}
	}
	s = strings.ToLower(s)
	sep := strings.LastIndexByte(s, '1')
	switch {
	case sep < 0:
		return bech32Text{}, &AddressError{Reason: "Missing separator", Detail: `there is no "1" after the prefix`}
	case sep == 0 || sep+bech32Sum >= len(s):
		return bech32Text{}, &AddressError{Reason: "Invalid separator position", Detail: `too little is in front of or behind its last "1"`, Positions: []int{sep}}
	}
	t := bech32Text{s[:sep], make([]byte, 0, len(s)-sep-1)}
	for i := sep + 1; i < len(s); i++ {
		v := strings.IndexByte(bech32Charset, s[i])
		if v < 0 {
			return bech32Text{}, &AddressError{Reason: "Invalid Base 32 character", Detail: fmt.Sprintf("%q, character %d, is never in one", s[i], i+1), Positions: []int{i}}
		}
		t.groups = append(t.groups, byte(v))
	}
	return t, nil
}

// mixedOrStrange returns the positions of characters outside printable ASCII, and of those in the case that came
// second.
func mixedOrStrange(s string) (at []int) {
	lower, upper := false, false
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z':
			if upper {
				at = append(at, i)
			} else {
				lower = true
			}
		case 'A' <= c && c <= 'Z':
			if lower {
				at = append(at, i)
			} else {
				upper = true
			}
		case c < 33 || c > 126:
			at = append(at, i)
		}
	}
	return at
}

// residue returns what is left of the checksum; a right one leaves bech32Const or bech32mConst.
func (t bech32Text) residue() uint32 {
	return polymod(polymod(1, expandPrefix(t.hrp)), t.groups)
}

// locate returns the positions in the text of the one or two wrong characters that explain the checksum best, and the
// constant that they are wrong for; none where there are more than two. Two characters can explain it for both
// constants: then the one that the witness version asks for is meant.
func (t bech32Text) locate() (at []int, constant uint32) {
	likely, other := uint32(bech32mConst), uint32(bech32Const)
	if len(t.groups) > 0 && t.groups[0] == 0 {
		likely, other = other, likely
	}
	for _, c := range []uint32{likely, other} {
		if found := t.explain(t.residue() ^ c); len(found) > 0 && (len(at) == 0 || len(found) < len(at)) {
			at, constant = found, c
		}
	}
	return at, constant
}

// explain finds the positions whose errors add up to what the remainder is off by. The checksum is linear, so that
// errors add; and its codewords differ in at least five places, so that at most one pair can be the answer.
func (t bech32Text) explain(off uint32) []int {
	n := len(t.groups)
	where := make(map[uint32]int, 31*n) // what an error adds to the remainder -> its position
	for e := range byte(32) {
		if e == 0 {
			continue
		}
		for pos, add := n-1, uint32(e); pos >= 0; pos-- {
			where[add] = pos
			add = polymod(add, []byte{0})
		}
	}
	start := len(t.hrp) + 1
	if pos, ok := where[off]; ok {
		return []int{start + pos}
	}
	for add, first := range where {
		if second, ok := where[off^add]; ok && second != first {
			return []int{start + min(first, second), start + max(first, second)}
		}
	}
	return nil
}

// regroup repacks bits from groups of one size into groups of another, from the most significant on. Padding up makes
// the last group whole with zeros; otherwise what is left over must be fewer bits than a group had, all zero.
func regroup(in []byte, from, to uint, pad bool) ([]byte, bool) {
	var out []byte
	var acc, bits uint
	for _, v := range in {
		acc = (acc<<from | uint(v)) & (1<<(from+to-1) - 1)
		for bits += from; bits >= to; {
			bits -= to
			out = append(out, byte(acc>>bits&(1<<to-1)))
		}
	}
	rest := acc & (1<<bits - 1)
	if pad {
		if bits > 0 {
			out = append(out, byte(rest<<(to-bits)))
		}
		return out, true
	}
	return out, bits < from && rest == 0
}
