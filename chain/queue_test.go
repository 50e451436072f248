package chain_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/chain"
	"cheese/chain/chaintest"
	"cheese/coin"
)

// While one verdict is not taken, the queue fills; then AddBlock waits; Close answers all that is queued.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := chaintest.New(t)
		blocks := h.Fork(h.Tip(), 40)
		taken := make(chan struct{})
		h.Chain.AddBlock(blocks[0], func(error) { <-taken })
		var mu sync.Mutex
		queued, verdicts, closed := 0, 0, 0
		go func() {
			for _, b := range blocks[1:] {
				h.Chain.AddBlock(b, func(err error) {
					mu.Lock()
					defer mu.Unlock()
					verdicts++
					if errors.Is(err, chain.ErrClosed) {
						closed++
					}
				})
				mu.Lock()
				queued++
				mu.Unlock()
			}
		}()
		synctest.Wait()
		mu.Lock()
		if queued == 0 || queued > 20 || verdicts != 0 {
			t.Errorf("%d blocks queued, %d verdicts", queued, verdicts)
		}
		mu.Unlock()
		done := make(chan error)
		go func() { done <- h.Chain.Close() }()
		synctest.Wait()
		close(taken)
		if err := <-done; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if verdicts != 39 || closed == 0 {
			t.Errorf("%d verdicts, %d of them closed", verdicts, closed)
		}
	})
}

// The timer flushes by virtual time, and a closed chain says so.
func TestTimerFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewCrashableMem()
		h := chaintest.Open(t, chaintest.Params(), fs, chain.Options{FlushEvery: 5 * time.Second})
		blocks := h.Extend(2)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		h.Crash(fs.CrashClone(vfs.CrashCloneCfg{}))
		h.ExpectTip(blocks[1])
	})
}

func TestClosed(t *testing.T) {
	h := chaintest.New(t)
	blocks := h.Extend(40)
	if err := h.Chain.Flush(); err != nil {
		t.Fatal(err)
	}
	v, next := h.Chain.View(), h.Next()
	h.Close()
	if err := h.Chain.Submit(next); !errors.Is(err, chain.ErrClosed) {
		t.Errorf("Submit: %v", err)
	}
	if err := h.Chain.Flush(); !errors.Is(err, chain.ErrClosed) {
		t.Errorf("Flush: %v", err)
	}
	if _, _, err := v.Coin(chaintest.Coinbase(blocks[0]).At); !errors.Is(err, chain.ErrClosed) {
		t.Errorf("Coin: %v", err)
	}
	if e, ok := v.ByHeight(3); !ok || e.Hash != blocks[2].Hash() {
		t.Error("the index no longer answers")
	}
	if err := h.Chain.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// Readers and header senders work beside the owner; the race detector watches.
func TestReadersBesideTheOwner(t *testing.T) {
	h := chaintest.Open(t, chaintest.Params(), vfs.NewMem(), chain.Options{CacheBytes: 5000})
	first := h.Fork(h.Tip(), 60)
	second := h.Fork(h.Tip(), 70)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			var reader follow
			for {
				bell := h.Chain.Changed()
				v := h.Chain.View()
				reader.catchUp(t, v, 7)
				if n := int(v.Tip().Height()); n != len(reader.blocks)-1 {
					t.Errorf("reader is at %d, the view at %d", len(reader.blocks)-1, n)
				}
				dump(t, v)
				v.Tips()
				v.Missing(5)
				v.AfterLocator(v.Locator(v.Tip().Hash()), coin.Hash{}, 2000)
				select {
				case <-bell:
				case <-stop:
					return
				}
			}
		})
	}
	wg.Go(func() {
		for i := range second {
			if err := h.Chain.AddHeaders(headersOf(second[:i+1]...)); err != nil {
				t.Error(err)
			}
		}
	})
	h.Accept(first...)
	h.Accept(second...)
	close(stop)
	wg.Wait()
	h.ExpectTip(second[69])
}

func TestLocator(t *testing.T) {
	h := chaintest.New(t)
	blocks := h.Extend(100)
	side := h.Fork(h.State(blocks[79]), 3)
	h.Accept(side...)
	v := h.Chain.View()
	locator := v.Locator(side[2].Hash())
	if n := len(locator); n > 18 || locator[0] != side[2].Hash() || locator[n-1] != h.Params.Genesis.Hash() {
		t.Errorf("locator of %d blocks from %v", n, locator[0])
	}
	if got := v.AfterLocator(locator, coin.Hash{}, 5); len(got) != 5 || got[0].Hash() != blocks[80].Hash() {
		t.Errorf("%d headers after the fork", len(got))
	}
	if got := v.AfterLocator(locator, blocks[82].Hash(), 2000); len(got) != 3 {
		t.Errorf("%d headers up to the stop", len(got))
	}
	if got := v.AfterLocator([]coin.Hash{{1}}, coin.Hash{}, 2000); len(got) != 100 {
		t.Errorf("%d headers for an unknown locator", len(got))
	}
	if got := v.AfterLocator(nil, side[0].Hash(), 2000); len(got) != 1 || got[0].Hash() != side[0].Hash() {
		t.Errorf("no locator: %d headers", len(got))
	}
	tips := map[string]int32{}
	for _, tip := range v.Tips() {
		tips[tip.Status] = tip.BranchLen
	}
	if len(tips) != 2 || tips["active"] != 0 || tips["valid-headers"] != 3 {
		t.Errorf("tips: %v", tips)
	}
}
