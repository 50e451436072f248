package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"cheese/coin"
	"cheese/p2p/msg"
)

// maxProbeMessages is how many messages may come before the version; a well-behaved peer sends it first.
const maxProbeMessages = 4

// Identity is what a peer says of itself in its version message. All of it is a claim.
type Identity struct {
	Name     string // from the user agent's comment, made printable
	Agent    string // made printable
	Height   int32  // of its best block
	Services uint64
	Version  uint32 // protocol version
}

// Probe finds out over a fresh connection whether a peer of the network is at its other end: it sends a version message and
// waits, until ctx ends, for the peer's. It neither goes on with the handshake nor closes nc. The error is an
// ErrWrongNetwork, ErrTimeout or ErrHandshake, or the network's own.
func Probe(ctx context.Context, nc net.Conn, p *coin.Params, version string, now time.Time) (Identity, error) {
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	v, err := probe(nc, p, version, now)
	var magic *msg.MagicError
	switch {
	case err == nil:
		return Identity{Name: agentName(v.Agent), Agent: printable(v.Agent), Height: v.Height, Services: v.Services, Version: v.Version}, nil
	case ctx.Err() != nil:
		return Identity{}, fmt.Errorf("%w: no version message", ErrTimeout)
	case errors.As(err, &magic):
		return Identity{}, fmt.Errorf("%w: its messages start with %x", ErrWrongNetwork, magic.Got)
	case errors.Is(err, io.EOF), isReset(err):
		return Identity{}, fmt.Errorf("%w: %w", ErrHandshake, errClosed)
	}
	return Identity{}, err
}

func probe(nc net.Conn, p *coin.Params, version string, now time.Time) (*msg.Version, error) {
	// The nonce stays zero, which is nobody's: two probes at once are not taken for one node that dials twice.
	hello := &msg.Version{Version: msg.Version70016, Time: now.Unix(), Agent: "/cheese-probe:" + cleanName(version) + "/", NoRelay: true}
	if _, err := nc.Write(msg.Frame(p.Magic, hello)); err != nil {
		return nil, err
	}
	for range maxProbeMessages {
		command, payload, err := msg.Read(nc, p.Magic)
		if err != nil {
			return nil, err
		}
		m, err := msg.Decode(command, payload)
		if err != nil && !errors.Is(err, msg.ErrUnknown) {
			return nil, err
		}
		if v, ok := m.(*msg.Version); ok {
			return v, nil
		}
	}
	return nil, fmt.Errorf("%w: no version among the first messages", ErrHandshake)
}
