package consensus

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"testing"

	"cheese/coin"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCheckTx(t *testing.T) {
	null := coin.OutPoint{Index: coin.NullIndex}
	at := func(n uint32) coin.OutPoint { return coin.OutPoint{Index: n} }
	many := make([]coin.OutPoint, 40)
	for i := range many {
		many[i] = at(uint32(i))
	}
	outs := func(values ...coin.Amount) *coin.Tx {
		tx := pay(0, at(0))
		tx.Out = nil
		for _, v := range values {
			tx.Out = append(tx.Out, coin.TxOut{Value: v})
		}
		return tx
	}
	large := func(n int) *coin.Tx {
		tx := pay(1, at(0))
		tx.Out[0].Script = make([]byte, n)
		return tx
	}
	for _, c := range []struct {
		name, reason string
		tx           *coin.Tx
	}{
		{"a payment", "", pay(1, at(0), at(1))},
		{"no inputs", "bad-txns-vin-empty", pay(1)},
		{"no outputs", "bad-txns-vout-empty", outs()},
		{"neither", "bad-txns-vin-empty", &coin.Tx{}},
		{"a million bytes", "", large(1_000_000 - 60 - 4)},
		{"over a million bytes", "bad-txns-oversize", large(1_000_000 - 60 - 4 + 1)},
		{"a negative output", "bad-txns-vout-negative", outs(-1)},
		{"an output over all the money", "bad-txns-vout-toolarge", outs(coin.MaxMoney + 1)},
		{"all the money", "", outs(coin.MaxMoney)},
		{"outputs over all the money", "bad-txns-txouttotal-toolarge", outs(coin.MaxMoney, 1)},
		{"one output twice", "bad-txns-inputs-duplicate", pay(1, at(0), at(1), at(0))},
		{"many inputs", "", pay(1, many...)},
		{"one of many twice", "bad-txns-inputs-duplicate", pay(1, append(many, at(3))...)},
		{"a null input among others", "bad-txns-prevout-null", pay(1, at(0), null)},
		{"a coinbase without script", "bad-cb-length", pay(1, null)},
	} {
		err := CheckTx(c.tx)
		var rule *RuleError
		if errors.As(err, &rule); (rule == nil) != (c.reason == "") || rule != nil && rule.Error() != c.reason {
			t.Errorf("%s: %v, want %q", c.name, err, c.reason)
		}
	}
}

func TestErrorsReadAsCores(t *testing.T) {
	h := newHarness(t, coin.Regtest())
	_, err := CheckTxInputs(pay(3*coin.Coin/2, h.give(coin.Coin/2, anyone)), h, 1, h.p)
	if want := "bad-txns-in-belowout, value in (0.50) < value out (1.50)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	for in, want := range map[coin.Amount]string{0: "0.00", 1: "0.00000001", coin.Coin: "1.00", 123_456_000: "1.23456", -coin.Coin: "-1.00"} {
		if got := money(in); got != want {
			t.Errorf("money(%d) = %s, want %s", in, got, want)
		}
	}
}

func TestFeeIsWhatIsLeft(t *testing.T) {
	h := newHarness(t, coin.Regtest())
	fee, err := CheckTxInputs(pay(3, h.give(2, anyone), h.give(5, anyone)), h, 1, h.p)
	if err != nil || fee != 4 {
		t.Errorf("fee %d, %v; want 4", fee, err)
	}
}

