package coin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Hash is a 32-byte double SHA-256 in the order it is hashed and sent. Its text form is reversed, as Bitcoin shows it.
type Hash [32]byte

// DoubleSHA returns SHA-256(SHA-256(b)).
func DoubleSHA(b []byte) Hash {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}

// String returns the hash as 64 reversed hexadecimal digits.
func (h Hash) String() string {
	var r [32]byte
	for i, b := range h {
		r[31-i] = b
	}
	return hex.EncodeToString(r[:])
}

// IsZero tells whether all bytes are zero, as in the previous hash of a genesis block.
func (h Hash) IsZero() bool { return h == Hash{} }

// Compare orders hashes by their bytes as stored, not as numbers.
func (h Hash) Compare(o Hash) int { return bytes.Compare(h[:], o[:]) }

// MarshalText and UnmarshalText use the reversed hexadecimal form.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the reversed hexadecimal form.
func (h *Hash) UnmarshalText(text []byte) (err error) {
	*h, err = ParseHash(string(text))
	return err
}

// ParseHash reads 64 hexadecimal digits in reversed byte order.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 64 {
		return h, fmt.Errorf("a hash has 64 hexadecimal digits, not %d", len(s))
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return h, fmt.Errorf("a hash has hexadecimal digits only: %w", err)
	}
	for i := range b {
		h[31-i] = b[i]
	}
	return h, nil
}

// MustHash is ParseHash for constants; it panics on a malformed one.
func MustHash(s string) Hash {
	h, err := ParseHash(s)
	if err != nil {
		panic(err)
	}
	return h
}
