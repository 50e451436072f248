package script

import (
	"bytes"

	"cheese/coin"
)

// fast judges the templates that nearly all outputs follow, to the verdict that Core's full evaluation reaches.
// decided is false for anything unusual, which the engine then judges.
func (v *Verifier) fast(c *Check) (why verdict, decided bool) {
	in, prev := &c.Spend.tx.In[c.Input], c.Spend.prev[c.Input].Script
	if isPubKeyHash(prev) {
		return v.pubKeyHash(c, in, prev)
	}
	version, program, ok := WitnessProgram(prev)
	if !ok || !c.Flags.has(P2SH|Witness) || len(in.Script) > 0 {
		return valid, false
	}
	if !isTrue(program) {
		return evalFalse, true // the output script has left a false element before its program is looked at
	}
	switch {
	case version == 0 && len(program) == 20 && c.Flags.has(DERSig):
		return v.witnessKeyHash(c, in, program)
	case version == 1 && len(program) == 32 && !c.Flags.has(Taproot):
		return valid, true // anyone may spend it then
	case version == 1 && len(program) == 32:
		return v.keyPath(c, in, program)
	}
	return valid, false
}

// witnessKeyHash judges "0 <hash>" (BIP 141), spent with a signature and a compressed key.
func (v *Verifier) witnessKeyHash(c *Check, in *coin.TxIn, program []byte) (why verdict, decided bool) {
	if len(in.Witness) != 2 {
		return programHash, true
	}
	sig, key := in.Witness[0], in.Witness[1]
	if len(sig) > maxElementSize || !isCompressed(key) {
		return valid, false
	}
	if hash := hash160(key); !bytes.Equal(hash[:], program) {
		return equalVerify, true
	}
	return v.ecdsa(c, sig, key, func(hashType byte) [32]byte {
		return c.Spend.WitnessSigHash(c.Input, PayToPubKeyHash([20]byte(program)), uint32(hashType))
	}), true
}

// pubKeyHash judges "DUP HASH160 <hash> EQUALVERIFY CHECKSIG" spent with two direct pushes, a signature and a key.
func (v *Verifier) pubKeyHash(c *Check, in *coin.TxIn, prev []byte) (why verdict, decided bool) {
	pushes := cursor{script: in.Script}
	sigOp, sig, sigOK := pushes.next()
	keyOp, key, keyOK := pushes.next()
	// A signature of up to 20 bytes could be found in the script code, which Core then changes.
	if !sigOK || !keyOK || !pushes.done() || !c.Flags.has(DERSig) || len(in.Witness) > 0 ||
		int(sigOp) != len(sig) || len(sig) <= 20 || int(keyOp) != len(key) || !isCompressed(key) && !isUncompressed(key) {
		return valid, false
	}
	if hash := hash160(key); !bytes.Equal(hash[:], prev[3:23]) {
		return equalVerify, true
	}
	return v.ecdsa(c, sig, key, func(hashType byte) [32]byte {
		return c.Spend.LegacySigHash(c.Input, prev, uint32(hashType))
	}), true
}

// ecdsa does what is left of a script that ends in CHECKSIG, with a key whose encoding no rule objects to.
func (v *Verifier) ecdsa(c *Check, sig, key []byte, digest func(hashType byte) [32]byte) verdict {
	if len(sig) == 0 {
		return evalFalse
	}
	hashType := sig[len(sig)-1]
	switch {
	case !isStrictDER(sig):
		return sigDER
	case c.Flags.has(LowS) && !isLowS(sig):
		return sigHighS
	case c.Flags.has(StrictEnc) && hashTypeNames[hashType] == "":
		return sigHashType
	}
	d := digest(hashType)
	known := v.cache.key(d, key, sig)
	switch {
	case v.cache.has(known):
	case verifyECDSA(key, sig[:len(sig)-1], d):
		v.cache.add(known)
	case c.Flags.has(NullFail):
		return nullFail
	default:
		return evalFalse
	}
	return valid
}

// keyPath judges "1 <key>" spent by the key itself (BIP 341): a signature and perhaps an annex.
func (v *Verifier) keyPath(c *Check, in *coin.TxIn, key []byte) (why verdict, decided bool) {
	stack, _ := splitAnnex(in.Witness)
	switch {
	case len(stack) == 0:
		return programEmpty, true
	case len(stack) > 1:
		return valid, false // a script path
	}
	sig, hashType := stack[0], byte(SigHashDefault)
	switch len(sig) {
	case 64:
	case 65:
		sig, hashType = sig[:64], sig[64]
		if hashType == SigHashDefault {
			return schnorrType, true
		}
	default:
		return schnorrSize, true
	}
	d, err := c.Spend.TaprootSigHash(c.Input, hashType)
	if err != nil {
		return schnorrType, true
	}
	known := v.cache.key(d, key, sig)
	if !v.cache.has(known) {
		if !verifySchnorr(key, sig, d) {
			return schnorrSig, true
		}
		v.cache.add(known)
	}
	return valid, true
}

func isCompressed(key []byte) bool { return len(key) == 33 && (key[0] == 2 || key[0] == 3) }

func isUncompressed(key []byte) bool { return len(key) == 65 && key[0] == 4 }
