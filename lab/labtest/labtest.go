// Package labtest starts a whole network inside a test: a tracker and peers with wallets, on loopback and in memory, on
// a network of their own where a block takes a few hashes.
//
//	func TestMyApp(t *testing.T) {
//		n := labtest.Start(t, lab.Options{Peers: 2})
//		n.Mine(0, 11)                       // Peer1 mines eleven cheeses: the first reward is mature
//		txid := n.Pay(0, 1, 3*coin.Coin)    // Peer1 pays Peer2
//		n.Mine(1, 1)                        // Peer2 mines it
//		n.Agree()                           // all tips are the same
//		url := n.Peers[0].Ready().RPC       // Bitcoin Core's JSON-RPC
//	}
//
// Nobody mines unless told to.
package labtest

import (
	"context"
	"testing"
	"time"

	"cheese/coin"
	"cheese/lab"
	"cheese/node"
	"cheese/p2p"
)

// Patience is how long Network's methods wait for what they promise before they fail the test.
const Patience = 30 * time.Second

// Network is a running lab that ends with its test.
type Network struct {
	*lab.Lab
	t testing.TB
}

// Params returns the network that Start uses unless told otherwise: fixed difficulty, two hashes a block, rewards of
// 50 CHZ that mature after 10 blocks.
func Params(t testing.TB) *coin.Params {
	t.Helper()
	f := &coin.NetworkFile{Name: "labtest", Message: t.Name()[:min(len(t.Name()), 60)], Time: uint32(time.Now().AddDate(0, 0, -30).Unix()), Spacing: 1,
		FirstHashes: 2, FixedDifficulty: true, Subsidy: "50", HalvingInterval: 100_000, Maturity: 10, Prefix: "chz",
		P2PPort: 23456, HTTPPort: 8451, TrackerPort: 5656}
	if err := f.Mine(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := f.Params()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Start opens and runs a lab until the test ends, and waits until all peers are connected to each other (unless
// o.Classic). Without o.Params it runs on Params' network with the miners off and the wallets empty.
func Start(t testing.TB, o lab.Options) *Network {
	t.Helper()
	if o.Params == nil {
		o.Params, o.NoMine, o.NoFunds = Params(t), true, true
	}
	l, err := lab.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the lab ended with: %v", err)
		}
	})
	n := &Network{Lab: l, t: t}
	if !o.Classic {
		n.Connected()
	}
	return n
}

// Node returns the i-th peer's node, from 0.
func (n *Network) Node(i int) *node.Node { return n.Peers[i].Node }

// Eventually waits until ok returns true, and fails the test with what was waited for if it does not.
func (n *Network) Eventually(what string, ok func() bool) {
	n.t.Helper()
	for end := time.Now().Add(Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			n.t.Fatalf("after %v still not: %s", Patience, what)
		}
	}
}

// Connected waits until every peer is connected to every other one.
func (n *Network) Connected() {
	n.t.Helper()
	for _, p := range n.Peers {
		n.Eventually(p.Node.Name+" is connected to all", func() bool {
			names := map[string]bool{}
			for _, c := range p.Node.P2P.Peers() {
				if c.State == p2p.Ready {
					names[c.Name] = true
				}
			}
			return len(names) == len(n.Peers)-1
		})
	}
}

// Mine lets the i-th peer mine blocks that pay its wallet, and returns their hashes.
func (n *Network) Mine(i, blocks int) []coin.Hash {
	n.t.Helper()
	nd := n.Node(i)
	script, err := nd.Wallet.PayToScript()
	if err != nil {
		n.t.Fatal(err)
	}
	hashes, err := nd.Miner.Generate(n.t.Context(), script, blocks, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	return hashes
}

// Pay pays from one peer's wallet to another's, over the peer-to-peer connection, and waits until all peers' pools hold
// the transaction.
func (n *Network) Pay(from, to int, amount coin.Amount) coin.Hash {
	n.t.Helper()
	script, err := n.Node(to).Wallet.PayToScript()
	if err != nil {
		n.t.Fatal(err)
	}
	sent, err := n.Node(from).Pay(n.t.Context(), node.Payment{To: script, Amount: amount})
	if err != nil {
		n.t.Fatal(err)
	}
	id := sent.Tx.ID()
	n.Waiting(id)
	return id
}

// Waiting waits until all peers' pools hold the transaction.
func (n *Network) Waiting(id coin.Hash) {
	n.t.Helper()
	for _, p := range n.Peers {
		n.Eventually(p.Node.Name+" holds the transaction", func() bool { return p.Node.Pool.View().Has(id) })
	}
}

// Agree waits until all peers have the same tip, and returns it.
func (n *Network) Agree() coin.Hash {
	n.t.Helper()
	tip := func(i int) coin.Hash { s := n.Node(i).Chain.View().Tip(); return s.Hash() }
	n.Eventually("all peers have the same tip", func() bool {
		for i := range n.Peers {
			if tip(i) != tip(0) {
				return false
			}
		}
		return true
	})
	return tip(0)
}
