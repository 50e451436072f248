package p2p

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/mempool"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config is what a Node is made of. Params, Chain, Pool, Dial, Now and Logger are required.
type Config struct {
	Params *coin.Params
	Chain  *chain.Chain
	Pool   *mempool.Pool

	Listener net.Listener // nil: no inbound connections. Run closes it.
	// Dial opens a connection to "host:port". It must return when ctx ends.
	Dial func(ctx context.Context, addr string) (net.Conn, error)

	Name    string // shown to others as a BIP 14 comment in the user agent; may be empty
	Version string // of the program, such as "0.1.0"
	Now     func() time.Time
	Seed    [32]byte // of every random choice
	Logger  *slog.Logger

	FS       vfs.FS // where the address book is kept; nil: nowhere
	BookFile string // its path, such as "<datadir>/peers.json"

	MaxInbound  int // 0: 117, as Bitcoin Core
	MaxOutbound int // connections that AutoConnect keeps up besides the inbound ones, however many; 0: 8
	AutoConnect bool

	// PayTo returns an output script for a peer that asks for an address to pay to; nil: such requests go unanswered.
	PayTo func() ([]byte, error)
	// Tap, where set, sees every message. It is called from many goroutines and must not block.
	Tap func(TapEvent)
}

// TapEvent describes one message on the wire.
type TapEvent struct {
	Time    time.Time
	PeerID  int64
	Inbound bool // received rather than sent
	Command string
	Size    int // bytes, the 24 of the header included
}

// PeerState is how far a connection has come.
type PeerState string

// The states of a connection.
const (
	Handshaking PeerState = "handshaking"
	Ready       PeerState = "ready"
)

// PeerInfo describes a connection.
type PeerInfo struct {
	ID      int64
	Addr    string // remote socket address
	Listen  string // the address at which the peer itself takes connections, "" if unknown; of an inbound peer only its claim
	Name    string // as claimed in the user agent's comment, made printable; may be empty
	Agent   string // made printable
	Inbound bool
	Manual  bool // asked for with Connect
	State   PeerState

	Height     int32         // of the best block the peer is known to have, its claim at the handshake until then
	BestKnown  coin.Hash     // that block; zero if only claimed
	Ping       time.Duration // last round trip; 0: not measured yet
	MinPing    time.Duration
	Since      time.Time
	LastSend   time.Time
	LastRecv   time.Time
	BytesSent  int64
	BytesRecv  int64
	Services   uint64
	Version    uint32 // protocol version
	Nonce      uint64
	TimeOffset time.Duration // the peer's clock minus ours at the handshake
	CanPay     bool          // answers AskPayment
	InFlight   int           // blocks asked for and not here yet
}

// Why Connect, AskPayment or Disconnect failed, for errors.Is.
var (
	ErrAlreadyConnected = errors.New("already connected to this peer")
	ErrSelf             = errors.New("that is this peer itself")
	ErrRefused          = errors.New("connection refused")
	ErrTimeout          = errors.New("no answer in time")
	ErrWrongNetwork     = errors.New("the other side is on another network")
	ErrHandshake        = errors.New("the handshake failed")
	ErrNoPeer           = errors.New("no such peer")
	ErrBusy             = errors.New("too many such requests are waiting already")
	ErrCannotPay        = errors.New("the peer does not answer payment requests")
	ErrStopped          = errors.New("the node is not running")
)
