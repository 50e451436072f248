package wallet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// KDF is the work that argon2id (RFC 9106) does to turn a passphrase into a key.
type KDF struct {
	Time      uint32 `json:"time"` // passes
	MemoryKiB uint32 `json:"memory_kib"`
	Threads   uint8  `json:"threads"`
}

// StrongKDF is RFC 9106's second choice: about a tenth of a second and 64 MiB. LightKDF takes almost nothing, for
// tests and for wallets whose words are public anyway, such as the demo's.
var (
	StrongKDF = KDF{Time: 3, MemoryKiB: 64 << 10, Threads: 4}
	LightKDF  = KDF{Time: 1, MemoryKiB: 64, Threads: 1}
)

// What a seed file may ask of whoever opens it, since it may come from a stranger.
const (
	maxSeedFile  = 16 << 10  // bytes
	maxKDFTime   = 16        // passes
	maxKDFMemory = 512 << 10 // KiB
	maxKDFLanes  = 16
	saltBytes    = 16
)

const (
	seedVersion = 1
	seedKDF     = "argon2id"
	seedCipher  = "xchacha20-poly1305"
)

// seedFile is the JSON form of recovery words at rest. Everything but Sealed is authenticated along with it.
type seedFile struct {
	Version  int       `json:"version"`
	Network  string    `json:"network"`
	Account  uint32    `json:"account"` // of BIP 86
	Created  time.Time `json:"created"`
	Birthday int32     `json:"birthday"` // no block below this height pays the wallet
	KDF      string    `json:"kdf"`
	Params   KDF       `json:"kdf_params"`
	Salt     []byte    `json:"salt"`
	Cipher   string    `json:"cipher"`
	Nonce    []byte    `json:"nonce"`
	Sealed   []byte    `json:"sealed,omitempty"`
}

// seal encrypts the words into f under a fresh salt and nonce.
func (f *seedFile) seal(words, passphrase string, kdf KDF, rand io.Reader) error {
	f.Version, f.KDF, f.Cipher, f.Params = seedVersion, seedKDF, seedCipher, kdf
	f.Salt, f.Nonce = make([]byte, saltBytes), make([]byte, chacha20poly1305.NonceSizeX)
	for _, b := range [][]byte{f.Salt, f.Nonce} {
		if _, err := io.ReadFull(rand, b); err != nil {
			return fmt.Errorf("read randomness for the seed file: %w", err)
		}
	}
	if err := f.check(); err != nil {
		return err
	}
	aead, err := chacha20poly1305.NewX(f.key(passphrase))
	if err != nil {
		return fmt.Errorf("seal the seed file: %w", err)
	}
	f.Sealed = aead.Seal(nil, f.Nonce, []byte(words), f.header())
	return nil
}

// open decrypts the words; ErrPassphrase where that fails. f must have passed check.
func (f *seedFile) open(passphrase string) (string, error) {
	aead, err := chacha20poly1305.NewX(f.key(passphrase))
	if err != nil {
		return "", fmt.Errorf("open the seed file: %w", err)
	}
	words, err := aead.Open(nil, f.Nonce, f.Sealed, f.header())
	if err != nil {
		return "", ErrPassphrase
	}
	return string(words), nil
}

func (f *seedFile) key(passphrase string) []byte {
	return argon2.IDKey([]byte(passphrase), f.Salt, f.Params.Time, f.Params.MemoryKiB, f.Params.Threads, chacha20poly1305.KeySize)
}

// header returns the authenticated part: the file without its sealed words.
func (f *seedFile) header() []byte {
	h := *f
	h.Sealed = nil
	b, err := json.Marshal(h)
	if err != nil {
		panic(err) // unreachable: check has refused the only value that does not encode, an impossible time
	}
	return b
}

// parseSeedFile decodes and bounds a seed file.
func parseSeedFile(b []byte) (*seedFile, error) {
	if len(b) > maxSeedFile {
		return nil, fmt.Errorf("it is longer than %d bytes", maxSeedFile)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var f seedFile
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("it is not the JSON of a seed file: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows its JSON")
	}
	if len(f.Sealed) < chacha20poly1305.Overhead {
		return nil, errors.New("its sealed words are cut short")
	}
	return &f, f.check()
}

// check bounds everything that is used before authentication.
func (f *seedFile) check() error {
	switch k := f.Params; {
	case f.Version != seedVersion:
		return fmt.Errorf("its version is %d, and this program knows version %d", f.Version, seedVersion)
	case f.KDF != seedKDF:
		return fmt.Errorf("its key derivation is %q rather than %s", f.KDF, seedKDF)
	case f.Cipher != seedCipher:
		return fmt.Errorf("its cipher is %q rather than %s", f.Cipher, seedCipher)
	case k.Time < 1 || k.Time > maxKDFTime:
		return fmt.Errorf("it asks argon2id for %d passes; from 1 to %d are possible", k.Time, maxKDFTime)
	case k.Threads < 1 || k.Threads > maxKDFLanes:
		return fmt.Errorf("it asks argon2id for %d threads; from 1 to %d are possible", k.Threads, maxKDFLanes)
	case k.MemoryKiB < 8*uint32(k.Threads) || k.MemoryKiB > maxKDFMemory:
		return fmt.Errorf("it asks argon2id for %d KiB; from %d to %d are possible", k.MemoryKiB, 8*uint32(k.Threads), maxKDFMemory)
	case len(f.Salt) != saltBytes:
		return fmt.Errorf("its salt has %d bytes rather than %d", len(f.Salt), saltBytes)
	case len(f.Nonce) != chacha20poly1305.NonceSizeX:
		return fmt.Errorf("its nonce has %d bytes rather than %d", len(f.Nonce), chacha20poly1305.NonceSizeX)
	case f.Account >= maxAccounts:
		return fmt.Errorf("its account %d is over BIP 32's limit of %d", f.Account, maxAccounts-1)
	case f.Birthday < 0:
		return fmt.Errorf("its birthday %d is no block height", f.Birthday)
	case f.Created.Year() < 1 || f.Created.Year() > 9999:
		return errors.New("its time of creation is out of range")
	}
	return nil
}

// loadSeedFile reads a seed file; the error is os.ErrNotExist where there is none.
func loadSeedFile(fs vfs.FS, path string) (*seedFile, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSeedFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	s, err := parseSeedFile(b)
	if err != nil {
		return nil, &SeedFileError{Path: path, Reason: err.Error()}
	}
	return s, nil
}

// saveSeedFile writes path as a whole or not at all, readable by its owner only.
func saveSeedFile(fs vfs.FS, path string, s *seedFile) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the seed file: %w", err)
	}
	tmp := path + ".new"
	if err := writeSynced(fs, tmp, append(b, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", tmp, err)
	}
	if err := fs.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return syncDir(fs, fs.PathDir(path))
}

func writeSynced(fs vfs.FS, path string, b []byte) error {
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if fs == vfs.Default { // other file systems have no modes, and the folder is closed to others too
		err = os.Chmod(path, 0o600)
	}
	if err == nil {
		_, err = f.Write(b)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// makeDir makes a folder and its parents where they are missing, closed to other users, and so that a crash does not
// take them away again.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	parent := fs.PathDir(dir)
	if parent != dir && parent != "." {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, parent)
}
