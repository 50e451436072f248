package script

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"cheese/coin"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
)

func TestEveryTemplateCanBeSpent(t *testing.T) {
	tx, prev := signedSpend(templates()...)
	v := NewVerifier(100, 4)
	for _, flags := range []Flags{Mandatory, Standard} {
		if err := v.Verify(NewSpend(tx, prev).Checks(flags)); err != nil {
			t.Errorf("under %#x: %v", uint32(flags), err)
		}
	}
	for i, tpl := range templates() {
		if _, decided := v.fast(&Check{Spend: NewSpend(tx, prev), Input: i, Flags: Standard}); decided != tpl.fast {
			t.Errorf("%s: judged without an engine: %v, want %v", tpl.name, decided, tpl.fast)
		}
	}
}

// change is one thing done to a valid spend of one input.
type change struct {
	name string
	do   func(tx *coin.Tx, prev []coin.TxOut)
	want verdict // under Standard
}

// sharedChanges break every signature.
var sharedChanges = []change{
	{"another output value", func(tx *coin.Tx, _ []coin.TxOut) { tx.Out[0].Value++ }, nullFail},
	{"another output script", func(tx *coin.Tx, _ []coin.TxOut) { tx.Out[0].Script = nil }, nullFail},
	{"another lock time", func(tx *coin.Tx, _ []coin.TxOut) { tx.LockTime++ }, nullFail},
	{"another version", func(tx *coin.Tx, _ []coin.TxOut) { tx.Version++ }, nullFail},
	{"another sequence", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Sequence++ }, nullFail},
	{"another outpoint", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Prev.Index++ }, nullFail},
	{"one more input", func(tx *coin.Tx, prev []coin.TxOut) { tx.In = append(tx.In, coin.TxIn{}) }, nullFail},
}

// highS replaces S by its complement, which anybody can do to a signature.
func highS(sig []byte) []byte {
	der, hashType := sig[:len(sig)-1], sig[len(sig)-1]
	parsed, err := ecdsa.ParseDERSignature(der)
	if err != nil {
		panic(err)
	}
	r, s := parsed.R(), parsed.S()
	s.Negate()
	return append(derOf(&r, &s), hashType)
}

func derOf(r, s *btcec.ModNScalar) []byte {
	integer := func(n *btcec.ModNScalar) []byte {
		b := n.Bytes()
		v := b[:]
		for len(v) > 1 && v[0] == 0 {
			v = v[1:]
		}
		if v[0]&0x80 != 0 {
			v = append([]byte{0}, v...)
		}
		return append([]byte{2, byte(len(v))}, v...)
	}
	body := append(integer(r), integer(s)...)
	return append([]byte{0x30, byte(len(body))}, body...)
}

// witness0 changes the first witness item, a signature.
func witness0(f func([]byte) []byte) func(*coin.Tx, []coin.TxOut) {
	return func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness[0] = f(slices.Clone(tx.In[0].Witness[0])) }
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 1; return b }
}

func set(at int, to byte) func([]byte) []byte {
	return func(b []byte) []byte { b[(at+len(b))%len(b)] = to; return b }
}

func extraWitness(tx *coin.Tx, _ []coin.TxOut) {
	tx.In[0].Witness = append(tx.In[0].Witness, []byte{1})
}

