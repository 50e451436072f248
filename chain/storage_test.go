package chain_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
)

// never keeps the timer from flushing.
const never = 1000 * time.Hour

func TestSecondOpenIsRefused(t *testing.T) {
	for name, where := range map[string]struct {
		fs  vfs.FS
		dir string
	}{"memory": {vfs.NewMem(), "data"}, "disk": {vfs.Default, filepath.Join(t.TempDir(), "a", "b")}} {
		t.Run(name, func(t *testing.T) {
			first, err := chain.Open(coin.Regtest(), where.dir, where.fs, chain.Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = chain.Open(coin.Regtest(), where.dir, where.fs, chain.Options{})
			if !errors.Is(err, chain.ErrLocked) || !strings.Contains(err.Error(), where.dir) {
				t.Errorf("second open: %v", err)
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := chain.Open(coin.Regtest(), where.dir, where.fs, chain.Options{})
			if err != nil {
				t.Fatalf("open after close: %v", err)
			}
			again.Close()
		})
	}
}

func TestOtherDirectoriesAreRefused(t *testing.T) {
	fs := vfs.NewMem()
	c, err := chain.Open(coin.Regtest(), "data", fs, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	_, err = chain.Open(coin.Cheese(), "data", fs, chain.Options{})
	if !errors.Is(err, chain.ErrOtherNetwork) || !strings.Contains(err.Error(), "data") {
		t.Errorf("another network's directory: %v", err)
	}
	c, err = chain.Open(coin.Regtest(), "data", fs, chain.Options{}) // the refusal left it as it was
	if err != nil {
		t.Fatal(err)
	}
	c.Close()

	if err := fs.MkdirAll("core/blocks/index", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err = chain.Open(coin.Regtest(), "core", fs, chain.Options{}); !errors.Is(err, chain.ErrOtherNetwork) {
		t.Errorf("Bitcoin Core's directory: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Open(coin.Regtest(), file, vfs.Default, chain.Options{}); err == nil || errors.Is(err, chain.ErrLocked) {
		t.Errorf("a file as data directory: %v", err)
	}
}

func TestBlockFilesAreBitcoins(t *testing.T) {
	h := chaintest.New(t)
	blocks := append([]*coin.Block{h.Params.Genesis}, h.Extend(3)...)
	h.Close()
	raw := readFile(t, h.FS, "data/blocks/blk00000.dat")
	for _, b := range blocks {
		body := b.Bytes()
		size := len(body)
		want := append([]byte{0xfa, 0xbf, 0xb5, 0xda, byte(size), byte(size >> 8), 0, 0}, body...)
		if !strings.HasPrefix(string(raw), string(want)) {
			t.Fatalf("block %v is not where it should be", b.Hash())
		}
		raw = raw[len(want):]
	}
	if len(raw) > 0 {
		t.Errorf("%d bytes too many", len(raw))
	}
	h.Reopen()
}

func TestDamagedBlockFile(t *testing.T) {
	h := chaintest.New(t)
	blocks := h.Extend(40) // more than are kept in memory
	h.Restart()
	old := blocks[4]
	damage(t, h.FS, old)
	var corrupt *chain.CorruptError
	_, err := h.Chain.View().Block(old.Hash())
	if !errors.As(err, &corrupt) || !strings.HasSuffix(corrupt.File, "blk00000.dat") || corrupt.Block != old.Hash() {
		t.Errorf("reading a damaged block: %v", err)
	}
	last := h.Extend(1)[0] // what does not need it goes on
	if err := h.Chain.Err(); err != nil {
		t.Error(err)
	}
	h.Close()
	damage(t, h.FS, last)
	_, err = chain.Open(h.Params, "data", h.FS, chain.Options{})
	if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), "blk00000.dat") {
		t.Errorf("opening with a damaged last block: %v", err)
	}
}

// A view stays as it was although what it saw on disk is overwritten.
func TestViewOutlivesFlush(t *testing.T) {
	h := chaintest.Open(t, chaintest.Params(), vfs.NewMem(), chain.Options{FlushEvery: never})
	from := chaintest.Coinbase(h.Extend(3)[0])
	if err := h.Chain.Flush(); err != nil {
		t.Fatal(err)
	}
	old, coins := h.Chain.View(), dump(t, h.Chain.View())
	if h.Chain.View() != old {
		t.Error("without a change there is a new view")
	}
	pay := chaintest.Spend(from, 10, 1)
	h.Accept(h.Next(pay))
	for range 2 {
		if _, ok, _ := old.Coin(from.At); !ok {
			t.Error("the old view lost a coin")
		}
		if _, ok, _ := old.Coin(chaintest.Output(pay, 0).At); ok {
			t.Error("the old view has a coin of the future")
		}
		if h.HasCoin(from.At) || dump(t, old) != coins {
			t.Error("views are mixed up")
		}
		if err := h.Chain.Flush(); err != nil {
			t.Fatal(err)
		}
		h.Extend(1)
	}
}

// damage changes a byte of a block on disk.
func damage(t *testing.T, fs vfs.FS, b *coin.Block) {
	t.Helper()
	const path = "data/blocks/blk00000.dat"
	at := strings.Index(string(readFile(t, fs, path)), string(b.Bytes()))
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil || at < 0 {
		t.Fatalf("damage block at %d: %v", at, err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0xee}, int64(at)+100); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A crash at any moment loses nothing that a flush acknowledged, and leaves a state the chain was in. How much of
// what was not synced survives is chance.
func TestCrash(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	fs := vfs.NewCrashableMem()
	h := chaintest.Open(t, chaintest.Params(), fs, chain.Options{FlushEvery: never, CacheBytes: 10_000})
	acknowledged := h.Tip()
	spendable, invalid := []*coin.Block{}, []coin.Hash{}
	for range 60 {
		switch rng.IntN(7) {
		case 0, 1:
			spendable = append(spendable, h.Extend(1+rng.IntN(3))...)
		case 2: // a branch that wins
			back, _ := h.Chain.View().ByHeight(max(0, h.Tip().Height()-int32(rng.IntN(4))))
			h.Accept(h.Fork(back.State, 5)...)
		case 3:
			if n := len(spendable); n > 0 {
				from := chaintest.Coinbase(spendable[rng.IntN(n)])
				h.Chain.Submit(h.Next(chaintest.Spend(from, 1, 2))) // refused where it is spent, too young, or reverted
			}
		case 4:
			if err := h.Chain.Flush(); err != nil {
				t.Fatal(err)
			}
			acknowledged = h.Tip()
		case 5:
			fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
			h.Crash(fs)
			if h.Tip().Work().Cmp(acknowledged.Work()) < 0 || !h.Chain.View().HasBody(acknowledged.Hash()) {
				t.Fatalf("tip is %d after the crash and %d was acknowledged", h.Tip().Height(), acknowledged.Height())
			}
			if got, want := dump(t, h.Chain.View()), replay(t, h.Chain.View()); got != want {
				t.Fatalf("coins are %s, want %s", got, want)
			}
		case 6: // durable when it returns
			if e, _ := h.Chain.View().ByHeight(h.Tip().Height() - int32(rng.IntN(4))); e.Height > 0 {
				if err := h.Chain.Invalidate(e.Hash); err != nil {
					t.Fatal(err)
				}
				invalid = append(invalid, e.Hash)
			} else if n := len(invalid); n > 0 {
				if err := h.Chain.Reconsider(invalid[n-1]); err != nil {
					t.Fatal(err)
				}
				invalid = slices.DeleteFunc(invalid, func(b coin.Hash) bool { // it took ancestors and descendants with it
					e, _ := h.Chain.View().ByHash(b)
					return e.Status != chain.Invalid
				})
			} else {
				break
			}
			acknowledged = h.Tip()
		}
		for _, b := range invalid {
			if e, _ := h.Chain.View().ByHash(b); e.Status != chain.Invalid {
				t.Fatalf("block %v was invalidated and is %v", e.Position, e.Status)
			}
		}
	}
}

// When the disk is full the chain stops, says so from then on, and what was flushed is safe.
// childEnv marks a test process of its own for a test after which Pebble's goroutines stay: a store that failed for good
// is left open, since closing it might wait for ever.
const childEnv = "CHEESE_TEST_CHILD"

// inChild tells whether this is such a process, and runs the test in one where it is not.
func inChild(t *testing.T) bool {
	t.Helper()
	if os.Getenv(childEnv) != "" {
		return true
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), childEnv+"=1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return false
}

func TestDiskFull(t *testing.T) {
	for _, part := range []string{"blocks", "chainstate"} {
		t.Run(part, func(t *testing.T) {
			if part == "chainstate" && !inChild(t) {
				return
			}
			var full atomic.Bool
			mem := vfs.NewCrashableMem()
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, part) {
					return syscall.ENOSPC
				}
				return nil
			}))
			h := chaintest.Open(t, chaintest.Params(), fs, chain.Options{FlushEvery: never})
			kept := h.Extend(3)
			if err := h.Chain.Flush(); err != nil {
				t.Fatal(err)
			}
			full.Store(true)
			bell := h.Chain.Changed()
			h.Chain.Submit(h.Next())
			if err := h.Chain.Flush(); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("flush on a full disk: %v", err)
			}
			<-bell
			if err := h.Chain.Submit(h.Next()); !errors.Is(err, syscall.ENOSPC) || !errors.Is(h.Chain.Err(), syscall.ENOSPC) {
				t.Errorf("a block afterwards: %v; Err: %v", err, h.Chain.Err())
			}
			if !h.HasCoin(chaintest.Coinbase(kept[0]).At) {
				t.Error("reading no longer works")
			}
			full.Store(false)
			h.Crash(mem.CrashClone(vfs.CrashCloneCfg{}))
			h.ExpectTip(kept[2])
			h.Extend(1)
		})
	}
}
