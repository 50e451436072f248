package coin

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"
)

// classFile is a valid network file, but for the nonce.
func classFile() *NetworkFile {
	return &NetworkFile{Name: "class-7b", Message: "a cheese for class 7b", Time: 1_800_000_000, Spacing: 10, FirstHashes: 1000,
		Subsidy: "25.5", HalvingInterval: 100_000, Maturity: 5, Prefix: "seven", P2PPort: 30001, HTTPPort: 30002, TrackerPort: 30003}
}

// mined returns the file's JSON text with its nonce found.
func mined(t testing.TB, f *NetworkFile) []byte {
	t.Helper()
	if err := f.Mine(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNetworkFile(t *testing.T) {
	p, err := LoadNetwork(mined(t, classFile()))
	if err != nil {
		t.Fatal(err)
	}
	g := p.Genesis
	if !MeetsTarget(g.Hash(), Target(g.Bits)) || !strings.Contains(string(g.Txs[0].In[0].Script), "class 7b") || g.Time != 1_800_000_000 {
		t.Errorf("genesis %+v", g.Header)
	}
	if w := Work(g.Bits).Int64(); w < 1000 || w > 1001 {
		t.Errorf("the first target takes %d hashes, want 1000", w)
	}
	if p.Spacing != 10*time.Second || p.HalfLife != 300*time.Second || p.MaxAhead != 120*time.Second || !p.StrictTime || p.Retarget != RetargetASERT {
		t.Errorf("time and difficulty: %+v", p)
	}
	if p.PowLimit.Cmp(Target(g.Bits)) != 0 {
		t.Errorf("the easiest target is %x, want the first, which is easier than 2^16 hashes", p.PowLimit)
	}
	if p.Subsidy != 2550_000_000 || p.HalvingInterval != 100_000 || p.Maturity != 5 {
		t.Errorf("money: %+v", p)
	}
	other := classFile()
	other.Message = "another class"
	q, err := LoadNetwork(mined(t, other))
	if err != nil {
		t.Fatal(err)
	}
	if p.ID == q.ID || p.Magic == q.Magic || p.Magic == Cheese().Magic {
		t.Errorf("networks of different messages share id or magic")
	}
}

func TestNetworkFileDifficulty(t *testing.T) {
	hard := classFile()
	hard.FirstHashes = 1 << 18
	p, err := LoadNetwork(mined(t, hard))
	if err != nil || p.PowLimit.Cmp(Cheese().PowLimit) != 0 {
		t.Errorf("a first target harder than 2^16 hashes: easiest %x, %v", p.PowLimit, err)
	}
	fixed := classFile()
	fixed.FirstHashes, fixed.FirstBits, fixed.FixedDifficulty, fixed.Spacing = 0, "207fffff", true, 1
	p, err = LoadNetwork(mined(t, fixed))
	if err != nil || p.Retarget != RetargetNone || p.Genesis.Bits != 0x207fffff || p.PowLimit.Cmp(Target(0x207fffff)) != 0 {
		t.Errorf("fixed difficulty: %+v, %v", p, err)
	}
	slow := classFile()
	slow.Spacing, slow.FirstHashes = 60, 1
	if p, err = LoadNetwork(mined(t, slow)); err != nil || p.MaxAhead != 10*time.Minute {
		t.Errorf("a spacing of a minute: ahead by %v, %v", p.MaxAhead, err)
	}
}

func TestMineStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	f := classFile()
	f.FirstHashes = 1 << 60
	if err := f.Mine(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestNetworkFileErrors changes one thing in a valid file.
func TestNetworkFileErrors(t *testing.T) {
	text := string(mined(t, classFile()))
	with := func(field string, value any) string {
		var m map[string]any
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		m = maps.Clone(m)
		if m[field] = value; value == "gone" {
			delete(m, field)
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, c := range []struct{ name, file, field, says string }{
		{"empty", "", "", "ends too early"},
		{"cut short", text[:60], "", "ends too early"},
		{"not JSON", "spacing: 5", "", "not JSON"},
		{"not an object", "[1]", "", "not a JSON object"},
		{"two objects", text + "{}", "", "something follows"},
		{"huge", strings.Repeat(" ", 70_000), "", "70000 bytes"},
		{"an unknown field", with("colour", 1), "colour", "no such field"},
		{"a field in another case", strings.Replace(text, `"name"`, `"Name"`, 1), "Name", "no such field"},
		{"a field twice", strings.Replace(text, "{", `{"maturity":1,`, 1), "maturity", "twice"},
		{"a field missing", with("prefix", "gone"), "prefix", "missing"},
		{"null", with("prefix", nil), "prefix", "null"},
		{"a string for a number", with("maturity", "5"), "maturity", "JSON string"},
		{"a number for a string", with("subsidy", 10), "subsidy", "JSON number"},
		{"a negative number", with("spacing_seconds", -5), "spacing_seconds", "number -5"},
		{"a port over 65535", with("p2p_port", 70000), "p2p_port", "number 70000"},
		{"no port", with("http_port", 0), "http_port", "1 to 65535"},
		{"one port twice", with("tracker_port", 30001), "tracker_port", "p2p_port's already"},
		{"no name", with("name", ""), "name", "1 to 32"},
		{"a name with a slash", with("name", "../x"), "name", "lower-case"},
		{"a taken name", with("name", "regtest"), "name", "already"},
		{"no message", with("message", ""), "message", "0 bytes"},
		{"a long message", with("message", strings.Repeat("x", 81)), "message", "81 bytes"},
		{"a message that rings", with("message", "\a"), "message", "cannot be shown"},
		{"time zero", with("time", 0), "time", "Unix seconds"},
		{"a spacing of 4 s", with("spacing_seconds", 4), "spacing_seconds", "under 5"},
		{"no spacing", with("spacing_seconds", 0), "spacing_seconds", "not from 1"},
		{"both difficulties", with("first_bits", "1f00ffff"), "first_hashes", "one of them"},
		{"no difficulty", with("first_hashes", "gone"), "first_hashes", "neither"},
		{"bits that are no target", strings.Replace(text, `"first_hashes":1000`, `"first_bits":"ffffffff"`, 1), "first_bits", "compact form"},
		{"bits that are not the shortest form", strings.Replace(text, `"first_hashes":1000`, `"first_bits":"2000007f"`, 1), "first_bits", "compact form"},
		{"bits that are no number", strings.Replace(text, `"first_hashes":1000`, `"first_bits":"hard"`, 1), "first_bits", "hexadecimal"},
		{"no subsidy", with("subsidy", "0"), "subsidy", "nothing"},
		{"a subsidy in words", with("subsidy", "ten"), "subsidy", "not a decimal number"},
		{"too much money", with("subsidy", "105.001"), "subsidy", "21000000 coins"},
		{"far too much money", strings.Replace(with("subsidy", "21000000"), "100000", "2147483647", 1), "subsidy", "21000000 coins"},
		{"no halving", with("halving_interval", 0), "halving_interval", "at least 1"},
		{"no maturity", with("maturity", 0), "maturity", "not from 1"},
		{"a capital prefix", with("prefix", "Seven"), "prefix", "lower-case"},
		{"Bitcoin's prefix", with("prefix", "bc"), "prefix", "belongs to Bitcoin"},
		{"a prefix of 84 letters", with("prefix", strings.Repeat("a", 84)), "prefix", "1 to 83"},
		{"a change after mining", with("message", "another message"), "nonce", "does not meet"},
	} {
		_, err := LoadNetwork([]byte(c.file))
		var bad *FieldError
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %v", c.name, err)
			continue
		}
		if bad.Field != c.field || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want field %q and %q", c.name, err, c.field, c.says)
		}
	}
}

func TestSupplyMayReachAllTheMoney(t *testing.T) {
	f := classFile()
	f.Subsidy, f.HalvingInterval = "105", 100_000 // 2 × 105 × 100,000, less what halving rounds off
	if _, err := LoadNetwork(mined(t, f)); err != nil {
		t.Error(err)
	}
}

func FuzzNetworkFile(f *testing.F) {
	f.Add(mined(f, classFile()))
	f.Add([]byte(`{"name":"x","name":"y"}`))
	f.Add([]byte(`{"spacing_seconds":1e99}`))
	f.Add([]byte(`{"name":{"deep":[[[]]]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := LoadNetwork(b)
		if err != nil {
			var bad *FieldError
			if !errors.As(err, &bad) {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		if !MeetsTarget(p.Genesis.Hash(), Target(p.Genesis.Bits)) || p.PowLimit.Cmp(Target(p.Genesis.Bits)) < 0 {
			t.Fatalf("accepted %s", b)
		}
	})
}
