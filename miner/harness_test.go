package miner

import (
	"context"
	"math/big"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
	"cheese/consensus"
	"cheese/mempool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a chain, a pool and a miner that runs until the test ends.
type bench struct {
	t     *testing.T
	chain *chain.Chain
	pool  *mempool.Pool
	miner *Miner
	found chan *coin.Block
	funds []chaintest.Out // mature coins
	tag   uint64
}

// story runs a test in virtual time, in a year in which regtest exists.
func story(t *testing.T, f func(*testing.T, *bench)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Sub(time.Now()))
		f(t, newBench(t, chaintest.Params()))
	})
}

// newBench makes all but the miner.
func newBench(t *testing.T, p *coin.Params) *bench {
	t.Helper()
	b := &bench{t: t, found: make(chan *coin.Block, 1000)}
	var err error
	if b.chain, err = chain.Open(p, "data", vfs.NewMem(), chain.Options{Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.chain.Close(); err != nil {
			t.Error(err)
		}
	})
	b.pool = mempool.New(b.chain, mempool.Options{Now: time.Now})
	return b
}

// start runs a miner. c lacks what the bench has.
func (b *bench) start(c Config) {
	b.t.Helper()
	c.Chain, c.Pool, c.On = b.chain, b.pool, true
	c.PayTo = func() ([]byte, error) { return chaintest.Anyone(), nil }
	c.OnFound = func(blk *coin.Block, verdict error) {
		if verdict != nil {
			b.t.Errorf("our block: %v", verdict)
		}
		b.found <- blk
	}
	m := New(c)
	b.miner = m
	ctx, stop := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	b.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
}

func (b *bench) tip() consensus.State { return b.chain.View().Tip() }

// rival adds a block that somebody else mined.
func (b *bench) rival() *coin.Block {
	b.t.Helper()
	b.tag++
	blk := chaintest.Build(b.tip(), chaintest.Plan{Tag: b.tag, Time: max(uint32(time.Now().Unix()), b.tip().EarliestTime())})
	if err := b.chain.Submit(blk); err != nil {
		b.t.Fatal(err)
	}
	return blk
}

// fund mines n mature coins.
func (b *bench) fund(n int) {
	b.t.Helper()
	for range n {
		b.funds = append(b.funds, chaintest.Coinbase(b.rival()))
	}
	for range b.chain.Params().Maturity {
		b.rival()
	}
}

// pay puts a payment with a fee of 1000 into the pool.
func (b *bench) pay() *coin.Tx {
	b.t.Helper()
	tx := chaintest.Pay(b.funds[:1], coin.TxOut{Value: b.funds[0].Value - 1000, Script: chaintest.Anyone()})
	b.funds = b.funds[1:]
	if err := b.pool.Accept(tx); err != nil {
		b.t.Fatal(err)
	}
	return tx
}

// recorder is a Search that finds nothing and tells what it is asked for.
type recorder struct {
	asked   chan coin.Header
	threads int
	limit   float64
}

func newRecorder() *recorder { return &recorder{asked: make(chan coin.Header, 1000)} }

func (r *recorder) Search(ctx context.Context, h coin.Header, _ *big.Int) (coin.Header, bool) {
	r.asked <- h
	<-ctx.Done()
	return h, false
}

func (r *recorder) Tune(threads int, limit float64) { r.threads, r.limit = threads, limit }

func (r *recorder) Hashes() uint64 { return 0 }

// settled waits until everything has come to rest and returns what the search was asked for meanwhile.
func (r *recorder) settled() (headers []coin.Header) {
	synctest.Wait()
	for len(r.asked) > 0 {
		headers = append(headers, <-r.asked)
	}
	return headers
}

func poisson(seed uint64, rate float64) *Poisson {
	return NewPoisson(rand.New(rand.NewPCG(seed, 0)), rate)
}
