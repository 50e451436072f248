package p2p

import (
	"context"
	"net/netip"
	"time"
)

// Node runs the protocol over sockets. Its methods are safe for concurrent use.
type Node struct {
	cfg Config
}

// New prepares a node; Run starts it.
func New(cfg Config) *Node { return &Node{cfg: cfg} }

// Run serves until ctx ends and returns after everything it started has.
func (n *Node) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Connect dials addr and returns when the handshake is done or has failed, after at most 10 s.
func (n *Node) Connect(ctx context.Context, addr string) error { return ErrStopped }

// Disconnect closes a connection.
func (n *Node) Disconnect(id int64) error { return ErrNoPeer }

// AddAddresses adds to the address book; source says for the log where they come from ("tracker").
func (n *Node) AddAddresses(addrs []netip.AddrPort, source string) {}

// Peers lists the connections, oldest first.
func (n *Node) Peers() []PeerInfo { return nil }

// Changed returns a doorbell that is closed at the next change of what Peers returns.
func (n *Node) Changed() <-chan struct{} { return nil }

// AskPayment asks a peer for an output script to pay to.
func (n *Node) AskPayment(ctx context.Context, id int64) ([]byte, error) { return nil, ErrCannotPay }

// ClockOffset returns the median of the peers' clocks minus ours, and of how many peers.
func (n *Node) ClockOffset() (time.Duration, int) { return 0, 0 }
