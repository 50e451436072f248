package wallet

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"cheese/coin"
	"cheese/script"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"pgregory.net/rapid"
)

const abandon = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

// BIP 86's test vectors.
func TestAddressesAreBIP86s(t *testing.T) {
	main := *coin.Regtest()
	main.HRP, main.HDCoin = "bc", 0
	main.HDPublic, main.HDPrivate = [4]byte{0x04, 0x88, 0xb2, 0x1e}, [4]byte{0x04, 0x88, 0xad, 0xe4}
	keys, err := newKeyring(&main, abandon, 0)
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[keyRef]string{
		{external, 0}: "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
		{external, 1}: "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh",
		{internal, 0}: "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7",
	} {
		if err := keys.extend(ref.branch, ref.index+1); err != nil {
			t.Fatal(err)
		}
		if got, _ := main.Address(keys.script(ref)); got != want {
			t.Errorf("key %v has address %s, want %s", ref, got, want)
		}
		if got, ok := keys.find(keys.script(ref)); !ok || got != ref {
			t.Errorf("script of %v is found as %v, %v", ref, got, ok)
		}
	}
}

type vectors struct {
	KeyPathSpending []struct {
		Given struct {
			RawUnsignedTx string
			UtxosSpent    []struct {
				ScriptPubKey string
				AmountSats   coin.Amount
			}
		}
		InputSpending []struct {
			Given struct {
				TxinIndex       int
				InternalPrivkey string
				MerkleRoot      *string
				HashType        byte
			}
			Intermediary struct{ TweakedPrivkey, SigHash string }
			Expected     struct{ Witness []string }
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func loadVectors(t *testing.T) (v vectors) {
	b, err := os.ReadFile("testdata/bip341_wallet_vectors.json")
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Our own derivation below a branch agrees with hdkeychain's and txscript's.
func TestChildKeysAreHDKeychains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 16, 64).Draw(t, "seed")
		index := rapid.Uint32Range(0, hdkeychain.HardenedKeyStart-1).Draw(t, "index")
		node, err := hdkeychain.NewMaster(seed, &chaincfg.RegressionNetParams)
		if err != nil {
			t.Skip(err)
		}
		branch, err := newBranchKey(node)
		if err != nil {
			t.Fatal(err)
		}
		got, err := branch.child(index)
		if err != nil {
			t.Fatal(err)
		}
		child, err := node.Derive(index)
		if err != nil {
			t.Fatal(err)
		}
		want, err := child.ECPrivKey()
		if err != nil || !got.Equals(&want.Key) {
			t.Fatalf("child %d differs, %v", index, err)
		}
		got = tweak(got)
		if !got.Equals(&txscript.TweakTaprootPrivKey(*want, nil).Key) {
			t.Fatalf("tweaked child %d differs", index)
		}
		x, _ := multiply(&got)
		if [32]byte(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(want.PubKey()))) != x {
			t.Fatalf("output key of child %d differs", index)
		}
	})
}

// BIP 341's signatures use zeros as auxiliary randomness, so that ours must be the same to the byte.
func TestSignaturesAreBIP341s(t *testing.T) {
	n := 0
	for _, v := range loadVectors(t).KeyPathSpending {
		tx, err := coin.ParseTx(unhex(t, v.Given.RawUnsignedTx))
		if err != nil {
			t.Fatal(err)
		}
		var prev []coin.TxOut
		for _, u := range v.Given.UtxosSpent {
			prev = append(prev, coin.TxOut{Value: u.AmountSats, Script: unhex(t, u.ScriptPubKey)})
		}
		spend := script.NewSpend(tx, prev)
		for _, in := range v.InputSpending {
			digest, err := spend.TaprootSigHash(in.Given.TxinIndex, in.Given.HashType)
			if err != nil || hex.EncodeToString(digest[:]) != in.Intermediary.SigHash {
				t.Errorf("input %d: digest %x, %v, want %s", in.Given.TxinIndex, digest, err, in.Intermediary.SigHash)
				continue
			}
			if in.Given.MerkleRoot != nil {
				continue
			}
			var key btcec.ModNScalar
			key.SetByteSlice(unhex(t, in.Given.InternalPrivkey))
			tweaked := tweak(key)
			if got := tweaked.Bytes(); hex.EncodeToString(got[:]) != in.Intermediary.TweakedPrivkey {
				t.Errorf("input %d: tweaked key differs", in.Given.TxinIndex)
			}
			sig, err := signTaproot(key, digest, [32]byte{})
			if want := in.Expected.Witness[0][:128]; err != nil || hex.EncodeToString(sig) != want {
				t.Errorf("input %d: signature %x, %v, want %s", in.Given.TxinIndex, sig, err, want)
			}
			n++
		}
	}
	if n == 0 {
		t.Fatal("no vector was run")
	}
}

func TestMnemonicErrorsSayWhy(t *testing.T) {
	for give, want := range map[string]string{
		abandon:                                "",
		"  " + strings.ToUpper(abandon) + "\n": "",
		"":                                     "not 0",
		"abandon abandon":                      "not 2",
		strings.Replace(abandon, "about", "abot", 1):    `word 12, "abot"`,
		strings.Replace(abandon, "about", "abandon", 1): "checksum",
		strings.Repeat("zoo ", 1<<10):                   "not 1024",
	} {
		err := CheckMnemonic(give)
		var m *MnemonicError
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", give, err)
		case want != "" && (!errors.As(err, &m) || !strings.Contains(err.Error(), want)):
			t.Errorf("%.40q: got %v, want something with %q", give, err, want)
		}
	}
}

func TestNewMnemonicIsValidAndFollowsItsEntropy(t *testing.T) {
	words, err := NewMnemonic(strings.NewReader(strings.Repeat("\x00", 16)))
	if err != nil || words != abandon {
		t.Fatalf("%q, %v", words, err)
	}
	if _, err := NewMnemonic(strings.NewReader("short")); err == nil {
		t.Fatal("made words from too little entropy")
	}
}
