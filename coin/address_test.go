package coin

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"pgregory.net/rapid"
)

// vectors reads one of Bitcoin Core's published test vectors, which lie beside the repository.
func vectors(t *testing.T, name string, into any) {
	t.Helper()
	path := filepath.Join("../../shared/vectors", name)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("SKIPPED: there are no test vectors at %s", path)
	}
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// bitcoins are the address forms of Bitcoin's networks by Core's names.
func bitcoins() map[string]*Params {
	form := func(name, hrp string, key, script, wif byte) *Params {
		return &Params{Name: name, HRP: hrp, PubKeyPrefix: key, ScriptPrefix: script, WIFPrefix: wif}
	}
	return map[string]*Params{"main": form("main", "bc", 0, 5, 128), "test": form("test", "tb", 111, 196, 239), "signet": form("signet", "tb", 111, 196, 239), "regtest": Regtest()}
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if low := strings.ToLower(string(r)); low != string(r) {
			return rune(low[0])
		}
		return rune(strings.ToUpper(string(r))[0])
	}, s)
}

func TestValidAddressVectors(t *testing.T) {
	var rows [][3]json.RawMessage
	vectors(t, "key_io_valid.json", &rows)
	checked := 0
	for _, row := range rows {
		var text, script string
		var about struct {
			Chain       string
			IsPrivkey   bool
			TryCaseFlip bool
		}
		if err := errors.Join(json.Unmarshal(row[0], &text), json.Unmarshal(row[1], &script), json.Unmarshal(row[2], &about)); err != nil {
			t.Fatal(err)
		}
		p := bitcoins()[about.Chain]
		got, err := p.ParseAddress(text)
		if about.IsPrivkey {
			if err == nil || !strings.Contains(err.Error(), "private key") {
				t.Errorf("%s is a private key; got %v", text, err)
			}
			continue
		}
		if err != nil || hex.EncodeToString(got) != script {
			t.Errorf("%s %s: %x, %v; want %s", about.Chain, text, got, err, script)
		}
		if back, ok := p.Address(got); !ok || back != text {
			t.Errorf("%s: back to %q", text, back)
		}
		flipped, err := p.ParseAddress(swapCase(text))
		if about.TryCaseFlip != (err == nil) || about.TryCaseFlip && !bytes.Equal(flipped, got) {
			t.Errorf("%s in the other case: %x, %v", text, flipped, err)
		}
		checked++
	}
	t.Logf("%d addresses", checked)
}

func TestInvalidAddressVectors(t *testing.T) {
	var rows [][1]string
	vectors(t, "key_io_invalid.json", &rows)
	for _, row := range rows {
		for name, p := range bitcoins() {
			if script, err := p.ParseAddress(row[0]); err == nil {
				t.Errorf("%s %q: got %x", name, row[0], script)
			}
		}
	}
}

func TestBase58Vectors(t *testing.T) {
	var rows [][2]string
	vectors(t, "base58_encode_decode.json", &rows)
	for _, row := range rows {
		if got := base58.Encode(unhex(row[0])); got != row[1] {
			t.Errorf("%s: %s, want %s", row[0], got, row[1])
		}
		if got := base58.Decode(row[1]); hex.EncodeToString(got) != row[0] {
			t.Errorf("%s: %x, want %s", row[1], got, row[0])
		}
	}
}

