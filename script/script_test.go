package script

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"cheese/coin"

	"github.com/btcsuite/btcd/txscript/v2"
	"pgregory.net/rapid"
)

func TestClassify(t *testing.T) {
	uncompressed := testKey(1).PubKey().SerializeUncompressed()
	for _, test := range []struct {
		name   string
		script []byte
		class  string
		parts  int
	}{
		{"nothing", nil, "nonstandard", 0},
		{"a key", asm(pub(1), opCheckSig), "pubkey", 1},
		{"an uncompressed key", asm(uncompressed, opCheckSig), "pubkey", 1},
		{"a key of the wrong length", asm(uncompressed[:33], opCheckSig), "nonstandard", 0},
		{"a key hash", PayToPubKeyHash([20]byte{1}), "pubkeyhash", 1},
		{"a script hash", PayToScriptHash([20]byte{1}), "scripthash", 1},
		{"two of three", twoOfThree(), "multisig", 5},
		{"one of none", asm(op1, op0, opCheckMultiSig), "nonstandard", 0},
		{"three of two", asm(op1+2, pub(1), pub(2), op1+1, opCheckMultiSig), "nonstandard", 0},
		{"a wrong count", asm(op1, pub(1), pub(2), op1, opCheckMultiSig), "nonstandard", 0},
		{"more after it", append(twoOfThree(), opCheckMultiSig), "nonstandard", 0},
		{"data", asm(opReturn, []byte("hello")), "nulldata", 0},
		{"OP_RETURN alone", asm(opReturn), "nulldata", 0},
		{"data and an operation", asm(opReturn, []byte("hello"), opDup), "nonstandard", 0},
		{"data over the end", asm(opReturn, 5), "nonstandard", 0},
		{"a witness key hash", PayToWitnessKeyHash([20]byte{1}), "witness_v0_keyhash", 1},
		{"a witness script hash", PayToWitnessScriptHash([32]byte{1}), "witness_v0_scripthash", 1},
		{"version 0 of another length", PayToWitness(0, make([]byte, 21)), "nonstandard", 0},
		{"taproot", PayToTaproot([32]byte{1}), "witness_v1_taproot", 1},
		{"version 1 of another length", PayToWitness(1, make([]byte, 31)), "witness_unknown", 2},
		{"version 16", PayToWitness(16, make([]byte, 40)), "witness_unknown", 2},
		{"a program of 41 bytes", PayToWitness(2, make([]byte, 41)), "nonstandard", 0},
		{"an anchor", []byte{op1, 2, 0x4e, 0x73}, "anchor", 0},
	} {
		if class, parts := Classify(test.script); class.String() != test.class || len(parts) != test.parts {
			t.Errorf("%s: %v with %d parts, want %s with %d", test.name, class, len(parts), test.class, test.parts)
		}
	}
}

func TestMultiSigCountsUpToTwenty(t *testing.T) {
	script := asm([]byte{17})
	for i := range 20 {
		script = append(script, asm(pub(i))...)
	}
	script = append(script, asm([]byte{20}, opCheckMultiSig)...)
	if class, parts := Classify(script); class != MultiSig || parts[0][0] != 17 || parts[21][0] != 20 {
		t.Fatalf("17 of 20 is %v", class)
	}
}

func TestDisassemble(t *testing.T) {
	sig := asm(signECDSA(1, [32]byte{}))
	hexSig := hex.EncodeToString(sig[1 : len(sig)-1])
	for _, test := range []struct{ script, want string }{
		{"", ""},
		{"00", "0"},
		{"4f515260", "-1 1 2 16"},
		{"76a914" + "0102030405060708090a0b0c0d0e0f1011121314" + "88ac", "OP_DUP OP_HASH160 0102030405060708090a0b0c0d0e0f1011121314 OP_EQUALVERIFY OP_CHECKSIG"},
		{"01010100" + "03000080" + "0401020304", "1 0 0 67305985"},
		{"0181", "-1"},
		{"04ffffffff", "-2147483647"},
		{"050102030405", "0102030405"},
		{"6a4c", "OP_RETURN [error]"},
		{"ba50feff", "OP_CHECKSIGADD OP_RESERVED OP_UNKNOWN OP_INVALIDOPCODE"},
		{hex.EncodeToString(sig), hexSig + "01"},
	} {
		if got := Disassemble(unhex(t, test.script)); got != test.want {
			t.Errorf("%s: got %q, want %q", test.script, got, test.want)
		}
	}
	if got := DisassembleInput(sig); got != hexSig+"[ALL]" {
		t.Errorf("an input's signature reads %q", got)
	}
}

func TestPushes(t *testing.T) {
	for _, test := range []struct {
		n    int64
		want string
	}{{0, "00"}, {1, "51"}, {16, "60"}, {17, "0111"}, {-1, "4f"}, {127, "017f"}, {128, "028000"}, {-128, "028080"},
		{255, "02ff00"}, {256, "020001"}, {500000, "0320a107"}, {1 << 31, "050000008000"}} {
		if got := hex.EncodeToString(PushInt(test.n)); got != test.want {
			t.Errorf("%d: %s, want %s", test.n, got, test.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 600).Filter(func(b []byte) bool { return !bytes.Equal(b, []byte{0}) }).
			Draw(t, "data") // a zero byte is no empty push, though the engine's builder makes it one
		want, err := txscript.NewScriptBuilder().AddFullData(data).Script()
		if got := PushData(data); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %x, the engine's builder %x (%v)", got, want, err)
		}
		n := rapid.Int64Range(-1<<40, 1<<40).Draw(t, "number")
		if got := decodeNumber(encodeNumber(n)); got != n {
			t.Fatalf("%d comes back as %d", n, got)
		}
	})
}

