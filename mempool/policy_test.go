package mempool

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"cheese/coin"
	"cheese/script"
)

// sized returns a script of n bytes that is n-1 bytes of pushes and then true.
func sized(n int) []byte { return append(bytes.Repeat([]byte{0x61}, n-1), 0x51) } // OP_NOP

// toScript pays to a witness script, and toRedeem to a redeem script.
func toScript(s []byte) []byte {
	sum := sha256.Sum256(s)
	return script.PayToWitnessScriptHash(sum)
}

func toRedeem(s []byte) []byte { return script.PayToScriptHash(script.Hash160(s)) }

// TestRejects changes one thing at a time in a good payment.
func TestRejects(t *testing.T) {
	w := newWorld(t, Options{})
	funds := w.funds(2)
	key := append([]byte{2}, make([]byte, 32)...)
	bare := func(keys int) []byte {
		s := []byte{0x51}
		for range keys {
			s = append(s, script.PushData(key)...)
		}
		return append(s, byte(0x50+keys), 0xae)
	}
	data := func(n int) []byte { return append([]byte{0x6a}, script.PushData(make([]byte, n))...) }
	for name, c := range map[string]struct {
		change func(*coin.Tx)
		reason string
	}{
		"nothing in":  {func(tx *coin.Tx) { tx.In = nil }, "bad-txns-vin-empty"},
		"nothing out": {func(tx *coin.Tx) { tx.Out = nil }, "bad-txns-vout-empty"},
		"coinbase": {func(tx *coin.Tx) {
			tx.In = []coin.TxIn{{Prev: coin.OutPoint{Index: coin.NullIndex}, Script: []byte{1, 1}}}
		}, "coinbase"},
		"version 0":          {func(tx *coin.Tx) { tx.Version = 0 }, "version"},
		"version 4":          {func(tx *coin.Tx) { tx.Version = 4 }, "version"},
		"too heavy":          {func(tx *coin.Tx) { tx.Out = slices.Repeat(tx.Out, 2400) }, "tx-size"},
		"long input script":  {func(tx *coin.Tx) { tx.In[0].Script = script.PushData(make([]byte, 1700)) }, "scriptsig-size"},
		"working input":      {func(tx *coin.Tx) { tx.In[0].Script = []byte{0x61} }, "scriptsig-not-pushonly"},
		"odd output":         {func(tx *coin.Tx) { tx.Out[0].Script = []byte{0x51} }, "scriptpubkey"},
		"1 of 4 bare":        {func(tx *coin.Tx) { tx.Out[0].Script = bare(4) }, "scriptpubkey"},
		"81 bytes of data":   {func(tx *coin.Tx) { tx.Out[0] = coin.TxOut{Script: data(81)} }, "scriptpubkey"},
		"data twice":         {func(tx *coin.Tx) { tx.Out = append(tx.Out, coin.TxOut{Script: data(8)}, coin.TxOut{Script: data(8)}) }, "multi-op-return"},
		"dust":               {func(tx *coin.Tx) { tx.Out[1].Value = 329 }, "dust"},
		"too small":          {func(tx *coin.Tx) { tx.Out = []coin.TxOut{{Script: []byte{0x6a}}} }, "tx-size-small"},
		"locked by height":   {func(tx *coin.Tx) { tx.LockTime, tx.In[0].Sequence = 6, 0 }, "non-final"},
		"locked by time":     {func(tx *coin.Tx) { tx.LockTime, tx.In[0].Sequence = 1_700_000_100, 0 }, "non-final"},
		"relative lock":      {func(tx *coin.Tx) { tx.In[0].Sequence = 6 }, "non-BIP68-final"},
		"relative time lock": {func(tx *coin.Tx) { tx.In[0].Prev, tx.In[0].Sequence = funds[1], 1<<22|1 }, "non-BIP68-final"},
		"unknown input":      {func(tx *coin.Tx) { tx.In[0].Prev.Index = 7 }, "bad-txns-inputs-missingorspent"},
		"more out than in":   {func(tx *coin.Tx) { tx.Out[0].Value = 60 * coin.Coin }, "bad-txns-in-belowout"},
		"negative output":    {func(tx *coin.Tx) { tx.Out[0].Value = -1 }, "bad-txns-vout-negative"},
		"same input twice":   {func(tx *coin.Tx) { tx.In = append(tx.In, tx.In[0]) }, "bad-txns-inputs-duplicate"},
		"no fee":             {func(tx *coin.Tx) { tx.Out[0].Value += 1000 }, "min relay fee not met"},
		"no witness":         {func(tx *coin.Tx) { tx.In[0].Witness = nil }, "mandatory-script-verify-flag-failed (Witness program was passed an empty witness)"},
		"wrong script":       {func(tx *coin.Tx) { tx.In[0].Witness = [][]byte{{0x52}} }, "mandatory-script-verify-flag-failed (Witness program hash mismatch)"},
		"script in witness":  {func(tx *coin.Tx) { tx.In[0].Script = []byte{0x51} }, "mandatory-script-verify-flag-failed (Witness requires empty scriptSig)"},
		"large witness item": {func(tx *coin.Tx) { tx.In[0].Witness = [][]byte{make([]byte, 81), anyone} }, "bad-witness-nonstandard"},
		"many witness items": {func(tx *coin.Tx) { tx.In[0].Witness = append(make([][]byte, 101), anyone) }, "bad-witness-nonstandard"},
		"item left over":     {func(tx *coin.Tx) { tx.In[0].Witness = [][]byte{{1}, anyone} }, "mandatory-script-verify-flag-failed (Stack size must be exactly one after execution)"},
	} {
		tx := w.pay(1000, 2, funds[0])
		c.change(tx)
		err := w.pool.Accept(tx)
		r, ok := err.(*RejectError)
		if !ok || r.Reason != c.reason {
			t.Errorf("%s: got %v, want %q", name, err, c.reason)
		}
	}
	w.holds()
	good := w.pay(1000, 2, funds[0])
	good.Out = append(good.Out, coin.TxOut{Script: data(80)}, coin.TxOut{Value: 1000, Script: bare(3)}, coin.TxOut{Value: 330, Script: toAnyone})
	good.Out[0].Value -= 5000
	w.accept(good)
	malleated := good.Clone()
	malleated.In[0].Witness = [][]byte{{1}, anyone}
	w.reject(malleated, "txn-same-nonwitness-data-in-mempool")
}

