package tracker

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBencodeOfTheSpecification(t *testing.T) {
	for encoded, v := range map[string]value{
		"4:spam": text("spam"), "0:": text(""), "i3e": number(3), "i-3e": number(-3), "i0e": number(0),
		"l4:spam4:eggse":           list{text("spam"), text("eggs")},
		"d3:cow3:moo4:spam4:eggse": dict{"cow": text("moo"), "spam": text("eggs")},
		"d4:spaml1:a1:bee":         dict{"spam": list{text("a"), text("b")}},
		"de":                       dict{}, "le": list{}, "i-9223372036854775808e": number(-1 << 63),
	} {
		if got := string(encode(v)); got != encoded {
			t.Errorf("encode %v: %q, want %q", v, got, encoded)
		}
		got, err := decode([]byte(encoded))
		if err != nil || string(encode(got)) != encoded {
			t.Errorf("decode %q: %v, %v", encoded, got, err)
		}
	}
}

func TestBencodeRefusesWhatIsNotCanonical(t *testing.T) {
	deep := strings.Repeat("l", maxBencodeDepth+2) + strings.Repeat("e", maxBencodeDepth+2)
	many := "l" + strings.Repeat("le", maxBencodeElements) + "e"
	for encoded, want := range map[string]string{
		"": "ends early", "x": "no value starts", "i3": "does not end", "i03e": "malformed", "i-0e": "malformed", "ie": "malformed",
		"i+3e": "malformed", "i9223372036854775808e": "out of range", "i" + strings.Repeat("1", 100) + "e": "does not end",
		"5:spam": "longer than what is left", "04:spam": "malformed", "99999999999999999999:a": "out of range", "4spam": "does not end",
		"l": "ends early", "d": "not text", "d1:b0:1:a0:e": "not in order", "d1:a0:1:a0:e": "not in order", "di1e0:e": "not text",
		"d1:ae": "no value starts", "i1ei2e": "extra bytes", "le\n": "extra bytes", deep: "too deep", many: "too many",
	} {
		_, err := decode([]byte(encoded))
		var b *BencodeError
		if !errors.As(err, &b) || !strings.Contains(b.Reason, want) {
			t.Errorf("decode %.40q: %v, want an error with %q", encoded, err, want)
		}
	}
}

func values(depth int) *rapid.Generator[value] {
	leaves := []*rapid.Generator[value]{
		rapid.Map(rapid.Int64(), func(n int64) value { return number(n) }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 30), func(b []byte) value { return text(b) }),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	inner := values(depth - 1)
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(vs []value) value { return list(vs) }),
		rapid.Map(rapid.MapOfN(rapid.String(), inner, 0, 4), func(m map[string]value) value { return dict(m) }),
	)...)
}

func TestBencodeRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		encoded := encode(values(4).Draw(t, "value"))
		got, err := decode(encoded)
		if err != nil || !bytes.Equal(encode(got), encoded) {
			t.Fatalf("%q comes back as %v, %v", encoded, got, err)
		}
	})
}

func FuzzBencode(f *testing.F) {
	for _, seed := range []string{
		"d8:completei1e10:incompletei2e8:intervali30e12:min intervali5e5:peers6:\x7f\x00\x00\x01\x15\xe0e",
		"d14:failure reason4:nopee", "lli1eee", "i-1e", "5:hello", "d5:peersld2:ip9:127.0.0.14:porti1eeee",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decode(data)
		if err != nil {
			return
		}
		if got := encode(v); !bytes.Equal(got, data) {
			t.Fatalf("%q decodes, but encodes to %q", data, got)
		}
		if answer, ok := v.(dict); ok {
			for _, addr := range readReply(answer).Peers {
				if err := checkAddr(addr); err != nil {
					t.Fatalf("peer %v: %v", addr, err)
				}
			}
		}
	})
}