// TestAddressErrors holds the mistakes people make. Reasons and positions are what Core's validateaddress answers.
func TestAddressErrors(t *testing.T) {
	const good = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080" // BIP 173's program
	if _, err := Regtest().ParseAddress(good); err != nil {
		t.Fatal(err)
	}
	change := func(at int, c byte) string { b := []byte(good); b[at] = c; return string(b) }
	for _, c := range []struct {
		name, text, reason, says string
		at                       []int
	}{
		{"nothing", "", reasonNeither, "empty", nil},
		{"far too much", strings.Repeat("q", 5000), reasonNeither, "5000 characters", nil},
		{"neither encoding", "hello world", reasonNeither, `starts with "bcrt1"`, nil},
		{"one character wrong", change(20, 'q'), "Invalid Bech32 checksum", "character 21", []int{20}},
		{"two characters wrong", change(20, 'q')[:30] + "p" + good[31:], "Invalid Bech32 checksum", "characters 21, 31", []int{20, 30}},
		{"a character left out", good[:20] + good[21:], "Invalid checksum", "checksum is wrong", nil},
		{"a letter O", change(20, 'o'), "Invalid Base 32 character", `'o', character 21`, []int{20}},
		{"mixed case", change(20, 'G'), "Invalid character or mixed case", "character 21", []int{20}},
		{"a space", change(20, ' '), "Invalid character or mixed case", "character 21", []int{20}},
		{"no separator", "bcrtqw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "Missing separator", `no "1"`, nil},
		{"too short", "bcrt1qw508", "Invalid separator position", "too little", []int{4}},
		{"too long", "bcrt1" + strings.Repeat("q", 86), "Bech32 string too long", "91 characters", []int{90}},
		{"the real thing", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", reasonNeither, "belongs to Bitcoin;", nil},
		{"cheese's", mustAddress(Cheese(), unhex("0014751e76e8199196d454941c45d1b3a323f1433bd6")), reasonNeither, `prefix "chz"`, nil},
		{"Bitcoin's base58", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "Invalid or unsupported Base58-encoded address.", "another network", nil},
		{"base58 with a slip", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfm", reasonBase58, "checksum is wrong", nil},
		{"short base58", "mip", reasonBase58, "too short", nil},
		{"base58 with a byte too few", base58.CheckEncode(make([]byte, 19), 111), "Invalid length for Base58 address (P2PKH or P2SH)", "19 bytes", nil},
		{"base58 with a byte too many", base58.CheckEncode(make([]byte, 21), 111), reasonBase58, "21 bytes", nil},
		{"a private key", base58.CheckEncode(make([]byte, 33), 239), reasonBase58, "private key", nil},
		{"41 bytes", encodeBech32("bcrt", append([]byte{2}, make([]byte, 66)...), bech32mConst), "Invalid Bech32 address program size (41 bytes)", "2 to 40", nil},
		{"version 0 with the later checksum", encodeBech32("bcrt", make([]byte, 33), bech32mConst), "Version 0 witness address must use Bech32 checksum", "BIP 350", nil},
		{"version 1 with the first checksum", encodeBech32("bcrt", append([]byte{1}, make([]byte, 52)...), bech32Const), "Version 1+ witness address must use Bech32m checksum", "BIP 350", nil},
		{"version 17", encodeBech32("bcrt", append([]byte{17}, make([]byte, 52)...), bech32mConst), "Invalid Bech32 address witness version", "version 17", nil},
		{"nothing between prefix and checksum", encodeBech32("bcrt", nil, bech32Const), "Empty Bech32 data section", "nothing between", nil},
		{"21 bytes in version 0", encodeBech32("bcrt", append([]byte{0}, make([]byte, 34)...), bech32Const), "Invalid Bech32 v0 address program size (21 bytes), per BIP141", "20 or 32", nil},
		{"one byte", encodeBech32("bcrt", []byte{1, 0, 0}, bech32mConst), "Invalid Bech32 address program size (1 byte)", "2 to 40", nil},
		{"padding that is not zero", encodeBech32("bcrt", append(append([]byte{1}, make([]byte, 51)...), 1), bech32mConst), "Invalid padding in Bech32 data section", "whole bytes", nil},
		{"a longer prefix", encodeBech32("bcrtx", make([]byte, 33), bech32Const), "Invalid or unsupported prefix for Segwit (Bech32) address (expected bcrt, got bcrtx).", `prefix "bcrtx"`, nil},
	} {
		_, err := Regtest().ParseAddress(c.text)
		var bad *AddressError
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %v", c.name, err)
			continue
		}
		if bad.Reason != c.reason || !strings.Contains(err.Error(), c.says) || !slices.Equal(bad.Positions, c.at) {
			t.Errorf("%s: %v (%s, %v); want %q (%s, %v)", c.name, err, bad.Reason, bad.Positions, c.says, c.reason, c.at)
		}
	}
}

func mustAddress(p *Params, script []byte) string {
	s, ok := p.Address(script)
	if !ok {
		panic("no address")
	}
	return s
}

func TestScriptsWithoutAddress(t *testing.T) {
	for _, script := range []string{"", "51", "6a", "0013" + strings.Repeat("00", 19), "5101" + "00", "5129" + strings.Repeat("00", 41),
		"4f20" + strings.Repeat("00", 32), "76a914" + strings.Repeat("00", 20) + "88ad", "a914" + strings.Repeat("00", 20) + "88",
		"21" + strings.Repeat("02", 33) + "ac"} {
		if s, ok := Regtest().Address(unhex(script)); ok {
			t.Errorf("%s: %s", script, s)
		}
	}
}

// anyNetwork draws the address form of a network, a long prefix included.
func anyNetwork(t *rapid.T) *Params {
	p := *Cheese()
	p.HRP = rapid.StringMatching("[a-z]{1,83}").Draw(t, "prefix")
	return &p
}

// anyScript draws an output script that has an address.
func anyScript(t *rapid.T) []byte {
	bytes := func(lo, hi int) []byte { return rapid.SliceOfN(rapid.Byte(), lo, hi).Draw(t, "program") }
	switch rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		return slices.Concat([]byte{opDup, opHash160, 20}, bytes(20, 20), []byte{opEqualVerify, opCheckSig})
	case 1:
		return slices.Concat([]byte{opHash160, 20}, bytes(20, 20), []byte{opEqual})
	case 2:
		return append([]byte{0, 20}, bytes(20, 20)...)
	case 3:
		return append([]byte{0, 32}, bytes(32, 32)...)
	}
	program := bytes(2, 40)
	return append([]byte{op1 + byte(rapid.IntRange(0, 15).Draw(t, "version")), byte(len(program))}, program...)
}

func TestAddressRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, script := anyNetwork(t), anyScript(t)
		text, ok := p.Address(script)
		if !ok {
			t.Fatalf("%x has no address", script)
		}
		if back, err := p.ParseAddress(text); err != nil || !bytes.Equal(back, script) {
			t.Fatalf("%s: %x, %v; want %x", text, back, err, script)
		}
	})
}

