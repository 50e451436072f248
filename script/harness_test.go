package script

import (
	"crypto/sha256"
	"slices"
	"testing"

	"cheese/coin"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testKey derives the n-th key of the tests.
func testKey(n int) *btcec.PrivateKey {
	seed := sha256.Sum256([]byte{'k', byte(n), byte(n >> 8)})
	key, _ := btcec.PrivKeyFromBytes(seed[:])
	return key
}

func pub(n int) []byte { return testKey(n).PubKey().SerializeCompressed() }

func tagged(tag string, parts ...[]byte) [32]byte {
	t := sha256.Sum256([]byte(tag))
	return sha256.Sum256(slices.Concat(append([][]byte{t[:], t[:]}, parts...)...))
}

// template is a way to lock an output and to unlock it again.
type template struct {
	name   string
	output []byte
	unlock func(s *Spend, input int) (script []byte, witness [][]byte)
	fast   bool // judged without an engine
}

// signECDSA signs with key n. The hash type is ALL.
func signECDSA(n int, digest [32]byte) []byte {
	return append(ecdsa.Sign(testKey(n), digest[:]).Serialize(), SigHashAll)
}

func signLegacy(s *Spend, input, n int, code []byte) []byte {
	return signECDSA(n, s.LegacySigHash(input, code, SigHashAll))
}

func signV0(s *Spend, input, n int, code []byte) []byte {
	return signECDSA(n, s.WitnessSigHash(input, code, SigHashAll))
}

func signSchnorr(key *btcec.PrivateKey, digest [32]byte) []byte {
	sig, err := schnorr.Sign(key, digest[:])
	if err != nil {
		panic(err)
	}
	return sig.Serialize()
}

// asm joins script pieces: bytes are pushed, ints are operations.
func asm(parts ...any) (script []byte) {
	for _, part := range parts {
		switch p := part.(type) {
		case int:
			script = append(script, byte(p))
		case []byte:
			script = append(script, PushData(p)...)
		}
	}
	return script
}

func twoOfThree() []byte {
	return asm(op1+1, pub(1), pub(2), pub(3), op1+2, opCheckMultiSig)
}

func nested(redeem []byte) []byte { return PayToScriptHash(hash160(redeem)) }

func templates() []template {
	multi := twoOfThree()
	wsh := PayToWitnessScriptHash(sha256.Sum256(multi))
	wpkh := PayToWitnessKeyHash(hash160(pub(1)))
	pkh := PayToPubKeyHash(hash160(pub(1)))
	outKey := txscript.ComputeTaprootKeyNoScript(testKey(1).PubKey())
	leafScript := asm(schnorr.SerializePubKey(testKey(2).PubKey()), opCheckSig)
	leafHash := tagged("TapLeaf", []byte{tapscriptLeaf, byte(len(leafScript))}, leafScript)
	treeKey := txscript.ComputeTaprootOutputKey(testKey(1).PubKey(), leafHash[:])
	control := append([]byte{tapscriptLeaf | treeKey.SerializeCompressed()[0]&1}, schnorr.SerializePubKey(testKey(1).PubKey())...)
	return []template{
		{"p2wpkh", wpkh, func(s *Spend, i int) ([]byte, [][]byte) {
			return nil, [][]byte{signV0(s, i, 1, pkh), pub(1)}
		}, true},
		{"p2pkh", pkh, func(s *Spend, i int) ([]byte, [][]byte) {
			return asm(signLegacy(s, i, 1, pkh), pub(1)), nil
		}, true},
		{"p2tr key path", PayToTaproot([32]byte(schnorr.SerializePubKey(outKey))), func(s *Spend, i int) ([]byte, [][]byte) {
			d, _ := s.TaprootSigHash(i, SigHashDefault)
			return nil, [][]byte{signSchnorr(txscript.TweakTaprootPrivKey(*testKey(1), nil), d)}
		}, true},
		{"p2tr script path", PayToTaproot([32]byte(schnorr.SerializePubKey(treeKey))), func(s *Spend, i int) ([]byte, [][]byte) {
			d, _ := s.TapscriptSigHash(i, SigHashDefault, leafHash, 0xffffffff)
			return nil, [][]byte{signSchnorr(testKey(2), d), leafScript, control}
		}, false},
		{"p2pk", asm(pub(1), opCheckSig), func(s *Spend, i int) ([]byte, [][]byte) {
			return asm(signLegacy(s, i, 1, asm(pub(1), opCheckSig))), nil
		}, false},
		{"bare multisig", multi, func(s *Spend, i int) ([]byte, [][]byte) {
			return asm(op0, signLegacy(s, i, 1, multi), signLegacy(s, i, 3, multi)), nil
		}, false},
		{"p2sh multisig", nested(multi), func(s *Spend, i int) ([]byte, [][]byte) {
			return asm(op0, signLegacy(s, i, 1, multi), signLegacy(s, i, 2, multi), multi), nil
		}, false},
		{"p2sh-p2wpkh", nested(wpkh), func(s *Spend, i int) ([]byte, [][]byte) {
			return asm(wpkh), [][]byte{signV0(s, i, 1, pkh), pub(1)}
		}, false},
		{"p2wsh multisig", wsh, func(s *Spend, i int) ([]byte, [][]byte) {
			return nil, [][]byte{nil, signV0(s, i, 2, multi), signV0(s, i, 3, multi), multi}
		}, false},
		{"p2sh-p2wsh multisig", nested(wsh), func(s *Spend, i int) ([]byte, [][]byte) {
			return asm(wsh), [][]byte{nil, signV0(s, i, 1, multi), signV0(s, i, 2, multi), multi}
		}, false},
	}
}

func templateNamed(name string) template {
	all := templates()
	return all[slices.IndexFunc(all, func(t template) bool { return t.name == name })]
}

// signedSpend returns a valid transaction with one input for each template, and the outputs it spends.
func signedSpend(inputs ...template) (*coin.Tx, []coin.TxOut) {
	tx := &coin.Tx{Version: 2, LockTime: 100}
	var prev []coin.TxOut
	for i, t := range inputs {
		tx.In = append(tx.In, coin.TxIn{Prev: coin.OutPoint{Hash: coin.DoubleSHA([]byte(t.name)), Index: uint32(i)}, Sequence: 0xfffffffd})
		prev = append(prev, coin.TxOut{Value: coin.Amount(1000 * (i + 1)), Script: t.output})
		tx.Out = append(tx.Out, coin.TxOut{Value: coin.Amount(900 * (i + 1)), Script: templates()[0].output})
	}
	s := NewSpend(tx, prev)
	for i, t := range inputs {
		tx.In[i].Script, tx.In[i].Witness = t.unlock(s, i)
	}
	return tx, prev
}

// judge returns what the verifier says of the first input.
func judge(v *Verifier, tx *coin.Tx, prev []coin.TxOut, flags Flags) verdict {
	return v.check(&Check{Spend: NewSpend(tx, prev), Flags: flags})
}