// TestRejectsInputs spends outputs that blocks allow and policy does not.
func TestRejectsInputs(t *testing.T) {
	w := newWorld(t, Options{})
	costly := append(bytes.Repeat([]byte{0x51, 0xac, 0x75}, 16), 0x51)                                       // 16 signature checks
	generator := [32]byte(coin.MustHash("9817f8165b81f259d928ce2ddbfc9b02070b87ce9562a055acbbdcf97e66be79")) // any point will do
	nop := []byte{0xb9, 0x51}                                                                                // a NOP kept for soft forks
	outputs := [][]byte{{0x51}, script.PayToWitness(2, make([]byte, 32)), toRedeem(costly), toScript(sized(3601)), toScript(nop),
		toRedeem(toAnyone), script.PayToTaproot(generator), {0x51, 2, 0x4e, 0x73}}
	source := w.pay(10_000, len(outputs), w.funds(1)...)
	for i := range outputs {
		source.Out[i].Script = outputs[i]
	}
	w.mine(source)
	spend := func(n int, input []byte, witness ...[]byte) *coin.Tx {
		tx := w.pay(5000, 1, out(source, n))
		tx.In[0].Script, tx.In[0].Witness = input, witness
		return tx
	}
	w.reject(spend(0, nil), "bad-txns-nonstandard-inputs")
	w.reject(spend(1, nil), "bad-txns-nonstandard-inputs")
	w.reject(spend(2, script.PushData(costly)), "bad-txns-nonstandard-inputs")
	w.reject(spend(2, nil), "bad-txns-nonstandard-inputs")
	w.reject(spend(3, nil, sized(3601)), "bad-witness-nonstandard")
	r := w.reject(spend(4, nil, nop), "non-mandatory-script-verify-flag (NOPx reserved for soft-fork upgrades)")
	if r.Consensus {
		t.Error("a policy rule counts as consensus")
	}
	w.reject(spend(6, nil, make([]byte, 64), []byte{0x50}), "bad-witness-nonstandard") // an annex
	r = w.reject(spend(6, nil, make([]byte, 64)), "mandatory-script-verify-flag-failed (Invalid Schnorr signature)")
	if !r.Consensus {
		t.Error("a consensus rule counts as policy")
	}
	w.reject(spend(7, nil, anyone), "bad-witness-nonstandard")
	w.accept(spend(5, script.PushData(toAnyone), anyone), spend(7, nil))
}

// TestDustLimit compares with Core's numbers for the relay fee of 3000.
func TestDustLimit(t *testing.T) {
	for want, s := range map[coin.Amount][]byte{
		546: script.PayToPubKeyHash([20]byte{}),
		540: script.PayToScriptHash([20]byte{}),
		294: script.PayToWitnessKeyHash([20]byte{}),
		330: toAnyone,
		240: {0x51, 2, 0x4e, 0x73},
		0:   {0x6a},
	} {
		if got := DustLimit(s); got != want {
			t.Errorf("%x: %d, want %d", s, got, want)
		}
	}
}

// TestPolicySize: signature operations weigh in where they are dense.
func TestPolicySize(t *testing.T) {
	tx := payment(1, 1, coin.OutPoint{})
	if got := policySize(tx, 0, DefaultBytesPerSigOp); got != tx.VSize() {
		t.Errorf("%d virtual bytes, want %d", got, tx.VSize())
	}
	if got := policySize(tx, 101, DefaultBytesPerSigOp); got != 505 {
		t.Errorf("%d virtual bytes, want 505", got)
	}
}