func TestConnectTellsExactlyWhatChanges(t *testing.T) {
	s := newScene(t)
	burn := pay(0, output(s.child, 0))
	burn.Out = append(burn.Out, coin.TxOut{Script: []byte{0x6a, 1, 1}})
	s.Block = s.block(5*coin.Coin, s.parent, s.child, burn)
	work(&s.Header)
	_, diff, checks, err := s.judge(s.Block)
	if err != nil {
		t.Fatal(err)
	}
	var spent, created []coin.OutPoint
	for _, c := range diff.Spent {
		spent = append(spent, c.OutPoint)
	}
	for _, c := range diff.Created {
		created = append(created, c.OutPoint)
		if c.Coin.Height != s.height() || c.Coin.Coinbase != (c.OutPoint.Hash == s.Txs[0].ID()) {
			t.Errorf("%v is of height %d, coinbase %v", c.OutPoint, c.Coin.Height, c.Coin.Coinbase)
		}
	}
	wantSpent := []coin.OutPoint{s.parent.In[0].Prev, output(s.parent, 0), output(s.child, 0)}
	wantCreated := []coin.OutPoint{output(s.Txs[0], 0), output(s.parent, 0), output(s.parent, 1), output(s.child, 0), output(burn, 0)}
	if d := gocmp.Diff(wantSpent, spent) + gocmp.Diff(wantCreated, created); d != "" {
		t.Error(d)
	}
	if diff.Fees != 5*coin.Coin || len(checks) != 3 || checks[0].Flags != ScriptFlags(s.p, s.height()) {
		t.Errorf("fees %v, %d script checks", diff.Fees, len(checks))
	}
}

// TestConnectThenReverse grows random chains and takes them down again.
func TestConnectThenReverse(t *testing.T) {
	p := coin.Regtest()
	p.Maturity = 2
	rapid.Check(t, func(rt *rapid.T) {
		h := newHarness(t, p)
		for range 3 {
			h.give(coin.Coin, anyone)
		}
		var before []CoinMap
		var diffs []Diff
		for range rapid.IntRange(1, 8).Draw(rt, "blocks") {
			before = append(before, maps.Clone(h.coins))
			diffs = append(diffs, h.accept(h.random(rt)))
			for o, c := range h.coins {
				if c.Height > h.tip().Height() || len(c.Out.Script) > 0 && c.Out.Script[0] == 0x6a {
					rt.Fatalf("coin %v does not belong: %+v", o, c)
				}
			}
		}
		for i := len(diffs) - 1; i >= 0; i-- {
			if reverse(h.coins, diffs[i]); !gocmp.Equal(before[i], h.coins) {
				rt.Fatalf("reversing block %d: %s", i+1, gocmp.Diff(before[i], h.coins))
			}
		}
	})
}

// random returns a block of random payments from whatever may be spent at that point, its own coins included.
func (h *harness) random(rt *rapid.T) *coin.Block {
	type source struct {
		at    coin.OutPoint
		value coin.Amount
	}
	var open []source
	for o, c := range h.coins {
		if !c.Coinbase || h.height()-c.Height >= h.p.Maturity {
			open = append(open, source{o, c.Out.Value})
		}
	}
	slices.SortFunc(open, func(a, b source) int { // so that the map's order does not matter
		return cmp.Or(a.at.Hash.Compare(b.at.Hash), int(a.at.Index)-int(b.at.Index))
	})
	var txs []*coin.Tx
	var fees coin.Amount
	for range rapid.IntRange(0, 5).Draw(rt, "payments") {
		tx, in := &coin.Tx{Version: 2}, coin.Amount(0)
		for range rapid.IntRange(1, 3).Draw(rt, "inputs") {
			if len(open) == 0 {
				break
			}
			i := rapid.IntRange(0, len(open)-1).Draw(rt, "coin")
			tx.In = append(tx.In, coin.TxIn{Prev: open[i].at, Sequence: coin.SequenceFinal})
			in += open[i].value
			open = append(open[:i], open[i+1:]...)
		}
		if len(tx.In) == 0 {
			break
		}
		for range rapid.IntRange(1, 4).Draw(rt, "outputs") {
			value := coin.Amount(rapid.Int64Range(0, int64(in)).Draw(rt, "value"))
			in -= value
			script := rapid.SampledFrom([][]byte{anyone, {0x6a}, {}}).Draw(rt, "script")
			tx.Out = append(tx.Out, coin.TxOut{Value: value, Script: script})
		}
		fees += in
		txs = append(txs, tx)
		for i, out := range tx.Out {
			if len(out.Script) == 0 || out.Script[0] != 0x6a {
				open = append(open, source{output(tx, uint32(i)), out.Value})
			}
		}
	}
	return h.block(fees, txs...)
}
