package script

import (
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"golang.org/x/crypto/ripemd160" //nolint:staticcheck // Bitcoin's choice, not ours
)

func hash160(b []byte) (out [20]byte) {
	first := sha256.Sum256(b)
	h := ripemd160.New()
	h.Write(first[:])
	h.Sum(out[:0])
	return out
}

// isStrictDER tells whether a signature with its hash type byte is encoded as BIP 66 demands:
//
//	0x30 [length] 0x02 [length of R] [R] 0x02 [length of S] [S] [hash type]
//
// with R and S positive and without needless zeros.
func isStrictDER(sig []byte) bool {
	if len(sig) < 9 || len(sig) > 73 || sig[0] != 0x30 || int(sig[1]) != len(sig)-3 {
		return false
	}
	lenR := int(sig[3])
	if lenR+5 >= len(sig) {
		return false
	}
	lenS := int(sig[5+lenR])
	return lenR+lenS+7 == len(sig) && isDERInt(sig[2:4+lenR]) && isDERInt(sig[4+lenR:6+lenR+lenS])
}

// isDERInt looks at a marker, a length and that many bytes.
func isDERInt(b []byte) bool {
	if b[0] != 0x02 || len(b) == 2 || b[2]&0x80 != 0 {
		return false
	}
	return len(b) == 3 || b[2] != 0 || b[3]&0x80 != 0
}

// isLowS tells whether the S of a strict DER signature is at most half the group order (BIP 146).
func isLowS(sig []byte) bool {
	at := 6 + int(sig[3])
	s := sig[at : at+int(sig[at-1])]
	for len(s) > 0 && s[0] == 0 {
		s = s[1:]
	}
	var n btcec.ModNScalar
	if len(s) > 32 || n.SetByteSlice(s) {
		return true // over the order: Core's parser makes it zero, which is low, and it verifies nothing
	}
	return !n.IsOverHalfOrder()
}

// verifyECDSA checks a strict DER signature without its hash type byte. High S is fine.
func verifyECDSA(key, der []byte, digest [32]byte) bool {
	pub, err := btcec.ParsePubKey(key)
	if err != nil {
		return false
	}
	sig, err := ecdsa.ParseDERSignature(der)
	return err == nil && sig.Verify(digest[:], pub)
}

// challengeTag is the hash of BIP 340's tag, which starts every challenge, twice.
var challengeTag = sha256.Sum256([]byte("BIP0340/challenge"))

// verifySchnorr checks a 64-byte BIP 340 signature under a 32-byte x-only key: whether s·G − e·P is the point with
// x = r and an even y. It spares btcec's second decompression of the key.
func verifySchnorr(key, sig []byte, digest [32]byte) bool {
	var r btcec.FieldVal
	var s, e btcec.ModNScalar
	pub, err := schnorr.ParsePubKey(key)
	if err != nil || r.SetByteSlice(sig[:32]) || s.SetByteSlice(sig[32:64]) {
		return false // r or s is over its limit
	}
	message := append(make([]byte, 0, 160), challengeTag[:]...)
	message = append(append(message, challengeTag[:]...), sig[:32]...)
	message = append(append(message, key...), digest[:]...)
	challenge := sha256.Sum256(message)
	e.SetBytes(&challenge)
	e.Negate()

	var p, sG, eP, sum btcec.JacobianPoint
	pub.AsJacobian(&p)
	btcec.ScalarBaseMultNonConst(&s, &sG)
	btcec.ScalarMultNonConst(&e, &p, &eP)
	btcec.AddNonConst(&sG, &eP, &sum)
	if sum.Z.IsZero() || sum.X.IsZero() && sum.Y.IsZero() {
		return false // the point at infinity
	}
	sum.ToAffine()
	return !sum.Y.IsOdd() && sum.X.Equals(&r)
}
