package miner

import (
	"context"
	"log/slog"
	"math/big"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/mempool"
)

// Search finds a nonce. The real one hashes; a simulated one waits as long as hashing would take.
type Search interface {
	// Search tries every nonce of header. It returns the solved header, or false where there is none or ctx ended.
	Search(ctx context.Context, header coin.Header, target *big.Int) (coin.Header, bool)
}

// Config is what a Miner needs.
type Config struct {
	Chain   *chain.Chain
	Pool    *mempool.Pool
	PayTo   func() ([]byte, error) // asked for each template's output script
	Name    string
	On      bool    // mine from the start
	Threads int     // 0: 1
	Limit   float64 // hashes per second over all threads; 0: none
	Search  Search  // nil: really hash
	Now     func() time.Time
	Logger  *slog.Logger
	WaitFor int // classic mode: mine only while at least this many transactions wait
	// OnFound is told of each block found, from Run's goroutine, once the chain has judged it: verdict is nil where it is
	// valid and durable.
	OnFound func(b *coin.Block, verdict error)
}

// Stats is how a miner does.
type Stats struct {
	On       bool
	HashRate float64 // hashes per second over the last 10 seconds
	Limit    float64 // hashes per second; 0: none
	Threads  int
	WaitFor  int // transactions needed before it mines
	Mined    int // blocks found and accepted since the start
}

// Miner is safe for concurrent use.
type Miner struct{ bell chan struct{} }

// New returns a miner that does nothing until Run.
func New(c Config) *Miner { return &Miner{bell: make(chan struct{})} }

// Run mines until ctx ends, and returns after its goroutines.
func (m *Miner) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// SetOn switches mining on or off.
func (m *Miner) SetOn(on bool) {}

// SetThreads changes how many goroutines hash.
func (m *Miner) SetThreads(n int) {}

// SetLimit changes the hash-rate limit in hashes per second; 0 lifts it.
func (m *Miner) SetLimit(limit float64) {}

// Stats returns how the miner does.
func (m *Miner) Stats() Stats { return Stats{} }

// Changed returns a channel that is closed when Stats changes by more than its rate.
func (m *Miner) Changed() <-chan struct{} { return m.bell }

// Generate mines n blocks one after another that pay to script, trying at most maxTries nonces in all (0: no bound), and
// returns their hashes.
func Generate(ctx context.Context, c *chain.Chain, pool *mempool.Pool, script []byte, n int, maxTries uint64) ([]coin.Hash, error) {
	return nil, nil
}
