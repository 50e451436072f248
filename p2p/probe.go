package p2p

import (
	"context"
	"fmt"
	"net"
	"time"

	"cheese/coin"
	"cheese/p2p/msg"
)

// Identity is what a node says of itself in its version message. All of it is a claim.
type Identity struct {
	Name   string // of a cheese peer, made printable; may be empty
	Agent  string // made printable
	Height int32
}

// Probe asks a node on the other end of conn who it is and goes away: it speaks half of the handshake, so that the
// node never counts it as a peer. An error means that nobody there speaks this network's protocol in time.
func Probe(ctx context.Context, conn net.Conn, p *coin.Params, version string, now time.Time) (Identity, error) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	hello := &msg.Version{Version: msg.Version70016, Time: now.Unix(), Nonce: uint64(now.UnixNano()), Agent: "/cheese-probe:" + cleanName(version) + "/"}
	if _, err := conn.Write(msg.Frame(p.Magic, hello)); err != nil {
		return Identity{}, fmt.Errorf("say hello: %w", err)
	}
	for range 10 { // the version comes first; what else may come before it is a node's own affair
		command, payload, err := msg.Read(conn, p.Magic)
		if err != nil {
			return Identity{}, fmt.Errorf("no handshake of network %q: %w", p.Name, err)
		}
		m, err := msg.Decode(command, payload)
		if v, ok := m.(*msg.Version); ok && err == nil {
			return Identity{Name: agentName(v.Agent), Agent: printable(v.Agent), Height: v.Height}, nil
		}
	}
	return Identity{}, fmt.Errorf("no version message came")
}
