package script

import (
	"encoding/hex"
	"testing"

	"cheese/coin"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"pgregory.net/rapid"
)

func TestLegacySigHashVectors(t *testing.T) {
	for i, line := range jsonVector[[][]any](t, "sighash.json") {
		if len(line) != 5 {
			continue
		}
		tx, err := coin.ParseTx(unhex(t, line[0].(string)))
		if err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		spend := NewSpend(tx, make([]coin.TxOut, len(tx.In)))
		hashType := uint32(int32(line[3].(float64)))
		got := coin.Hash(spend.LegacySigHash(int(line[2].(float64)), unhex(t, line[1].(string)), hashType))
		if want := coin.MustHash(line[4].(string)); got != want {
			t.Errorf("line %d: got %v, want %v", i, got, want)
		}
	}
}

// walletVectors is the part of bip341_wallet_vectors.json about spending.
type walletVectors struct {
	KeyPathSpending []struct {
		Given struct {
			RawUnsignedTx string
			UtxosSpent    []struct {
				ScriptPubKey string
				AmountSats   int64
			}
		}
		Intermediary  map[string]string
		InputSpending []struct {
			Given struct {
				TxinIndex int
				HashType  byte
			}
			Intermediary struct{ SigHash string }
			Expected     struct{ Witness []string }
		}
		Auxiliary struct{ FullySignedTx string }
	}
}

func TestTaprootWalletVectors(t *testing.T) {
	for _, test := range jsonVector[walletVectors](t, "bip341_wallet_vectors.json").KeyPathSpending {
		tx, err := coin.ParseTx(unhex(t, test.Given.RawUnsignedTx))
		if err != nil {
			t.Fatal(err)
		}
		var prev []coin.TxOut
		for _, u := range test.Given.UtxosSpent {
			prev = append(prev, coin.TxOut{Value: coin.Amount(u.AmountSats), Script: unhex(t, u.ScriptPubKey)})
		}
		spend := NewSpend(tx, prev)
		m := spend.midstate()
		for name, got := range map[string][32]byte{"hashAmounts": m.amounts, "hashOutputs": m.outputs,
			"hashPrevouts": m.prevouts, "hashScriptPubkeys": m.scripts, "hashSequences": m.sequences} {
			if want := test.Intermediary[name]; hex.EncodeToString(got[:]) != want {
				t.Errorf("%s is %x, want %s", name, got, want)
			}
		}
		for _, in := range test.InputSpending {
			got, err := spend.TaprootSigHash(in.Given.TxinIndex, in.Given.HashType)
			if err != nil || hex.EncodeToString(got[:]) != in.Intermediary.SigHash {
				t.Errorf("input %d: got %x (%v), want %s", in.Given.TxinIndex, got, err, in.Intermediary.SigHash)
			}
		}
		signed, err := coin.ParseTx(unhex(t, test.Auxiliary.FullySignedTx))
		if err != nil {
			t.Fatal(err)
		}
		if err := NewVerifier(16, 1).Verify(NewSpend(signed, prev).Checks(Standard)); err != nil {
			t.Errorf("the signed transaction: %v", err)
		}
	}
}

// randomSpend draws a transaction with whatever in it and the outputs it spends.
func randomSpend(t *rapid.T) *Spend {
	script := rapid.SliceOfN(rapid.Byte(), 0, 40)
	tx := &coin.Tx{Version: rapid.Int32().Draw(t, "version"), LockTime: rapid.Uint32().Draw(t, "locktime")}
	var prev []coin.TxOut
	for i := range rapid.IntRange(1, 4).Draw(t, "inputs") {
		var in coin.TxIn
		copy(in.Prev.Hash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		in.Prev.Index = uint32(i) // no two inputs spend the same output
		in.Sequence = rapid.Uint32().Draw(t, "sequence")
		tx.In = append(tx.In, in)
		prev = append(prev, coin.TxOut{Value: coin.Amount(rapid.Int64().Draw(t, "amount")), Script: script.Draw(t, "spent")})
	}
	prev[0].Script = PayToTaproot([32]byte{1}) // or the engine leaves taproot's midstates out
	for range rapid.IntRange(0, 4).Draw(t, "outputs") {
		tx.Out = append(tx.Out, coin.TxOut{Value: coin.Amount(rapid.Int64().Draw(t, "value")), Script: script.Draw(t, "script")})
	}
	return NewSpend(tx, prev)
}

func TestSigHashesAgreeWithTheEngine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := randomSpend(t)
		e := s.engineTx()
		input := rapid.IntRange(0, len(s.tx.In)-1).Draw(t, "input")
		hashType := rapid.Byte().Draw(t, "hash type")
		code := PayToPubKeyHash([20]byte(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "code")))

		legacy, err := txscript.CalcSignatureHash(code, txscript.SigHashType(hashType), e.tx, input)
		if got := s.LegacySigHash(input, code, uint32(hashType)); err != nil || string(got[:]) != string(legacy) {
			t.Fatalf("legacy: got %x, the engine %x (%v)", got, legacy, err)
		}
		v0, err := txscript.CalcWitnessSigHash(code, e.hashes, txscript.SigHashType(hashType), e.tx, input, int64(s.prev[input].Value))
		if s.prev[0].Script[0] == op0 || len(s.prev) > 1 { // it leaves out version 0's midstates, too, where all is taproot
			if got := s.WitnessSigHash(input, code, uint32(hashType)); err != nil || string(got[:]) != string(v0) {
				t.Fatalf("version 0: got %x, the engine %x (%v)", got, v0, err)
			}
		}
		v1, theirErr := txscript.CalcTaprootSignatureHash(e.hashes, txscript.SigHashType(hashType), e.tx, input, e.prev)
		got, ourErr := s.TaprootSigHash(input, hashType)
		if (theirErr == nil) != (ourErr == nil) || ourErr == nil && string(got[:]) != string(v1) {
			t.Fatalf("taproot: got %x (%v), the engine %x (%v)", got, ourErr, v1, theirErr)
		}
	})
}

func TestSchnorrVectors(t *testing.T) {
	for i, row := range csvVector(t, "bip340.csv") {
		if i == 0 {
			continue // the heading
		}
		key, message, sig := unhex(t, row[2]), unhex(t, row[4]), unhex(t, row[5])
		if len(message) != 32 {
			continue // Script signs digests only
		}
		if got, want := verifySchnorr(key, sig, [32]byte(message)), row[6] == "TRUE"; got != want {
			t.Errorf("vector %s (%s): valid %v, want %v", row[0], row[7], got, want)
		}
	}
}

func TestSchnorrAgreesWithBtcec(t *testing.T) {
	key := testKey(1)
	xOnly := schnorr.SerializePubKey(key.PubKey())
	rapid.Check(t, func(t *rapid.T) {
		var digest [32]byte
		copy(digest[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
		sig := signSchnorr(key, digest)
		if rapid.Bool().Draw(t, "spoil") {
			sig[rapid.IntRange(0, 63).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		parsed, err := schnorr.ParseSignature(sig)
		want := err == nil && parsed.Verify(digest[:], key.PubKey())
		if got := verifySchnorr(xOnly, sig, digest); got != want {
			t.Fatalf("valid %v, btcec says %v", got, want)
		}
	})
}
