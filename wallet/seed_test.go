package wallet

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func sealed(t testing.TB, passphrase string) *seedFile {
	f := &seedFile{Network: "cheese", Created: time.Unix(1_790_000_000, 0).UTC(), Birthday: 7}
	if err := f.seal(abandon, passphrase, LightKDF, rand.Reader); err != nil {
		t.Fatal(err)
	}
	return f
}

func encoded(t testing.TB, f *seedFile) []byte {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSeedFileOpensWithItsPassphraseOnly(t *testing.T) {
	for _, passphrase := range []string{"", "käse"} {
		f, err := parseSeedFile(encoded(t, sealed(t, passphrase)))
		if err != nil {
			t.Fatal(err)
		}
		if words, err := f.open(passphrase); err != nil || words != abandon {
			t.Fatalf("%q, %v", words, err)
		}
		if _, err := f.open("other"); !errors.Is(err, ErrPassphrase) {
			t.Fatalf("wrong passphrase: %v", err)
		}
	}
	if bytes.Contains(encoded(t, sealed(t, "")), []byte("abandon")) {
		t.Fatal("the words lie in the open")
	}
}

func TestSeedFileIsRefusedWhenTamperedWith(t *testing.T) {
	for name, change := range map[string]func(*seedFile){
		"birthday":   func(f *seedFile) { f.Birthday++ },
		"network":    func(f *seedFile) { f.Network = "regtest" },
		"created":    func(f *seedFile) { f.Created = f.Created.Add(time.Second) },
		"salt":       func(f *seedFile) { f.Salt[0] ^= 1 },
		"nonce":      func(f *seedFile) { f.Nonce[23] ^= 1 },
		"words":      func(f *seedFile) { f.Sealed[3] ^= 1 },
		"tag":        func(f *seedFile) { f.Sealed[len(f.Sealed)-1] ^= 1 },
		"parameters": func(f *seedFile) { f.Params.Time++ },
	} {
		f := sealed(t, "x")
		change(f)
		f, err := parseSeedFile(encoded(t, f))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := f.open("x"); !errors.Is(err, ErrPassphrase) {
			t.Errorf("%s was changed, and the file opens: %v", name, err)
		}
	}
}

func TestSeedFileBoundsWhatItAsksFor(t *testing.T) {
	for want, change := range map[string]func(*seedFile){
		"version is 2":         func(f *seedFile) { f.Version = 2 },
		`"scrypt"`:             func(f *seedFile) { f.KDF = "scrypt" },
		`"rot13"`:              func(f *seedFile) { f.Cipher = "rot13" },
		"4294967295 KiB":       func(f *seedFile) { f.Params.MemoryKiB = 1<<32 - 1 },
		"0 KiB":                func(f *seedFile) { f.Params.MemoryKiB = 0 },
		"1000000 passes":       func(f *seedFile) { f.Params.Time = 1_000_000 },
		"0 passes":             func(f *seedFile) { f.Params.Time = 0 },
		"200 threads":          func(f *seedFile) { f.Params.Threads = 200 },
		"0 threads":            func(f *seedFile) { f.Params.Threads = 0 },
		"salt has 3 bytes":     func(f *seedFile) { f.Salt = f.Salt[:3] },
		"nonce has 12 bytes":   func(f *seedFile) { f.Nonce = f.Nonce[:12] },
		"cut short":            func(f *seedFile) { f.Sealed = nil },
		"birthday -1":          func(f *seedFile) { f.Birthday = -1 },
		"longer than 16384":    func(f *seedFile) { f.Network = strings.Repeat("x", 20_000) },
		"Time.MarshalJSON":     nil,
		`unknown field "more"`: nil,
		"something follows":    nil,
	} {
		f := sealed(t, "")
		var b []byte
		switch {
		case change != nil:
			change(f)
			b = encoded(t, f)
		case strings.HasPrefix(want, "unknown"):
			b = bytes.Replace(encoded(t, f), []byte("{"), []byte(`{"more":1,`), 1)
		case want == "something follows":
			b = append(encoded(t, f), "{}"...)
		default:
			continue
		}
		if _, err := parseSeedFile(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want something with %q", err, want)
		}
	}
}

func TestSeedFileIsItsOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	path := filepath.Join(t.TempDir(), "seed.json")
	if err := saveSeedFile(vfs.Default, path, sealed(t, "")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 1 {
		t.Fatalf("left behind: %v", left)
	}
}

// A crash at any point of writing leaves no file or the whole file.
func TestSeedFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	fs := vfs.NewCrashableMem()
	if err := fs.MkdirAll("w", 0o700); err != nil {
		t.Fatal(err)
	}
	if d, err := fs.OpenDir(""); err == nil {
		d.Sync()
		d.Close()
	}
	if err := saveSeedFile(fs, "w/seed.json", sealed(t, "p")); err != nil {
		t.Fatal(err)
	}
	after := fs.CrashClone(vfs.CrashCloneCfg{})
	f, err := loadSeedFile(after, "w/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	if words, err := f.open("p"); err != nil || words != abandon {
		t.Fatalf("%q, %v", words, err)
	}
}

func FuzzSeedFile(f *testing.F) {
	f.Add(encoded(f, sealed(f, "")))
	f.Add([]byte(`{"version":1,"kdf":"argon2id"}`))
	f.Add([]byte(`{"created":"9999-12-31T23:59:59-23:00"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSeedFile(b)
		if err != nil {
			return
		}
		s.header() // must not panic on what check let through
		if k := s.Params; k.MemoryKiB > maxKDFMemory || k.Time > maxKDFTime || k.Threads > maxKDFLanes {
			t.Fatalf("asks for %+v", k)
		}
		if s.Params.MemoryKiB <= 256 && s.Params.Time <= 2 {
			s.open("guess") // may fail, may not panic
		}
	})
}
