package coin

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"math/bits"

	"golang.org/x/crypto/chacha20"
)

const (
	muLimbs = 48      // of 64 bits
	muPrime = 1103717 // 2^3072 less this is the modulus, the largest safe prime of 3072 bits
)

// MuHash is a hash of a multiset that elements can be added to and taken from in any order: MuHash3072 as Bitcoin
// Core's coin statistics have it (Bellare and Micciancio, 1997). The zero value is the empty set; copying it copies
// the set.
type MuHash struct {
	added, taken muNumber // products; all zeros stand for 1
}

// Insert adds an element.
func (m *MuHash) Insert(b []byte) { m.added.multiply(muElement(b)) }

// Remove takes an element away. It need not have been added yet.
func (m *MuHash) Remove(b []byte) { m.taken.multiply(muElement(b)) }

// Add adds all elements of another set, and takes away what was taken from it.
func (m *MuHash) Add(o *MuHash) {
	m.added.multiply(&o.added)
	m.taken.multiply(&o.taken)
}

// Sum returns the hash of the set: the single SHA-256 of the product.
func (m *MuHash) Sum() Hash {
	n := m.added.big()
	n.Mul(n, new(big.Int).ModInverse(m.taken.big(), muModulus))
	n.Mod(n, muModulus)
	var b [muLimbs * 8]byte
	n.FillBytes(b[:])
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return sha256.Sum256(b[:])
}

var muModulus = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), muLimbs*64), big.NewInt(muPrime))

// muNumber is a number below 2^3072, its lowest limb first. It stands for its remainder by the modulus.
type muNumber [muLimbs]uint64

// muElement spreads an element over the numbers: ChaCha20's stream under the element's SHA-256.
func muElement(b []byte) *muNumber {
	key := sha256.Sum256(b)
	var nonce [chacha20.NonceSize]byte
	stream, err := chacha20.NewUnauthenticatedCipher(key[:], nonce[:])
	if err != nil {
		panic(err) // the sizes are right
	}
	var raw [muLimbs * 8]byte
	stream.XORKeyStream(raw[:], raw[:])
	n := new(muNumber)
	for i := range n {
		n[i] = binary.LittleEndian.Uint64(raw[8*i:])
	}
	return n
}

// big returns the number itself, 1 for all zeros.
func (n *muNumber) big() *big.Int {
	if *n == (muNumber{}) {
		return big.NewInt(1)
	}
	var b [muLimbs * 8]byte
	for i, limb := range n {
		binary.BigEndian.PutUint64(b[8*(muLimbs-1-i):], limb)
	}
	return new(big.Int).SetBytes(b[:])
}

// multiply sets n to n·a.
func (n *muNumber) multiply(a *muNumber) {
	switch {
	case *a == (muNumber{}):
		return
	case *n == (muNumber{}):
		*n = *a
		return
	}
	var product [2 * muLimbs]uint64
	for i, x := range n {
		product[i+muLimbs] = mulAdd(product[i:i+muLimbs], a, x)
	}
	// The upper half counts 2^3072 each, which is muPrime by the modulus.
	*n = muNumber(product[:muLimbs])
	carry := mulAdd(n[:], (*muNumber)(product[muLimbs:]), muPrime)
	for carry != 0 { // twice at most
		high, low := bits.Mul64(carry, muPrime) // 42 bits: high is 0
		carry = high
		for i := 0; i < muLimbs && low != 0; i++ {
			n[i], low = bits.Add64(n[i], low, 0)
		}
		carry += low
	}
}

// mulAdd adds a·x to sum and returns what goes beyond it.
func mulAdd(sum []uint64, a *muNumber, x uint64) (carry uint64) {
	for i := range a {
		high, low := bits.Mul64(a[i], x)
		low, c := bits.Add64(low, sum[i], 0)
		high += c
		sum[i], c = bits.Add64(low, carry, 0)
		carry = high + c
	}
	return carry
}
