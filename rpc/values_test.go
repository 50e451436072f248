package rpc

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"cheese/coin"
	"cheese/script"
)

// TestFixedPoint reads numbers as Core's ParseFixedPoint does.
func TestFixedPoint(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"1", 1e8, true}, {"0.00000001", 1, true}, {"1e-8", 1, true}, {"-1.5", -15e7, true}, {"1.10", 11e7, true},
		{"0.000000010", 1, true}, {"1E2", 1e10, true}, {"1e+2", 1e10, true}, {"0e9999", 0, true}, {"-0", 0, true}, {"21000000.00000000", 21e14, true},
		{"0.000000001", 0, false}, {"1e-9", 0, false}, {"", 0, false}, {"-", 0, false}, {".5", 0, false}, {"5.", 0, false}, {"01", 0, false},
		{"+1", 0, false}, {"--1", 0, false}, {"1e", 0, false}, {"1e+-2", 0, false}, {"1e99999", 0, false}, {"1e20", 0, false}, {"1 ", 0, false},
		{"0x1", 0, false}, {"1,5", 0, false}, {"1.5.1", 0, false}, {"NaN", 0, false}, {"99999999999999999999", 0, false},
	} {
		if got, ok := parseFixed(test.text, 8); got != test.want || ok != test.ok {
			t.Errorf("%q gives %d, %v", test.text, got, ok)
		}
	}
}

// TestAmountsAreExact writes any sum of money and reads it again, and a rational number agrees.
func TestAmountsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Int64Range(-int64(coin.MaxMoney), int64(coin.MaxMoney)).Draw(t, "crumbs")
		text, err := json.Marshal(amount(want))
		if err != nil {
			t.Fatal(err)
		}
		value, ok := new(big.Rat).SetString(string(text))
		if got, read := parseFixed(string(text), 8); !ok || !read || got != want || value.Cmp(big.NewRat(want, 1e8)) != 0 {
			t.Fatalf("%d is written %s and read %d", want, text, got)
		}
	})
}

// TestDescriptors checks inferred descriptors; the two checksums are BIP 380's and BIP 381's own.
func TestDescriptors(t *testing.T) {
	for body, want := range map[string]string{"raw(deadbeef)": "89f8spxm", "pkh(02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5)": "8fhd9pwu"} {
		if got := descriptorChecksum(body); got != want {
			t.Errorf("checksum of %s is %s instead of %s", body, got, want)
		}
	}
	const key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	p := coin.Regtest()
	for output, want := range map[string]string{
		"21" + "02" + key + "ac": "pk(02" + key + ")",
		"5120" + key:             "rawtr(" + key + ")",
		"5120" + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff": "addr(bcrt1plllllllllllllllllllllllllllllllllllllllllllllllllllse0lp4e)",
		"5121" + "02" + key + "51ae": "multi(1,02" + key + ")",
		"6a0568656c6c6f":             "raw(6a0568656c6c6f)",
		"":                           "raw()",
		"0014751e76e8199196d454941c45d1b3a323f1433bd6": "addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)",
	} {
		s, err := hex.DecodeString(output)
		if err != nil {
			t.Fatal(err)
		}
		if got := descriptor(p, s); got != want+"#"+descriptorChecksum(want) {
			t.Errorf("%s gives %s instead of %s", output, got, want)
		}
	}
}

// TestValidateAddress describes an address of each kind.
func TestValidateAddress(t *testing.T) {
	h := newHarness(t)
	for _, test := range []struct {
		output []byte
		want   string
	}{
		{script.PayToPubKeyHash([20]byte{1}), `"isscript":false,"iswitness":false}`},
		{script.PayToScriptHash([20]byte{1}), `"isscript":true,"iswitness":false}`},
		{script.PayToWitnessKeyHash([20]byte{1}), `"isscript":false,"iswitness":true,"witness_version":0,"witness_program":"0100000000000000000000000000000000000000"}`},
		{script.PayToWitness(2, []byte{1, 2}), `"iswitness":true,"witness_version":2,"witness_program":"0102"}`},
	} {
		address, ok := h.node.Params.Address(test.output)
		if !ok {
			t.Fatalf("%x has no address", test.output)
		}
		h.is(`{"isvalid":true,"address":`+quote(address)+`,"scriptPubKey":"`+hex.EncodeToString(test.output)+`",`+test.want, "validateaddress", quote([]string{address}))
	}
	if got := h.call("validateaddress", `["bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"]`).(map[string]any); got["isvalid"] != false || got["error"] == "" {
		t.Errorf("a mainnet address is %v", got)
	}
}

// TestDecodeWithoutWitness decodes a transaction without inputs, which only the older encoding can express.
func TestDecodeWithoutWitness(t *testing.T) {
	h := newHarness(t)
	const raw = "02000000" + "00" + "01" + "00e1f50500000000" + "00" + "00000000"
	for _, params := range []string{`["` + raw + `"]`, `["` + raw + `",false]`} {
		got := h.call("decoderawtransaction", params).(map[string]any)
		expect(t, got, map[string]any{"version": json.Number("2"), "locktime": json.Number("0")})
		expect(t, got["vout"].([]any)[0].(map[string]any), map[string]any{"value": json.Number("1.00000000")})
	}
	h.fails(codeDecode, "TX decode failed", "decoderawtransaction", `["`+raw+`",true]`)
}

// FuzzAnswer feeds bodies to the server, whose methods are real but whose node does nothing on its own. Whatever
// comes, the answer is JSON with a status that JSON-RPC over HTTP knows.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"method":"help","id":1}`, `{"jsonrpc":"2.0","method":"help","params":{"command":"getblock"}}`, `[{"method":"help"},5,[]]`,
		`{"method":"help","params":{"command":"x","args":["y"]},"id":{}}`, `{"method":"help","params":["a","b"]}`, `{"method":"validate","id":"\ud800"}`,
		`{"id":1,"method":"help","params":{"a":1,"a":2}}`, "[", "{\"\xff\":1}", `{"method":"help","params":{"args":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	s := New(nil, Credentials{})
	for name, m := range s.methods {
		if name != "help" { // the others need a node
			reading := *m
			reading.run = func(c *call) (any, error) {
				for i, a := range c.method.args {
					c.read(i, a.kind)
				}
				return nil, c.err
			}
			s.methods[name] = &reading
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := s.answer(t.Context(), body)
		switch a.status {
		case 200, 400, 404, 500:
			if !json.Valid(a.body) {
				t.Fatalf("%q is answered with %q", body, a.body)
			}
		case 204:
			if len(a.body) > 0 {
				t.Fatalf("%q is answered with 204 and %q", body, a.body)
			}
		default:
			t.Fatalf("%q is answered with status %d", body, a.status)
		}
	})
}

// read reads argument i as its kind has it.
func (c *call) read(i int, k kind) {
	switch k {
	case text:
		c.text(i)
		c.hash(i, "it")
		c.bytes(i, "no bytes")
	case number:
		c.integer(i, 1)
	case boolean:
		c.boolean(i, true)
	case money:
		c.money(i, 1)
		c.feeRate(i)
	case level:
		c.level(i, 1)
	}
}
