package wallet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"cheese/chain"
	"cheese/coin"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Wallet is safe for concurrent use.
//
// Locks are taken in the order turn, saving, mu, and the pool is asked with at most turn held.
type Wallet struct {
	params   *coin.Params
	o        Options
	fs       vfs.FS
	seedPath string
	account  uint32
	birthday int32
	isNew    bool
	store    *store

	turn   chan struct{} // held by the one Send under way
	saving sync.Mutex    // held while the store is written, so that nothing older overtakes

	mu        sync.Mutex // guards the rest
	ledger    *ledger
	poolSeq   uint64 // cursor into the pool's changes
	poolKnown bool   // false: start over from a view
	saved     chain.Position
	bell      chan struct{}
	closed    bool
}

const (
	// updatesAtOnce is how many blocks are applied under one hold of the lock.
	updatesAtOnce = 32
	// changesAtOnce is how many pool changes are.
	changesAtOnce = 256
	// saveEvery is how often Run saves: what came later is read from the chain again after a crash.
	saveEvery = 30 * time.Second
	// saveDirty and saveBlocks bound what waits to be saved while many blocks are read.
	saveDirty  = 10_000
	saveBlocks = 2_000
	// birthdayMargin is how far below the tip a new wallet's birthday lies, in blocks, for the sake of reorgs.
	birthdayMargin = 100
)

// Open opens the wallet in the folder cheese under dir, which is wallets in a data directory, and makes one where there
// is none. The chain is followed by Run and by every read; Open itself reads nothing but its files. Errors: ErrPassphrase,
// ErrMnemonicDiffers, *SeedFileError, *MnemonicError, and those of the file system.
func Open(p *coin.Params, dir string, fs vfs.FS, o Options) (*Wallet, error) {
	if o.KDF == (KDF{}) {
		o.KDF = StrongKDF
	}
	home := fs.PathJoin(dir, "cheese")
	if err := makeDir(fs, home); err != nil {
		return nil, fmt.Errorf("open wallet: %w", err)
	}
	w := &Wallet{params: p, o: o, fs: fs, seedPath: fs.PathJoin(home, "seed.json"), turn: make(chan struct{}, 1), bell: make(chan struct{})}
	words, fresh, err := w.words()
	if err != nil {
		return nil, fmt.Errorf("open wallet: %w", err)
	}
	w.isNew = fresh
	keys, err := newKeyring(p, words, w.account)
	if err != nil {
		return nil, fmt.Errorf("open wallet: %w", err)
	}
	if w.ledger, err = newLedger(p, keys); err != nil {
		return nil, fmt.Errorf("open wallet: %w", err)
	}
	if w.store, err = openStore(fs, fs.PathJoin(home, "ledger"), o.Logger); err != nil {
		return nil, err
	}
	if err := w.load(fresh); err != nil {
		return nil, errors.Join(err, w.store.close())
	}
	return w, nil
}

// words returns the recovery words from the seed file, which it makes where it is missing. fresh tells that nobody
// can have paid these words yet.
func (w *Wallet) words() (words string, fresh bool, err error) {
	if w.o.Mnemonic != "" {
		if err := CheckMnemonic(w.o.Mnemonic); err != nil {
			return "", false, err
		}
	}
	if w.o.Passphrase == "" {
		w.o.Logger.Info("the wallet has no passphrase: whoever can read its seed file has its coins", "file", w.seedPath)
	}
	file, err := loadSeedFile(w.fs, w.seedPath)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return w.create()
	case err != nil:
		return "", false, err
	case file.Network != w.params.Name:
		return "", false, &SeedFileError{Path: w.seedPath, Reason: fmt.Sprintf("it belongs to the network %s, not to %s", file.Network, w.params.Name)}
	}
	if words, err = file.open(w.o.Passphrase); err != nil {
		return "", false, err
	}
	if w.o.Mnemonic != "" && normalize(w.o.Mnemonic) != words || w.o.Account != 0 && w.o.Account != file.Account {
		return "", false, ErrMnemonicDiffers
	}
	w.birthday, w.account = file.Birthday, file.Account
	return words, false, CheckMnemonic(words)
}

