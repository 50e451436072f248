package miner

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"cheese/coin"
	"cheese/consensus"
)

// TestMinesABlock: the block pays subsidy and fees, bears the name, and holds what waited.
func TestMinesABlock(t *testing.T) {
	story(t, func(t *testing.T, b *bench) {
		b.fund(2)
		paid := []*coin.Tx{b.pay(), b.pay()}
		b.start(Config{Name: "Peer1"})
		blk := <-b.found
		b.miner.SetOn(false)
		height := int32(5)
		if got, want := blk.Txs[0].Out[0].Value, consensus.Subsidy(b.chain.Params(), height)+2000; got != want {
			t.Errorf("the block pays %v, want %v", got, want)
		}
		if name := MinerName(blk.Txs[0]); name != "Peer1" {
			t.Errorf("the block is by %q", name)
		}
		if len(blk.Txs) != 3 || blk.Txs[1].ID() != paid[0].ID() || blk.Txs[2].ID() != paid[1].ID() {
			t.Errorf("the block holds %d transactions", len(blk.Txs))
		}
		if !b.chain.View().Contains(blk.Hash()) || b.pool.View().Len() != 0 {
			t.Error("the block is not on the chain, or the pool did not notice")
		}
		synctest.Wait()
		if s := b.miner.Stats(); s.Mined < 1 || s.On {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestNewTip: another's block ends the search at once.
func TestNewTip(t *testing.T) {
	story(t, func(t *testing.T, b *bench) {
		search := newRecorder()
		b.start(Config{Search: search})
		search.settled()
		before := time.Now()
		blk := b.rival()
		headers := search.settled()
		if len(headers) != 1 || headers[0].Prev != blk.Hash() || !time.Now().Equal(before) {
			t.Errorf("after a new tip the search is for %+v", headers)
		}
	})
}

// TestBetterTemplate: the pool's changes reach the search within a second, and not more often.
func TestBetterTemplate(t *testing.T) {
	story(t, func(t *testing.T, b *bench) {
		b.fund(10)
		time.Sleep(time.Minute) // the blocks' times ran ahead of the clock
		search := newRecorder()
		b.start(Config{Search: search})
		first := search.settled()
		for range 10 {
			b.pay()
			time.Sleep(50 * time.Millisecond)
		}
		if headers := search.settled(); len(headers) > 0 {
			t.Errorf("%d new searches within half a second", len(headers))
		}
		time.Sleep(time.Second)
		headers := search.settled()
		if len(headers) != 1 || headers[0].Merkle == first[0].Merkle {
			t.Errorf("after a second the searches are %+v", headers)
		}
	})
}

// TestTimeRolls: each second the header gets the new time, and nothing else changes.
func TestTimeRolls(t *testing.T) {
	story(t, func(t *testing.T, b *bench) {
		search := newRecorder()
		b.start(Config{Search: search})
		time.Sleep(5500 * time.Millisecond)
		headers := search.settled()
		if len(headers) != 6 {
			t.Fatalf("%d searches in five seconds", len(headers))
		}
		for i, h := range headers {
			if want := headers[0].Time + uint32(i); h.Time != want || h.Merkle != headers[0].Merkle {
				t.Errorf("search %d has time %d, want %d", i, h.Time, want)
			}
		}
	})
}

// TestClassic: it mines only while three transactions wait.
func TestClassic(t *testing.T) {
	story(t, func(t *testing.T, b *bench) {
		b.fund(3)
		b.start(Config{WaitFor: 3, Search: poisson(4, 10)})
		for range 2 {
			b.pay()
			time.Sleep(10 * time.Second)
			synctest.Wait()
		}
		if s := b.miner.Stats(); len(b.found) > 0 || !s.Waiting || s.WaitFor != 3 {
			t.Fatalf("%d blocks with two transactions, stats %+v", len(b.found), s)
		}
		b.pay()
		blk := <-b.found
		time.Sleep(10 * time.Second)
		if synctest.Wait(); len(blk.Txs) != 4 || len(b.found) > 0 {
			t.Errorf("a block of %d transactions, and %d more blocks", len(blk.Txs), len(b.found))
		}
	})
}

// TestSwitches turns mining off and on and tunes it while it runs.
func TestSwitches(t *testing.T) {
	story(t, func(t *testing.T, b *bench) {
		search := newRecorder()
		b.start(Config{Search: search, Threads: 2, Limit: 100})
		search.settled()
		if search.threads != 2 || search.limit != 100 {
			t.Errorf("%d threads, limit %v", search.threads, search.limit)
		}
		b.miner.SetOn(false)
		bell := b.miner.Changed()
		time.Sleep(10 * time.Second)
		if headers := search.settled(); len(headers) > 0 {
			t.Errorf("%d searches while off", len(headers))
		}
		b.miner.SetThreads(3)
		b.miner.SetLimit(16_000)
		select {
		case <-bell:
		default:
			t.Error("no ring")
		}
		if s := b.miner.Stats(); search.threads != 3 || search.limit != 16_000 || s.Threads != 3 || s.Limit != 16_000 {
			t.Errorf("%d threads, limit %v, stats %+v", search.threads, search.limit, s)
		}
		b.miner.SetOn(true)
		if headers := search.settled(); len(headers) != 1 {
			t.Errorf("%d searches when switched on", len(headers))
		}
	})
}

// TestNoAddress: a wallet that cannot give an address stops mining until it can.
func TestNoAddress(t *testing.T) {
	story(t, func(t *testing.T, b *bench) {
		search := newRecorder()
		b.start(Config{Search: search})
		search.settled()
		b.miner.SetOn(false)
		search.settled()
		good := b.miner.c.PayTo
		b.miner.c.PayTo = func() ([]byte, error) { return nil, errors.New("locked") }
		b.miner.SetOn(true)
		if headers := search.settled(); len(headers) > 0 {
			t.Errorf("%d searches without an address", len(headers))
		}
		b.miner.SetOn(false)
		synctest.Wait()
		b.miner.c.PayTo = good
		b.miner.SetOn(true)
		if headers := search.settled(); len(headers) != 1 {
			t.Errorf("%d searches with one", len(headers))
		}
	})
}

// TestRace: three miners in virtual time share the blocks by hash rate, and blocks come as fast as they should.
func TestRace(t *testing.T) {
	story(t, func(t *testing.T, b *bench) {
		const rate = 0.2 // hashes per second: a regtest block takes two
		b.start(Config{Search: poisson(1, rate), Name: "Peer1"})
		one := b.miner
		b.start(Config{Search: poisson(2, 2*rate), Name: "Peer2"})
		const blocks = 300
		started, wins := time.Now(), map[string]int{}
		for range blocks {
			blk := <-b.found
			wins[MinerName(blk.Txs[0])]++
		}
		spacing := time.Since(started).Seconds() / blocks
		if want := 2 / (3 * rate); spacing < want*0.8 || spacing > want*1.2 {
			t.Errorf("a block each %.2f s, want about %.2f", spacing, want)
		}
		if share := float64(wins["Peer1"]) / blocks; share < 0.25 || share > 0.42 {
			t.Errorf("Peer1 with a third of the hash rate won %.0f%%", 100*share)
		}
		if got := one.Stats().HashRate; got < rate*0.8 || got > rate*1.2 {
			t.Errorf("Peer1 measures %.3f hashes a second, makes %v", got, rate)
		}
	})
}