var templateChanges = map[string][]change{
	"p2wpkh": {
		{"another amount", func(_ *coin.Tx, prev []coin.TxOut) { prev[0].Value++ }, nullFail},
		{"a flipped bit of R", witness0(flip(20)), nullFail},
		{"a flipped bit of the encoding", witness0(flip(0)), sigDER},
		{"hash type 4", witness0(set(-1, 4)), sigHashType},
		{"hash type NONE", witness0(set(-1, SigHashNone)), nullFail},
		{"S over half the order", witness0(highS), sigHighS},
		{"no signature", witness0(func([]byte) []byte { return nil }), evalFalse},
		{"no witness", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness = nil }, programHash},
		{"an element more", extraWitness, programHash},
		{"another key", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness[1] = pub(2) }, equalVerify},
		{"the key's other half", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness[1] = flip(0)(pub(1)) }, equalVerify},
		{"an input script", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = []byte{op1} }, malleated},
		{"a huge signature", witness0(func([]byte) []byte { return make([]byte, 521) }), pushSize},
		{"an uncompressed key", func(tx *coin.Tx, prev []coin.TxOut) {
			key := testKey(1).PubKey().SerializeUncompressed()
			prev[0].Script = PayToWitnessKeyHash(hash160(key))
			tx.In[0].Witness[1] = key
		}, witnessKey},
		{"an output of zeros", func(_ *coin.Tx, prev []coin.TxOut) { prev[0].Script = PayToWitnessKeyHash([20]byte{}) }, evalFalse},
	},
	"p2pkh": {
		{"a witness", extraWitness, unexpected},
		{"another key", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = asm(make([]byte, 70), pub(2)) }, equalVerify},
		{"no signature", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = asm(op0, pub(1)) }, evalFalse},
		{"a junk signature", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = asm(make([]byte, 70), pub(1)) }, sigDER},
		{"a signature that is the key's hash", func(tx *coin.Tx, _ []coin.TxOut) {
			hash := hash160(pub(1))
			tx.In[0].Script = asm(hash[:], pub(1))
		}, sigInCode},
		{"nothing", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = nil }, badStack},
		{"only the key", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = asm(pub(1)) }, badStack},
		{"an element more", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = append([]byte{op1}, tx.In[0].Script...) }, cleanStack},
		{"a longer push", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = append([]byte{opPushData1}, tx.In[0].Script...) }, notMinimal},
		{"a push over the end", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = []byte{40} }, badOpcode},
		{"a calculation", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = append([]byte{0x61}, tx.In[0].Script...) }, valid},
	},
	"p2tr key path": {
		{"another amount", func(_ *coin.Tx, prev []coin.TxOut) { prev[0].Value++ }, schnorrSig},
		{"a flipped bit of R", witness0(flip(3)), schnorrSig},
		{"a flipped bit of S", witness0(flip(-1)), schnorrSig},
		{"a byte less", witness0(func(b []byte) []byte { return b[1:] }), schnorrSize},
		{"hash type DEFAULT spelled out", witness0(func(b []byte) []byte { return append(b, 0) }), schnorrType},
		{"hash type 4", witness0(func(b []byte) []byte { return append(b, 4) }), schnorrType},
		{"hash type ALL", witness0(func(b []byte) []byte { return append(b, SigHashAll) }), schnorrSig},
		{"hash type SINGLE", witness0(func(b []byte) []byte { return append(b, SigHashSingle) }), schnorrSig},
		{"no signature", witness0(func([]byte) []byte { return nil }), schnorrSize},
		{"no witness", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness = nil }, programEmpty},
		{"an annex", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness = append(tx.In[0].Witness, []byte{0x50}) }, schnorrSig},
		{"a control block of a byte", extraWitness, controlSize},
		{"an input script", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = []byte{op1} }, malleated},
		{"a key that is no point", func(_ *coin.Tx, prev []coin.TxOut) { prev[0].Script = PayToTaproot([32]byte{31: 5}) }, schnorrSig},
		{"an output of zeros", func(_ *coin.Tx, prev []coin.TxOut) { prev[0].Script = PayToTaproot([32]byte{}) }, evalFalse},
	},
	"p2tr script path": {
		{"a flipped bit of R", witness0(flip(3)), schnorrSig},
		{"a byte less", witness0(func(b []byte) []byte { return b[1:] }), schnorrSize},
		{"hash type DEFAULT spelled out", witness0(func(b []byte) []byte { return append(b, 0) }), schnorrType},
		{"no signature", witness0(func([]byte) []byte { return nil }), evalFalse},
		{"another script", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness[1] = []byte{op1} }, programHash},
		{"the other parity", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness[2] = flip(0)(tx.In[0].Witness[2]) }, programHash},
		{"an internal key that is no point", func(tx *coin.Tx, _ []coin.TxOut) {
			tx.In[0].Witness[2] = append(tx.In[0].Witness[2][:1], append(make([]byte, 31), 5)...)
		}, programHash},
		{"a short control block", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness[2] = tx.In[0].Witness[2][1:] }, controlSize},
	},
	"p2sh multisig": {
		{"an input script that calculates", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = append([]byte{0x61}, tx.In[0].Script...) }, sigPushOnly},
		{"a dummy that is not empty", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = append([]byte{op1}, tx.In[0].Script[1:]...) }, nullDummy},
		{"another redeem script", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = asm(op0, []byte{op1}) }, evalFalse},
		{"a witness", extraWitness, unexpected},
	},
	"p2sh-p2wpkh": {
		{"an element more", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Script = append([]byte{op1}, tx.In[0].Script...) }, malleatedP2SH},
		{"another key", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness[1] = pub(2) }, equalVerify},
	},
	"p2wsh multisig": {
		{"another script", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness[3] = []byte{op1} }, programHash},
		{"no witness", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness = nil }, programEmpty},
		{"an element more", func(tx *coin.Tx, _ []coin.TxOut) { tx.In[0].Witness = append([][]byte{{1}}, tx.In[0].Witness...) }, cleanStack},
	},
}

