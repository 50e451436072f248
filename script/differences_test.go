package script

import (
	"crypto/sha256"
	"testing"

	"cheese/coin"
)

// difference is a spend that Bitcoin Core judges otherwise than the verifier does today.
type difference struct {
	name   string
	output []byte
	unlock func(s *Spend) []byte // the input script
	flags  Flags
	core   verdict
	now    verdict
}

// consensusDifferences are verdicts on which a chain could split; all of them come from inside btcd's engine. Each
// takes a script made for the purpose, since no honest signer produces such spends.
func consensusDifferences() []difference {
	return []difference{
		{
			// Core takes a signature of one small byte out of the script code; the engine only looks for pushes in
			// the shortest form, which this one is not. Whether the first signature is good, and so whether the
			// second is ever looked at, depends on it.
			name:   "a one-byte signature in the script code",
			output: findAndDelete(asm(1, 5)),
			unlock: func(s *Spend) []byte {
				return append([]byte{op0, 1, 5}, asm(signLegacy(s, 0, 2, findAndDelete(nil)))...)
			},
			flags: Mandatory, core: sigDER, now: valid,
		},
		{
			// As above with an empty signature, for which Core takes every OP_0 out of the script code.
			name:   "an empty signature and an OP_0 in the script code",
			output: findAndDeleteThree(asm(op0)),
			unlock: func(s *Spend) []byte {
				return append([]byte{op0, op0, 2, 9, 9}, asm(signLegacy(s, 0, 3, findAndDeleteThree(nil)))...)
			},
			flags: Mandatory, core: sigDER, now: valid,
		},
		{
			// Before BIP 66 Core reads signatures leniently; the engine's lenient reader is a stricter one. It
			// matters on a regtest where BIP 66 is switched on late.
			name:   "a length in the long form before BIP 66",
			output: asm(pub(1), opCheckSig),
			unlock: func(s *Spend) []byte {
				sig := signLegacy(s, 0, 1, asm(pub(1), opCheckSig))
				return asm(append([]byte{0x30, 0x81}, sig[1:]...))
			},
			flags: P2SH, core: valid, now: evalFalse,
		},
	}
}

// findAndDelete is a script whose code starts with extra, with two keys and a NOT at its end.
func findAndDelete(extra []byte) []byte {
	return append(extra, asm(opDrop, op1+1, pub(1), pub(2), op1+1, opCheckMultiSig, opNot)...)
}

func findAndDeleteThree(extra []byte) []byte {
	return append(extra, asm(opDrop, op1+2, pub(1), pub(2), pub(3), op1+2, opCheckMultiSig, opNot)...)
}

const (
	opDrop = 0x75
	opNot  = 0x91
	opNop  = 0x61
)

// policyDifferences are verdicts under rules that no block is held to, and words for what both refuse.
func policyDifferences() []difference {
	plain := func(script ...any) func(*Spend) []byte { return func(*Spend) []byte { return asm(script...) } }
	return []difference{
		{name: "a lock operation that is still a NOP", output: asm(op1, 0xb1), unlock: plain(),
			flags: DiscourageUpgradableNops, core: valid, now: newNop},
		{name: "an odd key beside an empty signature", output: asm(op1, []byte{9, 9}, op1, opCheckMultiSig, opNot), unlock: plain(op0, op0),
			flags: P2SH | StrictEnc, core: badKeyType, now: valid},
		{name: "a push over the end after an OP_RETURN", output: asm(opReturn, opPushData1), unlock: plain(op1),
			flags: Mandatory, core: returned, now: badOpcode},
		{name: "a disabled operation over the limit", output: append(nops(201), 0x7e), unlock: plain(op1),
			flags: Mandatory, core: opCount, now: disabledOp},
		{name: "a dummy beside a bad signature", output: asm(op1, pub(1), op1, opCheckMultiSig), unlock: plain(op1, []byte{9, 9}),
			flags: Mandatory, core: sigDER, now: nullDummy},
	}
}

func nops(n int) []byte {
	script := make([]byte, n)
	for i := range script {
		script[i] = opNop
	}
	return script
}

// TestKnownDifferences holds the verifier to its list of differences with Bitcoin Core, both ways: one that is
// mended has to leave the list.
func TestKnownDifferences(t *testing.T) {
	v := NewVerifier(0, 1)
	for _, d := range append(consensusDifferences(), policyDifferences()...) {
		spend := creditAndSpend(nil, nil, d.output, coin.Coin)
		spend.tx.In[0].Script = d.unlock(spend)
		switch got := v.check(&Check{Spend: spend, Flags: d.flags}); got {
		case d.now:
		case d.core:
			t.Errorf("%s: now agrees with Core; take it off the list", d.name)
		default:
			t.Errorf("%s: got %q, which is neither today's %q nor Core's %q", d.name, got, d.now, d.core)
		}
	}
}

// TestMendedDifferences holds what the seam corrects in the engine's verdicts.
func TestMendedDifferences(t *testing.T) {
	offCurve := append([]byte{2}, append(make([]byte, 31), 5)...) // no point has x = 5
	someSig := signECDSA(1, [32]byte{})
	v := NewVerifier(0, 1)
	for _, test := range []struct {
		name   string
		output []byte
		input  []byte
		flags  Flags
		core   verdict
	}{
		{"a failed signature under a key that is no point", asm(offCurve, opCheckSig, opNot), asm(someSig), Standard, nullFail},
		{"the same in a branch not taken", asm(op0, opIf, offCurve, opCheckSig, 0x68, op1), nil, Standard, valid},
		{"the same with CHECKSIGVERIFY", asm(offCurve, opCheckSigVerify, op1), asm(someSig), Standard, nullFail},
		{"a bad encoding beside a bad hash type", asm(pub(1), opCheckSig), asm(append([]byte{9}, someSig...)), StrictEnc, sigDER},
		{"an empty signature where the script pushes nothing", asm(op0, opDrop, pub(1), opCheckSig, opNot), asm(op0), Standard, sigInCode},
		{"the same in CHECKMULTISIG", asm(op0, opDrop, op1, pub(1), op1, opCheckMultiSig, opNot), asm(op0, op0), Standard, sigInCode},
		{"a lone number that is too long", asm(opAdd), asm([]byte{1, 2, 3, 4, 5}), Mandatory, badStack},
		{"two numbers, one too long", asm(opAdd), asm([]byte{1, 2, 3, 4, 5}, op1), Mandatory, unknownError},
		{"a number that is longer than need be", asm(opAdd), asm([]byte{7, 0}, op1), Standard, unknownError},
		{"an alternative stack with nothing on it", asm(opFromAltStack), asm(op1), Mandatory, badAltStack},
		{"IF with nothing to look at", asm(opIf), nil, Mandatory, unbalanced},
		{"an empty stack", asm(opDrop), asm(op1), Standard, evalFalse},
		{"a false element on another", asm(op0), asm(op1), Standard, evalFalse},
		{"a true element on another", asm(op1), asm(op1), Standard, cleanStack},
	} {
		spend := creditAndSpend(test.input, nil, test.output, coin.Coin)
		if got := v.check(&Check{Spend: spend, Flags: test.flags}); got != test.core {
			t.Errorf("%s: got %q, want %q", test.name, got, test.core)
		}
	}
	wsh := asm([]byte{9, 9}, opCheckSig)
	spend := creditAndSpend(nil, [][]byte{nil, wsh}, PayToWitnessScriptHash(sha256.Sum256(wsh)), coin.Coin)
	if got := v.check(&Check{Spend: spend, Flags: Standard}); got != badKeyType {
		t.Errorf("a key of no kind in a witness: got %q", got)
	}
}