func TestShapeOfScripts(t *testing.T) {
	for _, test := range []struct {
		script                string
		pushOnly, unspendable bool
	}{
		{"", true, false},
		{"00510160", true, false},
		{"50", true, false},
		{"61", false, false},
		{"05", false, false},
		{"4c", false, false},
		{"4d0100aa", true, false},
		{"4e01000000aa", true, false},
		{"4effffffff", false, false},
		{"6a", false, true},
		{"516a", false, false},
	} {
		script := unhex(t, test.script)
		if IsPushOnly(script) != test.pushOnly || IsUnspendable(script) != test.unspendable {
			t.Errorf("%q: push-only %v, unspendable %v", test.script, IsPushOnly(script), IsUnspendable(script))
		}
	}
	if IsUnspendable(make([]byte, maxScriptSize)) || !IsUnspendable(make([]byte, maxScriptSize+1)) {
		t.Error("the size limit is off")
	}
}

func TestSigOpsAgreeWithTheEngine(t *testing.T) {
	ops := []byte{op0, op1, op1 + 2, op16, 0x01, opPushData1, opCheckSig, opCheckSigVerify, opCheckMultiSig, opCheckMultiSigVerify, opDup}
	rapid.Check(t, func(t *rapid.T) {
		script := rapid.SliceOf(rapid.OneOf(rapid.SampledFrom(ops), rapid.Byte())).Draw(t, "script")
		if got, want := SigOps(script, false), txscript.GetSigOpCount(script); got != want {
			t.Fatalf("%x: %d, the engine %d", script, got, want)
		}
		input := PushData(script)
		output := nested(script)
		tx := &coin.Tx{In: []coin.TxIn{{Script: input, Witness: [][]byte{script}}}}
		got := SigOpCost(tx, []coin.TxOut{{Script: output}}, P2SH) - 4*SigOps(input, false)
		if want := 4 * txscript.GetPreciseSigOpCount(input, output, true); got != want {
			t.Fatalf("%x in P2SH: %d, the engine %d", script, got, want)
		}
		output = PayToWitnessScriptHash(sha256.Sum256(script))
		tx.In[0].Script = nil
		got = SigOpCost(tx, []coin.TxOut{{Script: output}}, P2SH|Witness)
		if want := txscript.GetWitnessSigOpCount(nil, output, tx.In[0].Witness); got != want {
			t.Fatalf("%x in P2WSH: %d, the engine %d", script, got, want)
		}
	})
}

func TestSigOpCost(t *testing.T) {
	wpkh, wsh := PayToWitnessKeyHash([20]byte{}), PayToWitnessScriptHash(sha256.Sum256(twoOfThree()))
	for _, test := range []struct {
		name          string
		input, output []byte
		witness       [][]byte
		flags         Flags
		want          int
	}{
		{"a key hash counts where it is made", nil, PayToPubKeyHash([20]byte{}), nil, Standard, 0},
		{"bare multisig counts where it is made", nil, twoOfThree(), nil, Standard, 0},
		{"P2SH", asm(twoOfThree()), nested(twoOfThree()), nil, Standard, 12},
		{"P2SH before BIP 16", asm(twoOfThree()), nested(twoOfThree()), nil, 0, 0},
		{"P2SH behind an operation", append([]byte{opDup}, asm(twoOfThree())...), nested(twoOfThree()), nil, Standard, 0},
		{"P2WPKH", nil, wpkh, nil, Standard, 1},
		{"P2WPKH before BIP 141", nil, wpkh, nil, P2SH, 0},
		{"P2WPKH in P2SH", asm(wpkh), nested(wpkh), nil, Standard, 1},
		{"P2WSH", nil, wsh, [][]byte{twoOfThree()}, Standard, 3},
		{"P2WSH without witness", nil, wsh, nil, Standard, 0},
		{"P2WSH in P2SH", asm(wsh), nested(wsh), [][]byte{twoOfThree()}, Standard, 3},
		{"taproot", nil, PayToTaproot([32]byte{}), [][]byte{twoOfThree()}, Standard, 0},
	} {
		tx := &coin.Tx{In: []coin.TxIn{{Script: test.input, Witness: test.witness}}, Out: []coin.TxOut{{Script: twoOfThree()}}}
		made := 4 * 20 // the output of the transaction itself, counted inaccurately
		if got := SigOpCost(tx, []coin.TxOut{{Script: test.output}}, test.flags) - made; got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	coinbase := &coin.Tx{In: []coin.TxIn{{Prev: coin.OutPoint{Index: coin.NullIndex}, Script: []byte{opCheckSig}}}}
	if got := SigOpCost(coinbase, nil, Standard); got != 4 {
		t.Errorf("a coinbase that checks a signature costs %d", got)
	}
}
