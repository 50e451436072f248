package labtest_test

import (
	"testing"

	"cheese/coin"
	"cheese/lab"
	"cheese/lab/labtest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTheExample is the README's and the package comment's.
func TestTheExample(t *testing.T) {
	n := labtest.Start(t, lab.Options{Peers: 2})
	n.Mine(0, 11)
	n.Pay(0, 1, 3*coin.Coin)
	n.Mine(1, 1)
	tip := n.Agree()
	if url := n.Peers[0].Ready().RPC; url == "" {
		t.Error("no RPC")
	}
	if got := n.Node(1).Wallet.Balance(); got.Confirmed != 3*coin.Coin || got.Immature <= 50*coin.Coin {
		t.Errorf("Peer2 has %+v at %v", got, tip)
	}
}