func TestOneChangeSpoilsASpend(t *testing.T) {
	v := NewVerifier(100, 1)
	for _, tpl := range templates() {
		valid, validPrev := signedSpend(tpl)
		for _, change := range append(slices.Clip(sharedChanges), templateChanges[tpl.name]...) {
			tx, prev := valid.Clone(), slices.Clone(validPrev)
			change.do(tx, prev)
			for len(prev) < len(tx.In) {
				prev = append(prev, coin.TxOut{})
			}
			want := change.want
			if want == nullFail && tpl.output[0] == op1 && len(tpl.output) == 34 {
				want = schnorrSig
			}
			if got := judge(v, tx, prev, Standard); got != want {
				t.Errorf("%s, %s: got %q, want %q", tpl.name, change.name, got, want)
			}
		}
	}
}

func TestFirstFailureInOrderIsReported(t *testing.T) {
	tpl := templates()[0]
	tx, prev := signedSpend(slices.Repeat([]template{tpl}, 40)...)
	tx.In[20].Witness = nil                                               // quick to fail
	tx.In[19].Witness[0] = flip(20)(tx.In[19].Witness[0])                 // slow to fail
	tx.In[30].Witness, tx.In[39].Script = [][]byte{{1}, {2}}, []byte{op1} // never reported
	for _, workers := range []int{1, 2, 8} {
		v := NewVerifier(0, workers)
		for range 2 {
			err := v.Verify(NewSpend(tx, prev).Checks(Standard))
			var failure *Error
			if !errors.As(err, &failure) || failure.Input != 19 || failure.Text != string(nullFail) || failure.TxID != tx.ID() {
				t.Fatalf("%d workers: got %v, want input 19 to fail", workers, err)
			}
		}
	}
}

func TestNothingToCheckPasses(t *testing.T) {
	if err := NewVerifier(0, 2).Verify(nil); err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentCallersShareASpend(t *testing.T) {
	tx, prev := signedSpend(slices.Concat(templates(), templates())...)
	v, spend := NewVerifier(1000, 4), NewSpend(tx, prev)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := v.Verify(spend.Checks(Standard)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestCacheForgetsRatherThanGrows(t *testing.T) {
	c := newSigCache(64)
	digest, owner := [32]byte{}, pub(1)
	for i := range 10_000 {
		digest[0], digest[1] = byte(i), byte(i>>8)
		key := c.key(digest, owner, []byte{1})
		c.add(key)
		if !c.has(key) {
			t.Fatalf("entry %d is not remembered", i)
		}
	}
	if len(c.sets) != 16 {
		t.Fatalf("64 entries take %d sets", len(c.sets))
	}
}

func TestCacheRemembersOnlyWhatWasValid(t *testing.T) {
	v := NewVerifier(1000, 1)
	for _, name := range []string{"p2wpkh", "p2pkh", "p2tr key path"} {
		tx, prev := signedSpend(templateNamed(name))
		if why := judge(v, tx, prev, Standard); why != valid {
			t.Fatalf("%s: %s", name, why)
		}
		bad := tx.Clone()
		bad.LockTime++
		for range 2 {
			if why := judge(v, bad, prev, Standard); why == valid {
				t.Fatalf("%s: another transaction passes with the same signature", name)
			}
		}
	}
}
