package coin

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]Amount{
		"0": 0, "0.0": 0, "1": Coin, "1.25": 125_000_000, "0.00000001": 1, "0.1": Coin / 10, "10.00000000": 10 * Coin,
		"00012.5": 1_250_000_000, "21000000": MaxMoney, "20999999.99999999": MaxMoney - 1, "0.29": 29_000_000,
	} {
		if got, err := ParseAmount(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for text, says := range map[string]string{
		"": "missing", "-1": "negative", "-0": "negative", "+1": "not a decimal", ".5": "not a decimal", "5.": "not a decimal",
		".": "not a decimal", "1e3": "not a decimal", "1,5": "not a decimal", "1.2.3": "not a decimal", " 1": "not a decimal",
		"0x10": "not a decimal", "NaN": "not a decimal", "ten": "not a decimal", "1.-5": "not a decimal", "١": "not a decimal",
		"0.000000001": "more than eight", "1.000000000": "more than eight",
		"21000000.00000001": "all the money", "21000001": "all the money", "99999999999999999999999": "all the money",
	} {
		if got, err := ParseAmount(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %d, %v; want an error with %q", text, got, err, says)
		}
	}
}

func TestAmountText(t *testing.T) {
	for a, want := range map[Amount]string{0: "0.00000000", 1: "0.00000001", -1: "-0.00000001", 125_000_000: "1.25000000",
		MaxMoney: "21000000.00000000", -1 << 63: "-92233720368.54775808", 1<<63 - 1: "92233720368.54775807"} {
		if got := a.String(); got != want {
			t.Errorf("%d: %s, want %s", int64(a), got, want)
		}
	}
}

func TestAmountRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Amount(rapid.Int64Range(0, int64(MaxMoney)).Draw(t, "amount"))
		if back, err := ParseAmount(a.String()); err != nil || back != a {
			t.Fatalf("%v: %v, %v", a, back, err)
		}
	})
}

func FuzzAmount(f *testing.F) {
	for _, s := range []string{"", "1.25", "-1", "21000000.00000001", "0.000000001", "1e9", "1..", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAmount(s)
		if err != nil {
			return
		}
		if back, err := ParseAmount(a.String()); !a.InRange() || err != nil || back != a {
			t.Fatalf("%q: %v, then %v, %v", s, a, back, err)
		}
	})
}
