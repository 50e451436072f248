package wallet

import (
	"context"
	"errors"
	"io"

	"cheese/coin"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var errSkeleton = errors.New("wallet: not built yet")

// Wallet is safe for concurrent use.
type Wallet struct{}

// Open opens the wallet in the data directory dir, under wallets/cheese, and makes it where there is none.
func Open(p *coin.Params, dir string, fs vfs.FS, o Options) (*Wallet, error) { return nil, errSkeleton }

// Close saves and releases everything. Run must have returned.
func (w *Wallet) Close() error { return errSkeleton }

// Run follows chain and pool until ctx is done.
func (w *Wallet) Run(ctx context.Context) error { return errSkeleton }

// Changed returns a channel that is closed at the wallet's next change.
func (w *Wallet) Changed() <-chan struct{} { return nil }

// NewAddress returns a receive address that was never handed out before.
func (w *Wallet) NewAddress() (string, error) { return "", errSkeleton }

// Address returns the current receive address, which changes once it is paid.
func (w *Wallet) Address() (string, error) { return "", errSkeleton }

// PayToScript returns the output script of the current receive address; it has the shape of miner.Config.PayTo.
func (w *Wallet) PayToScript() ([]byte, error) { return nil, errSkeleton }

// Mine tells whether the wallet can sign for an output script.
func (w *Wallet) Mine(script []byte) bool { return false }

// Balance returns what the wallet has.
func (w *Wallet) Balance() Balance { return Balance{} }

// Coins returns every unspent output, the largest first.
func (w *Wallet) Coins() []Coin { return nil }

// Send pays: it chooses coins, signs, remembers the transaction durably and hands it to the pool.
func (w *Wallet) Send(ctx context.Context, r SendRequest) (*coin.Tx, Sent, error) {
	return nil, Sent{}, errSkeleton
}

// History returns the newest entries first, at most max of them; all where max is 0.
func (w *Wallet) History(max int) []Entry { return nil }

// Transaction returns the history entry of one transaction and the transaction itself.
func (w *Wallet) Transaction(id coin.Hash) (Entry, *coin.Tx, bool) { return Entry{}, nil, false }

// Describe tells what a transaction, known or not, does to the wallet; kind is empty where nothing.
func (w *Wallet) Describe(tx *coin.Tx) (net coin.Amount, kind Kind, counterparty string) { return }

// Rebroadcast returns our own transactions that are in no block and not in the pool, and can still confirm, parents first.
func (w *Wallet) Rebroadcast() []*coin.Tx { return nil }

// Mnemonic returns the recovery words to whoever knows the passphrase; ErrPassphrase otherwise.
func (w *Wallet) Mnemonic(passphrase string) (string, error) { return "", errSkeleton }