// create writes the seed file of a new wallet.
func (w *Wallet) create() (words string, fresh bool, err error) {
	fresh = w.o.Mnemonic == ""
	words, w.birthday = normalize(w.o.Mnemonic), w.o.Birthday
	if fresh {
		if words, err = NewMnemonic(w.o.Rand); err != nil {
			return "", false, err
		}
		w.birthday = max(0, w.o.Chain.View().Tip().Height()-birthdayMargin)
	}
	w.account = w.o.Account
	file := &seedFile{Network: w.params.Name, Account: w.account, Created: w.o.Now().UTC().Truncate(time.Second), Birthday: w.birthday}
	if err := file.seal(words, w.o.Passphrase, w.o.KDF, w.o.Rand); err != nil {
		return "", false, err
	}
	return words, fresh, saveSeedFile(w.fs, w.seedPath, file)
}

// load takes the ledger from the store, or starts a new one.
func (w *Wallet) load(fresh bool) error {
	found, err := w.store.load(w.ledger)
	if err != nil {
		return err
	}
	if !found {
		w.ledger.at = w.start(fresh)
		err = w.store.reset(w.ledger)
	}
	w.saved = w.ledger.at
	return err
}

// start returns the cursor from which the chain is to be read: below the birthday nothing can pay the wallet.
func (w *Wallet) start(fresh bool) chain.Position {
	v := w.o.Chain.View()
	tip := v.Tip().Height()
	below := min(w.birthday-1, tip)
	if fresh {
		below = tip
	}
	if e, ok := v.ByHeight(below); below >= 0 && ok {
		return e.Position
	}
	return chain.Position{}
}

// Close saves and releases everything. Run should have returned; whatever else is under way ends with ErrClosed.
func (w *Wallet) Close() error {
	w.saving.Lock()
	defer w.saving.Unlock()
	if !w.shut() {
		return nil
	}
	return errors.Join(w.write(), w.store.close())
}

// shut marks the wallet closed, and tells whether it was open.
func (w *Wallet) shut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	open := !w.closed
	w.closed = true
	return open
}

// Run follows chain and pool until ctx is done, and saves from time to time. It returns nil, or the error that keeps
// it from going on.
func (w *Wallet) Run(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		blocks, txs := w.o.Chain.Changed(), w.poolChanged()
		if err := w.sync(); err != nil {
			if errors.Is(err, chain.ErrClosed) && ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("wallet: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-blocks:
		case <-txs:
		case <-tick.C:
			if err := w.save(); err != nil {
				return fmt.Errorf("wallet: %w", err)
			}
		}
	}
}

func (w *Wallet) poolChanged() <-chan struct{} {
	if w.o.Pool == nil {
		return nil
	}
	return w.o.Pool.Changed()
}

// Changed returns a channel that is closed at the wallet's next change.
func (w *Wallet) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bell
}

// ring wakes whoever waits on Changed. The caller holds mu.
func (w *Wallet) ring() {
	close(w.bell)
	w.bell = make(chan struct{})
}

// sync catches up: with the chain, then with the pool, then with what the chain did meanwhile, so that what the pool
// lost to a block is found in it.
func (w *Wallet) sync() error {
	if err := w.followChain(); err != nil {
		return err
	}
	if err := w.followPool(); err != nil {
		return err
	}
	return w.followChain()
}

// catchUp is sync for reads that have no error to return.
func (w *Wallet) catchUp() {
	if err := w.sync(); err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, chain.ErrClosed) {
		w.o.Logger.Error("the wallet cannot follow the chain", "err", err)
	}
}

func (w *Wallet) followChain() error {
	for {
		n, full, err := w.step()
		if errors.Is(err, chain.ErrUnknown) {
			n, err = 1, w.rescan()
		}
		if err == nil && full {
			err = w.save()
		}
		if err != nil || n == 0 {
			return err
		}
	}
}

