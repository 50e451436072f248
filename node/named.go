package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cheese/p2p"
)

// maxNamed bounds the addresses that a user can name to keep connected to.
const maxNamed = 64

// Why AddNode and RemoveNode refuse.
var (
	ErrNodeAdded    = errors.New("this address was added before")
	ErrNodeNotAdded = errors.New("this address was not added before")
	ErrTooManyNodes = fmt.Errorf("at most %d addresses can be added", maxNamed)
)

// namedPeers are the addresses that the user named to keep connected to, on the command line or later.
type namedPeers struct {
	mu    sync.Mutex
	addrs []string
	bell  chan struct{} // closed at the next addition; nil until somebody waits
}

// list returns the addresses and a channel that is closed when one is added.
func (n *namedPeers) list() ([]string, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bell == nil {
		n.bell = make(chan struct{})
	}
	return slices.Clone(n.addrs), n.bell
}

func (n *namedPeers) add(addr string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case slices.Contains(n.addrs, addr):
		return ErrNodeAdded
	case len(n.addrs) >= maxNamed:
		return ErrTooManyNodes
	}
	n.addrs = append(n.addrs, addr)
	if n.bell != nil {
		close(n.bell)
		n.bell = nil
	}
	return nil
}

func (n *namedPeers) remove(addr string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.Index(n.addrs, addr)
	if i < 0 {
		return ErrNodeNotAdded
	}
	n.addrs = slices.Delete(n.addrs, i, i+1)
	return nil
}

// AddNode adds an address to those that the peer keeps connected to; ErrNodeAdded where it is one, ErrTooManyNodes
// where there are too many. It does not wait for the connection.
func (n *Node) AddNode(addr string) error { return n.named.add(addr) }

// RemoveNode takes an address back that AddNode or the configuration has added; ErrNodeNotAdded where none has. A
// connection that is there stays.
func (n *Node) RemoveNode(addr string) error { return n.named.remove(addr) }

// reconnectEvery is how long a peer named by the user that could not be reached waits for the next try.
const reconnectEvery = 10 * time.Second

// keepConnected connects to the addresses the user named, and again whenever a connection is lost.
func (n *Node) keepConnected(ctx context.Context) error {
	for ctx.Err() == nil {
		addrs, added := n.named.list()
		var dials sync.WaitGroup
		for _, addr := range addrs {
			dials.Go(func() { n.connectNamed(ctx, addr) })
		}
		dials.Wait()
		var again <-chan time.Time
		if len(addrs) > 0 {
			again = time.After(reconnectEvery)
		}
		select {
		case <-ctx.Done():
		case <-added:
		case <-again:
		}
	}
	return nil
}

func (n *Node) connectNamed(ctx context.Context, addr string) {
	if err := n.P2P.Connect(ctx, addr); err != nil && ctx.Err() == nil && !errors.Is(err, p2p.ErrAlreadyConnected) {
		n.log.Warn("cannot connect", "addr", addr, "error", err)
	}
}
