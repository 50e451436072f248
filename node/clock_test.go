package node

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"cheese/coin"
)

// TestClockOfANode: what a node does with time follows the clock that it was given.
func TestClockOfANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &Clock{}
		n, err := Open(Config{Params: coin.Regtest(), Name: "bob", Dir: "bob", FS: vfs.NewMem(), NoMine: true, NoWallet: true, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if got := n.Now(); !got.Equal(time.Now()) {
			t.Errorf("a clock never set shows %v", got)
		}
		clock.Set(1_300_000_000)
		if got := n.Now().Unix(); got != 1_300_000_000 {
			t.Errorf("the node's time is %d", got)
		}
		clock.Set(0)
		if got := n.Now(); !got.Equal(time.Now()) {
			t.Errorf("a clock set back shows %v", got)
		}
	})
}

// TestWithoutWallet: a node runs and stops without one, and writes nothing where wallets are kept.
func TestWithoutWallet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		n, err := Open(Config{Params: coin.Regtest(), Name: "bob", Dir: "bob", FS: fs, NoMine: true, NoWallet: true})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(2*time.Minute, n.Stop)
		if err := n.Run(t.Context()); err != nil {
			t.Error(err)
		}
		if names, err := fs.List("bob/wallets"); err == nil {
			t.Errorf("a node without wallet left %v", names)
		}
	})
}