// step applies the next blocks. full tells that it is time to save.
func (w *Wallet) step() (n int, full bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, false, ErrClosed
	}
	l := w.ledger
	updates, err := w.o.Chain.Updates(l.at, updatesAtOnce)
	if err != nil {
		return 0, false, fmt.Errorf("follow the chain from %v: %w", l.at.Hash, err)
	}
	for i := range updates {
		if updates[i].Revert {
			l.revert(&updates[i])
		} else if err := l.connect(&updates[i]); err != nil {
			return 0, false, fmt.Errorf("read block %v: %w", updates[i].Hash, err)
		}
	}
	if len(updates) > 0 {
		l.prune()
		w.ring()
	}
	return len(updates), len(l.touched)+len(l.moved) > saveDirty || l.at.Height-w.saved.Height > saveBlocks, nil
}

// rescan reads the chain again from the birthday: the cursor's block is unknown, since somebody took the chain's
// files away.
func (w *Wallet) rescan() error {
	w.o.Logger.Warn("the chain is not the one the wallet knew: reading it again", "birthday", w.birthday)
	w.saving.Lock()
	defer w.saving.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	w.ledger.clear()
	w.ledger.at = w.start(false)
	w.saved, w.poolKnown = w.ledger.at, false
	return w.store.reset(w.ledger)
}

func (w *Wallet) followPool() error {
	for w.o.Pool != nil {
		w.mu.Lock()
		from, known := w.poolSeq, w.poolKnown
		w.mu.Unlock()
		n, err := 0, error(nil)
		if known {
			n, err = w.poolChanges(from)
		} else {
			n, err = w.wholePool()
		}
		if err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// wholePool takes over a view; n is 1 since changes may follow.
func (w *Wallet) wholePool() (n int, err error) {
	v := w.o.Pool.View()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.poolKnown {
		return 1, nil // somebody else was first
	}
	if err := w.ledger.restart(v.Entries()); err != nil {
		return 0, fmt.Errorf("read the pool: %w", err)
	}
	w.poolSeq, w.poolKnown = v.Seq(), true
	w.ring()
	return 1, nil
}

// poolChanges applies what changed since a cursor.
func (w *Wallet) poolChanges(from uint64) (n int, err error) {
	changes, next, lost := w.o.Pool.Since(from, changesAtOnce)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.poolSeq != from {
		return 1, nil // somebody else was first
	}
	if lost {
		w.poolKnown = false
		return 1, nil
	}
	for i := range changes {
		c := &changes[i]
		if c.Removed {
			w.ledger.leave(c.Entry.ID, c.Reason)
		} else if _, err := w.ledger.enter(c.Entry.Tx, c.Entry.Fee, c.Entry.Time.Unix(), true); err != nil {
			return 0, fmt.Errorf("read the pool: %w", err)
		}
	}
	w.poolSeq = next
	if len(changes) > 0 {
		w.ledger.prune()
		w.ring()
	}
	return len(changes), nil
}

// save makes the ledger durable.
func (w *Wallet) save() error {
	w.saving.Lock()
	defer w.saving.Unlock()
	w.mu.Lock()
	closed := w.closed
	w.mu.Unlock()
	if closed {
		return ErrClosed
	}
	return w.write()
}

// write is save for whoever holds saving. The chain is flushed first, so that the cursor on disk is never at a block
// that a crash takes from the chain.
func (w *Wallet) write() error {
	w.mu.Lock()
	l, at := w.ledger, w.ledger.at
	if at == w.saved && len(l.touched)+len(l.moved) == 0 {
		w.mu.Unlock()
		return nil
	}
	c, err := w.store.prepare(l)
	w.mu.Unlock()
	if err == nil {
		if err = w.o.Chain.Flush(); errors.Is(err, chain.ErrClosed) {
			err = nil // closing flushed it
		}
	}
	if err == nil {
		err = c.commit()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		c.restore(l)
		return fmt.Errorf("save the wallet: %w", err)
	}
	w.saved = at
	return nil
}

// IsNew tells whether Open made this wallet from new recovery words, which nobody has written down yet.
func (w *Wallet) IsNew() bool { return w.isNew }

// Mnemonic returns the recovery words to whoever knows the passphrase; ErrPassphrase otherwise.
func (w *Wallet) Mnemonic(passphrase string) (string, error) {
	file, err := loadSeedFile(w.fs, w.seedPath)
	if err != nil {
		return "", err
	}
	return file.open(passphrase)
}
