package chain

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

func someCoin() *rapid.Generator[consensus.Coin] {
	return rapid.Custom(func(t *rapid.T) consensus.Coin {
		s := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 300),
			rapid.Just(script.PayToTaproot([32]byte{7})), rapid.Just(script.PayToWitnessKeyHash([20]byte{8})),
			rapid.Just(script.PayToPubKeyHash([20]byte{9})), rapid.Just(script.PayToScriptHash([20]byte{10})),
			rapid.Just(script.PayToWitnessScriptHash([32]byte{11})),
		).Draw(t, "script")
		value := rapid.OneOf(rapid.Int64Range(0, int64(coin.MaxMoney)), rapid.Map(rapid.Int64Range(0, 21e6), func(n int64) int64 { return n * 1e8 })).Draw(t, "value")
		return consensus.Coin{
			Out:    coin.TxOut{Value: coin.Amount(value), Script: s},
			Height: rapid.Int32Range(0, 1<<31-1).Draw(t, "height"), Coinbase: rapid.Bool().Draw(t, "coinbase"),
		}
	})
}

func TestCoinRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := someCoin().Draw(t, "coin")
		got, err := parseCoin(coin.OutPoint{}, appendCoin(nil, &c))
		if err != nil || got.Height != c.Height || got.Coinbase != c.Coinbase || got.Out.Value != c.Out.Value || !bytes.Equal(got.Out.Script, c.Out.Script) {
			t.Fatalf("%+v came back as %+v, %v", c, got, err)
		}
	})
}

func TestRecordRoundTrip(t *testing.T) {
	n := rapid.Uint32()
	rapid.Check(t, func(t *rapid.T) {
		r := record{
			header: coin.Header{Version: int32(n.Draw(t, "version")), Time: n.Draw(t, "time"), Bits: n.Draw(t, "bits")},
			added:  rapid.Uint64().Draw(t, "added"), ready: rapid.Uint64().Draw(t, "ready"),
			body: rapid.Bool().Draw(t, "body"), valid: rapid.Bool().Draw(t, "valid"), invalid: rapid.Bool().Draw(t, "invalid"),
		}
		if r.body {
			r.place = place{n.Draw(t, "file"), n.Draw(t, "offset"), n.Draw(t, "size"), n.Draw(t, "sum")}
		}
		if got, err := parseRecord(r.append(nil)); err != nil || got != r {
			t.Fatalf("%+v came back as %+v, %v", r, got, err)
		}
	})
}

// A coin takes a few bytes beside its key.
func TestCoinIsCompact(t *testing.T) {
	c := consensus.Coin{Out: coin.TxOut{Value: 50 * coin.Coin, Script: script.PayToTaproot([32]byte{1})}, Height: 100}
	if n := len(appendCoin(nil, &c)); n != 2+1+1+32 {
		t.Errorf("%d bytes", n)
	}
}

func FuzzParseCoin(f *testing.F) {
	f.Add([]byte{2, 59, 4, 1, 2, 3})
	f.Add(appendCoin(nil, &consensus.Coin{Out: coin.TxOut{Value: 1, Script: script.PayToTaproot([32]byte{1})}, Height: 7, Coinbase: true}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parseCoin(coin.OutPoint{}, raw)
		if err != nil {
			return
		}
		again, err := parseCoin(coin.OutPoint{}, appendCoin(nil, c))
		if err != nil || again.Out.Value != c.Out.Value || !bytes.Equal(again.Out.Script, c.Out.Script) {
			t.Fatalf("%+v came back as %+v, %v", c, again, err)
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	f.Add((&record{body: true, place: place{1, 2, 3, 4}, added: 9}).append(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := parseRecord(raw)
		if err != nil {
			return
		}
		if again, err := parseRecord(r.append(nil)); err != nil || again != r {
			t.Fatalf("%+v came back as %+v, %v", r, again, err)
		}
	})
}

func FuzzParseUndo(f *testing.F) {
	tx := &coin.Tx{In: make([]coin.TxIn, 2)}
	b := &coin.Block{Txs: []*coin.Tx{{}, tx}}
	f.Add(appendUndo(nil, make([]consensus.SpentCoin, 2)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if spent, err := parseUndo(raw, b); err == nil && len(spent) != 2 {
			t.Fatalf("%d coins", len(spent))
		}
	})
}