func TestBech32AgreesWithBtcd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hrp := rapid.StringMatching("[a-z]{1,20}").Draw(t, "prefix")
		groups := rapid.SliceOfN(rapid.ByteRange(0, 31), 1, 60).Draw(t, "groups")
		first, _ := bech32.Encode(hrp, groups)
		later, _ := bech32.EncodeM(hrp, groups)
		if a, b := encodeBech32(hrp, groups, bech32Const), encodeBech32(hrp, groups, bech32mConst); a != first || b != later {
			t.Fatalf("%s and %s, want %s and %s", a, b, first, later)
		}
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		want, _ := bech32.ConvertBits(data, 8, 5, true)
		got, _ := regroup(data, 8, 5, true)
		if !bytes.Equal(got, want) {
			t.Fatalf("regroup %x: %x, want %x", data, got, want)
		}
		want, err := bech32.ConvertBits(groups, 5, 8, false)
		got, ok := regroup(groups, 5, 8, false)
		if ok != (err == nil) || ok && !bytes.Equal(got, want) {
			t.Fatalf("regroup %x: %x %v, want %x %v", groups, got, ok, want, err)
		}
	})
}

func TestUpToTwoTyposAreFound(t *testing.T) {
	const bothConstants = 7503093951720564647 // two typos that other two would explain for the other checksum
	for _, seed := range []uint64{bothConstants, rand.Uint64()} {
		findTypos(t, seed)
	}
}

func findTypos(t *testing.T, seed uint64) {
	t.Helper()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	p := Cheese()
	for range 300 {
		script := append([]byte{op1, 32}, make([]byte, 32)...)
		for i := range 32 {
			script[2+i] = byte(rng.Uint32())
		}
		text := []byte(mustAddress(p, script))
		at := []int{5 + rng.IntN(len(text)-5)}
		if second := 5 + rng.IntN(len(text)-5); second > at[0] {
			at = append(at, second)
		}
		for _, i := range at {
			text[i] = bech32Charset[(strings.IndexByte(bech32Charset, text[i])+1+rng.IntN(31))%32]
		}
		_, err := p.ParseAddress(string(text))
		var bad *AddressError
		if !errors.As(err, &bad) || !slices.Equal(bad.Positions, at) {
			t.Fatalf("%s with typos at %v: %v", text, at, err)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "chz1pqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqs3wf0qm",
		"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "BCRT1", "bcrt1\x80\xff", "1111111111111111111114oLvT2"} {
		f.Add(s)
	}
	networks := []*Params{Cheese(), Regtest()}
	f.Fuzz(func(t *testing.T, s string) {
		for _, p := range networks {
			script, err := p.ParseAddress(s)
			if err != nil {
				if _, ok := err.(*AddressError); !ok {
					t.Fatalf("%q: error of type %T", s, err)
				}
				continue
			}
			if back, ok := p.Address(script); !ok || !strings.EqualFold(back, s) {
				t.Fatalf("%q is %x, which is %q", s, script, back)
			}
		}
	})
}
