package script

import "bytes"

// Class is the template an output script follows.
type Class int

// The templates, in Bitcoin Core's order.
const (
	NonStandard Class = iota
	Anchor
	PubKey
	PubKeyHash
	ScriptHash
	MultiSig
	NullData
	WitnessV0ScriptHash
	WitnessV0KeyHash
	WitnessV1Taproot
	WitnessUnknown
)

var classNames = [...]string{"nonstandard", "anchor", "pubkey", "pubkeyhash", "scripthash", "multisig", "nulldata",
	"witness_v0_scripthash", "witness_v0_keyhash", "witness_v1_taproot", "witness_unknown"}

// String returns the name Bitcoin Core's JSON has in "type".
func (c Class) String() string { return classNames[c] }

// payToAnchor is the script of an output anyone may spend to raise a transaction's fee.
var payToAnchor = []byte{op1, 2, 0x4e, 0x73}

// Classify returns the template and what fills it: the key, hash or program; for MultiSig the required count in a
// byte, the keys, and their count in a byte; for WitnessUnknown the version in a byte and the program; otherwise nothing.
func Classify(script []byte) (Class, [][]byte) {
	if isScriptHash(script) {
		return ScriptHash, [][]byte{script[2:22]}
	}
	if version, program, ok := WitnessProgram(script); ok {
		return classifyWitness(script, version, program)
	}
	if len(script) > 0 && script[0] == opReturn && IsPushOnly(script[1:]) {
		return NullData, nil
	}
	if key := payToPubKey(script); key != nil {
		return PubKey, [][]byte{key}
	}
	if isPubKeyHash(script) {
		return PubKeyHash, [][]byte{script[3:23]}
	}
	if parts := multiSig(script); parts != nil {
		return MultiSig, parts
	}
	return NonStandard, nil
}

func classifyWitness(script []byte, version int, program []byte) (Class, [][]byte) {
	switch {
	case version == 0 && len(program) == 20:
		return WitnessV0KeyHash, [][]byte{program}
	case version == 0 && len(program) == 32:
		return WitnessV0ScriptHash, [][]byte{program}
	case version == 1 && len(program) == 32:
		return WitnessV1Taproot, [][]byte{program}
	case bytes.Equal(script, payToAnchor):
		return Anchor, nil
	case version != 0:
		return WitnessUnknown, [][]byte{{byte(version)}, program}
	}
	return NonStandard, nil
}

func payToPubKey(script []byte) []byte {
	if n := len(script); (n == 67 || n == 35) && int(script[0]) == n-2 && script[n-1] == opCheckSig && isKeySize(script[1:n-1]) {
		return script[1 : n-1]
	}
	return nil
}

// isKeySize tells whether the first byte of a public key announces its length; the point is not looked at.
func isKeySize(key []byte) bool {
	switch {
	case len(key) == 0:
		return false
	case key[0] == 2, key[0] == 3:
		return len(key) == 33
	case key[0] == 4, key[0] == 6, key[0] == 7:
		return len(key) == 65
	}
	return false
}

// multiSig splits "m key… n CHECKMULTISIG" with 1 ≤ m ≤ n ≤ 20, and returns nil for anything else.
func multiSig(script []byte) [][]byte {
	if len(script) == 0 || script[len(script)-1] != opCheckMultiSig {
		return nil
	}
	c := cursor{script: script}
	op, data, ok := c.next()
	if !ok {
		return nil
	}
	required, ok := smallNumber(op, data)
	if !ok || required < 1 {
		return nil
	}
	parts := [][]byte{{byte(required)}}
	for op, data, ok = c.next(); ok && isKeySize(data); op, data, ok = c.next() {
		parts = append(parts, data)
	}
	total, isNumber := smallNumber(op, data)
	if !ok || !isNumber || total < required || len(parts)-1 != total || c.pos+1 != len(script) {
		return nil
	}
	return append(parts, []byte{byte(total)})
}

// smallNumber reads a count of up to 20 that is pushed in the shortest way.
func smallNumber(op byte, data []byte) (int, bool) {
	switch {
	case op >= op1 && op <= op16:
		return int(op-op1) + 1, true
	case op == 1 && data[0] > 16 && data[0] <= maxMultiSigKeys:
		return int(data[0]), true
	}
	return 0, false
}
