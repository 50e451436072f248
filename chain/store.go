package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/coin"
	"cheese/consensus"
)

// store is Pebble behind a gate, so that a view that outlives the chain gets ErrClosed and not a panic.
type store struct {
	db   *pebble.DB
	lock *pebble.Lock
	log  pebbleLog

	gate   sync.RWMutex // held for reading while db is in use
	closed bool
}

// Pebble's sizes in bytes. They are small, since hundreds of nodes may live in one process.
const (
	memTableSize   = 4 << 20
	blockCacheSize = 8 << 20
	maxOpenFiles   = 256
)

// openStore locks and opens the Pebble directory, which exists.
func openStore(fs vfs.FS, dir string, cache *pebble.Cache, log *slog.Logger) (*store, error) {
	lock, err := lockDir(fs, dir)
	if err != nil {
		return nil, err
	}
	s := &store{lock: lock, log: pebbleLog{log: log, fatal: new(fatal)}}
	o := &pebble.Options{
		FS: fs, Lock: lock, Logger: s.log, Cache: cache, CacheSize: blockCacheSize,
		FormatMajorVersion: pebble.FormatNewest, MemTableSize: memTableSize, MaxOpenFiles: maxOpenFiles,
	}
	o.Experimental.FileCacheShards = 1 // each has a goroutine
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // most look-ups of coins a block makes find nothing (BIP 30)
	}
	if s.db, err = pebble.Open(dir, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), lock.Close())
	}
	return s, nil
}

// lockDir takes Pebble's own lock file. Whoever cannot have it although the directory is writable is second.
func lockDir(fs vfs.FS, dir string) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, fs)
	if err == nil {
		return lock, nil
	}
	probe := fs.PathJoin(dir, "probe")
	f, probeErr := fs.Create(probe, vfs.WriteCategoryUnspecified)
	if probeErr != nil {
		return nil, fmt.Errorf("data directory: %w", probeErr)
	}
	f.Close()
	fs.Remove(probe) // best effort: an empty file that Pebble ignores
	return nil, fmt.Errorf("%w (%v)", ErrLocked, err)
}

// use runs f while the database is open.
func (s *store) use(f func() error) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return f()
}

// get returns a copy of the value, nil where there is none.
func (s *store) get(key []byte) (value []byte, err error) {
	err = s.use(func() error {
		v, done, err := s.db.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read database: %w", err)
		}
		value = append([]byte{}, v...)
		return done.Close()
	})
	return value, err
}

// coin returns a coin, nil where there is none.
func (s *store) coin(o coin.OutPoint) (*consensus.Coin, error) {
	raw, err := s.get(coinKey(make([]byte, 0, 37), o))
	if raw == nil || err != nil {
		return nil, err
	}
	return parseCoin(o, raw)
}

func parseCoin(o coin.OutPoint, raw []byte) (*consensus.Coin, error) {
	d := decoder{b: raw}
	c := d.coin()
	if err := d.finish(); err != nil {
		return nil, fmt.Errorf("coin %v in the database: %w", o, err)
	}
	return &c, nil
}

// each calls f with every key of a kind in order; f keeps neither key nor value. What it sees is what was there when
// pinned, which may be nil, is called.
func (s *store) each(kind byte, pinned func(), f func(key, value []byte) error) error {
	return s.use(func() error {
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
		if err != nil {
			return fmt.Errorf("read database: %w", err)
		}
		if pinned != nil {
			pinned()
		}
		for ok := it.First(); ok && err == nil; ok = it.Next() {
			err = f(it.Key(), it.Value())
		}
		return errors.Join(err, it.Close())
	})
}

// size returns about how many bytes the keys of a kind and their values take on disk.
func (s *store) size(kind byte) (n int64, err error) {
	err = s.use(func() error {
		bytes, err := s.db.EstimateDiskUsage([]byte{kind}, []byte{kind + 1})
		n = int64(bytes)
		return err
	})
	return n, err
}

// commit makes a batch durable as one.
func (s *store) commit(b *pebble.Batch) error {
	return s.use(func() error {
		err := errors.New("database stopped")
		done := make(chan struct{})
		go func() { // a goroutine, since a fatal failure ends it in pebbleLog.Fatalf
			defer close(done)
			err = b.Commit(pebble.Sync)
		}()
		<-done
		if fatal := s.log.fatal.get(); fatal != nil {
			err = fatal
		}
		if err != nil {
			return fmt.Errorf("write database: %w", err)
		}
		return nil
	})
}

// patience bounds how long close waits for a database that failed for good: it may be stuck.
const patience = time.Second

// close closes the database. After a fatal failure it returns that, and leaves behind what does not end.
func (s *store) close() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	cause := s.log.fatal.get()
	if cause == nil {
		return errors.Join(s.db.Close(), s.lock.Close())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.db.Close()
		s.lock.Close()
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
	return cause
}

// fatal holds the failure that stopped Pebble.
type fatal struct {
	mu  sync.Mutex
	err error
}

func (f *fatal) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *fatal) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

// pebbleLog sends Pebble's log to slog, quietly, and keeps it from ending the process.
type pebbleLog struct {
	log   *slog.Logger
	fatal *fatal
}

func (l pebbleLog) Infof(format string, args ...any) { l.print(slog.LevelDebug, format, args) }

func (l pebbleLog) Errorf(format string, args ...any) { l.print(slog.LevelWarn, format, args) }

// Fatalf ends the goroutine, since Pebble does not expect it to return.
func (l pebbleLog) Fatalf(format string, args ...any) {
	err := errors.New(fmt.Sprintf(format, args...))
	for _, a := range args {
		if cause, ok := a.(error); ok {
			err = cause // so that a full disk can be told by errors.Is
		}
	}
	l.fatal.set(err)
	l.print(slog.LevelError, format, args)
	runtime.Goexit()
}

func (l pebbleLog) print(level slog.Level, format string, args []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "database: "+fmt.Sprintf(format, slices.Clone(args)...))
	}
}
