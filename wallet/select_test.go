package wallet

import (
	"errors"
	"slices"
	"testing"

	"cheese/coin"

	"pgregory.net/rapid"
)

// payTarget is a payment of amount to a taproot address at rate.
func payTarget(amount, rate coin.Amount) target {
	return target{pay: amount, rate: rate, weight: paymentWeight([]coin.TxOut{{Script: make([]byte, 34)}})}
}

func TestSelectionKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) coin.Amount {
			return coin.Amount(rapid.Int64Range(1, 1<<rapid.IntRange(1, 40).Draw(t, "bits")).Draw(t, "value"))
		}), 0, 60).Draw(t, "values")
		tg := payTarget(coin.Amount(rapid.Int64Range(330, 1<<38).Draw(t, "pay")), coin.Amount(rapid.Int64Range(1, 500).Draw(t, "rate")))
		tg.subtract = rapid.Bool().Draw(t, "subtract")
		s, err := choose(values, tg)
		if err != nil {
			mayFail(t, values, tg, err)
			return
		}
		var in coin.Amount
		for _, i := range s.chosen {
			in += values[i]
		}
		paid := tg.pay
		if tg.subtract {
			paid -= s.fee - max(0, in-tg.pay-s.change)
		}
		least := tg.fee(len(s.chosen), s.change > 0)
		switch sorted := slices.Sorted(slices.Values(s.chosen)); {
		case len(slices.Compact(sorted)) != len(s.chosen):
			t.Fatalf("a coin was picked twice: %v", s.chosen)
		case in != paid+s.fee+s.change:
			t.Fatalf("inputs %d, payments %d + fee %d + change %d", in, paid, s.fee, s.change)
		case s.fee < least:
			t.Fatalf("fee %d is under the asked rate's %d", s.fee, least)
		case s.fee > least+changeDust+tg.costOfChange():
			t.Fatalf("fee %d is absurd beside %d", s.fee, least)
		case s.change != 0 && s.change < changeDust:
			t.Fatalf("change %d is dust", s.change)
		}
	})
}

// mayFail checks that a refusal is true: all coins worth spending do not cover the target.
func mayFail(t *rapid.T, values []coin.Amount, tg target, err error) {
	var short *ErrInsufficient
	if !errors.As(err, &short) {
		t.Fatalf("unexpected error %v", err)
	}
	var sum int64
	for _, v := range values {
		sum += max(0, tg.effective(v))
	}
	need := int64(tg.pay) * 4
	if !tg.subtract {
		need += int64(tg.rate) * int64(tg.weight)
	}
	if sum >= need+4*int64(tg.rate) {
		t.Fatalf("refused %d, though %d quarter crumbs were there: %v", need, sum, err)
	}
}

func TestExactMatchNeedsNoChange(t *testing.T) {
	tg := payTarget(5*coin.Coin, 2)
	exact := 2*coin.Coin + tg.fee(2, false)
	values := []coin.Amount{9 * coin.Coin, 3 * coin.Coin, coin.Coin, exact, 7 * coin.Coin}
	s, err := choose(values, tg)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(s.chosen); !slices.Equal(s.chosen, []int{1, 3}) || s.change != 0 {
		t.Fatalf("chose %v with change %v, want coins 1 and 3 without change", s.chosen, s.change)
	}
}

func TestSmallPaymentLeavesLargeCoinsWhole(t *testing.T) {
	s, err := choose([]coin.Amount{50 * coin.Coin, 4 * coin.Coin, coin.Coin / 10}, payTarget(coin.Coin, 2))
	if err != nil || len(s.chosen) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
}

func TestDustChangeGoesToTheFee(t *testing.T) {
	tg := payTarget(coin.Coin, 1)
	s, err := choose([]coin.Amount{coin.Coin + tg.fee(1, true) + changeDust - 1}, tg)
	if err != nil || s.change != 0 || s.fee != tg.fee(1, true)+changeDust-1 {
		t.Fatalf("%+v, %v", s, err)
	}
	s, err = choose([]coin.Amount{coin.Coin + tg.fee(1, true) + changeDust}, tg)
	if err != nil || s.change != changeDust {
		t.Fatalf("%+v, %v", s, err)
	}
}

func TestManySmallCoinsAreNotOneTransaction(t *testing.T) {
	values := slices.Repeat([]coin.Amount{10_000}, 3000)
	_, err := choose(values, payTarget(2500*10_000, 1))
	var many *ErrTooManyCoins
	if !errors.As(err, &many) || many.Max < 1700 || many.Max > 1750 {
		t.Fatalf("got %v", err)
	}
	if s, err := choose(values, payTarget(many.Worth, 1)); err != nil || len(s.chosen) > many.Max {
		t.Fatalf("what the error says is possible is not: %v", err)
	}
}

func TestManyEqualCoinsAreSearchedFast(t *testing.T) {
	values := slices.Repeat([]coin.Amount{10 * coin.Coin}, 20_000)
	if s, err := choose(values, payTarget(995*coin.Coin, 2)); err != nil || len(s.chosen) != 100 {
		t.Fatalf("chose %d, %v", len(s.chosen), err)
	}
}

// What the branch and bound finds is what trying every subset finds.
func TestSearchFindsTheBestChangelessSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) coin.Amount {
			return coin.Amount(rapid.Int64Range(1000, 20_000).Draw(t, "value"))
		}), 1, 10).Draw(t, "values")
		tg := payTarget(coin.Amount(rapid.Int64Range(500, 60_000).Draw(t, "pay")), coin.Amount(rapid.Int64Range(1, 8).Draw(t, "rate")))
		order := make([]int, len(values))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return int(values[b] - values[a]) })
		best, found := coin.Amount(0), false
		for set := 1; set < 1<<len(values); set++ {
			var in coin.Amount
			n := 0
			for i, v := range values {
				if set>>i&1 == 1 {
					in += v
					n++
				}
			}
			over := in - tg.pay - tg.fee(n, false)
			waste := coin.Amount(n)*(tg.rate-longTermRate)*inputWeight/coin.WitnessScale + over
			if over >= 0 && over <= tg.costOfChange() && (!found || waste < best) {
				best, found = waste, true
			}
		}
		chosen := tg.changeless(values, order)
		if found != (len(chosen) > 0) {
			t.Fatalf("found %v, though a set exists: %v", chosen, found)
		}
		if !found {
			return
		}
		var in coin.Amount
		for _, i := range chosen {
			in += values[i]
		}
		n := len(chosen)
		if got := coin.Amount(n)*(tg.rate-longTermRate)*inputWeight/coin.WitnessScale + in - tg.pay - tg.fee(n, false); got != best {
			t.Fatalf("waste %d, and %d is possible", got, best)
		}
	})
}
