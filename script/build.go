package script

import "encoding/binary"

// PushData returns the shortest operation that pushes b: OP_0, OP_1 to OP_16, OP_1NEGATE, a direct push or a PUSHDATA.
func PushData(b []byte) []byte {
	switch n := len(b); {
	case n == 0:
		return []byte{op0}
	case n == 1 && b[0] >= 1 && b[0] <= 16:
		return []byte{op1 + b[0] - 1}
	case n == 1 && b[0] == 0x81:
		return []byte{op1Negate}
	case n < opPushData1:
		return append([]byte{byte(n)}, b...)
	case n <= 0xff:
		return append([]byte{opPushData1, byte(n)}, b...)
	case n <= 0xffff:
		return append([]byte{opPushData2, byte(n), byte(n >> 8)}, b...)
	}
	return append(binary.LittleEndian.AppendUint32([]byte{opPushData4}, uint32(len(b))), b...)
}

// directPush is PushData without OP_1 to OP_16 and OP_1NEGATE: what Core writes for a byte string whatever is in it.
func directPush(b []byte) []byte {
	if len(b) == 1 {
		return []byte{1, b[0]}
	}
	return PushData(b)
}

// PushInt returns the shortest operation that pushes n as a script number, as BIP 34 wants a height pushed.
func PushInt(n int64) []byte { return PushData(encodeNumber(n)) }

// encodeNumber is the shortest script number for n, which must not be the smallest int64.
func encodeNumber(n int64) []byte {
	if n == 0 {
		return nil
	}
	abs := uint64(n)
	if n < 0 {
		abs = uint64(-n)
	}
	var b []byte
	for ; abs > 0; abs >>= 8 {
		b = append(b, byte(abs))
	}
	if b[len(b)-1]&0x80 != 0 { // the top bit is the sign
		b = append(b, 0)
	}
	if n < 0 {
		b[len(b)-1] |= 0x80
	}
	return b
}

// PayToPubKeyHash returns the output script that pays to the HASH160 of a public key.
func PayToPubKeyHash(hash [20]byte) []byte {
	b := append([]byte{opDup, opHash160, 20}, hash[:]...)
	return append(b, opEqualVerify, opCheckSig)
}

// PayToScriptHash returns the output script that pays to the HASH160 of a redeem script (BIP 16).
func PayToScriptHash(hash [20]byte) []byte {
	return append(append([]byte{opHash160, 20}, hash[:]...), opEqual)
}

// PayToWitnessKeyHash returns the version 0 output script for the HASH160 of a compressed public key (BIP 141).
func PayToWitnessKeyHash(hash [20]byte) []byte { return PayToWitness(0, hash[:]) }

// PayToWitnessScriptHash returns the version 0 output script for the SHA-256 of a witness script (BIP 141).
func PayToWitnessScriptHash(hash [32]byte) []byte { return PayToWitness(0, hash[:]) }

// PayToTaproot returns the version 1 output script for an x-only output key (BIP 341).
func PayToTaproot(xOnly [32]byte) []byte { return PayToWitness(1, xOnly[:]) }

// PayToWitness returns the output script of a witness program: version 0 to 16, 2 to 40 bytes (BIP 141).
func PayToWitness(version int, program []byte) []byte {
	op := byte(op0)
	if version > 0 {
		op = byte(op1 + version - 1)
	}
	return append([]byte{op, byte(len(program))}, program...)
}

// Hash160 is RIPEMD-160(SHA-256(b)), what keys and redeem scripts are named by.
func Hash160(b []byte) [20]byte { return hash160(b) }
