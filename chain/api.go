// Package chain keeps the blocks.
package chain

import (
	"errors"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/coin"
	"cheese/consensus"
	"cheese/script"
)

var (
	ErrLocked       = errors.New("in use by another process")
	ErrDuplicate    = errors.New("duplicate")
	ErrClosed       = errors.New("chain is closed")
	ErrOtherNetwork = errors.New("belongs to another network")
	ErrUnknown      = errors.New("block is not known")
	ErrNoBody       = errors.New("block's body is not stored")
)

type Options struct {
	Now        func() time.Time
	Logger     *slog.Logger
	Verifier   *script.Verifier
	CacheBytes int64
	FlushEvery time.Duration
	BlockCache *pebble.Cache
}

type Chain struct{}

func Open(p *coin.Params, dir string, fs vfs.FS, o Options) (*Chain, error) { panic("soon") }
func (c *Chain) Close() error                                               { panic("soon") }
func (c *Chain) Params() *coin.Params                                       { panic("soon") }
func (c *Chain) AddHeaders(headers []coin.Header) error                     { panic("soon") }
func (c *Chain) AddBlock(b *coin.Block, verdict func(error))                { panic("soon") }

// Submit is AddBlock that waits for the verdict.
func (c *Chain) Submit(b *coin.Block) error                       { panic("soon") }
func (c *Chain) Flush() error                                     { panic("soon") }
func (c *Chain) Err() error                                       { panic("soon") }
func (c *Chain) View() *View                                      { panic("soon") }
func (c *Chain) Changed() <-chan struct{}                         { panic("soon") }
func (c *Chain) Updates(from Position, max int) ([]Update, error) { panic("soon") }

// Position names a block by height and hash; the zero Position stands before genesis.
type Position struct {
	Height int32
	Hash   coin.Hash
}

// Update is a step a reader takes from its cursor.
type Update struct {
	Revert   bool
	Position           // of the block that joins or leaves the best chain
	Prev     coin.Hash // its parent
	Block    *coin.Block
	Spent    []consensus.Coin // one for each input but the coinbase's, in the block's order
	State    consensus.State  // of the chain after the step
}

// Next is the cursor after the step.
func (u *Update) Next() Position { panic("soon") }

type Status int

const (
	HeaderOnly Status = iota
	Stored            // body stored, not yet connected
	Valid             // fully checked, on a side branch
	Active            // on the best chain
	Invalid
)

func (s Status) String() string { panic("soon") }

// Entry is what the index knows of a block.
type Entry struct {
	Position
	Header   coin.Header
	State    consensus.State
	HasBody  bool
	Status   Status
	Received uint64 // order of arrival
}

type Tip struct {
	Position
	Status    string
	BranchLen int32
}

// View needs no Close.
type View struct{}

func (v *View) Tip() consensus.State                               { panic("soon") }
func (v *View) Position() Position                                 { panic("soon") }
func (v *View) BestHeader() consensus.State                        { panic("soon") }
func (v *View) ByHash(h coin.Hash) (Entry, bool)                   { panic("soon") }
func (v *View) ByHeight(n int32) (Entry, bool)                     { panic("soon") }
func (v *View) Contains(h coin.Hash) bool                          { panic("soon") }
func (v *View) Ancestor(h coin.Hash, height int32) (Entry, bool)   { panic("soon") }
func (v *View) Fork(a, b coin.Hash) (Entry, bool)                  { panic("soon") }
func (v *View) HasBody(h coin.Hash) bool                           { panic("soon") }
func (v *View) Block(h coin.Hash) (*coin.Block, error)             { panic("soon") }
func (v *View) Undo(h coin.Hash) ([]consensus.SpentCoin, error)    { panic("soon") }
func (v *View) Coin(o coin.OutPoint) (consensus.Coin, bool, error) { panic("soon") }
func (v *View) MedianTime(height int32) uint32                     { panic("soon") }
func (v *View) Locator(h coin.Hash) []coin.Hash                    { panic("soon") }
func (v *View) AfterLocator(locator []coin.Hash, stop coin.Hash, max int) []coin.Header {
	panic("soon")
}
func (v *View) Tips() []Tip                                      { panic("soon") }
func (v *View) Missing(max int) []Position                       { panic("soon") }
func (v *View) Updates(from Position, max int) ([]Update, error) { panic("soon") }
