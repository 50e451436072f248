package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"cheese/coin"
	"cheese/node"
	"cheese/rpc"
	"cheese/web"
)

// PeerConfig is a peer with its doors for people and programs. Node.Dir is a real folder unless Node.FS is set.
type PeerConfig struct {
	Node node.Config
	HTTP net.Listener // the window and the RPC; nil: neither
}

// Peer is a node with its window and its RPC.
type Peer struct {
	Node  *node.Node
	Token string // lets a browser into the window

	http   net.Listener
	dir    string // "": nothing is written for programs to find the doors
	auth   rpc.Credentials
	log    *slog.Logger
	server *web.Server
}

// Ready is what a program needs to use a peer that has started, one JSON line on its standard output with --json and
// the file ReadyFile in its data directory.
type Ready struct {
	Name        string      `json:"name"`
	Network     string      `json:"network"`
	Window      string      `json:"window"` // URL with token
	Token       string      `json:"token"`
	RPC         string      `json:"rpc"` // URL
	RPCUser     string      `json:"rpcuser"`
	RPCPassword string      `json:"rpcpassword"`
	Cookie      string      `json:"cookie,omitempty"` // file with user:password; none with --memory
	P2P         string      `json:"p2p"`
	Address     string      `json:"address"` // of the wallet
	Balance     coin.Amount `json:"balance"` // spendable, in crumbs
	DataDir     string      `json:"datadir,omitempty"`
	PID         int         `json:"pid"`
}

// Files in a data directory that programs find a running peer by.
const (
	CookieFile = ".cookie"
	ReadyFile  = "ready.json"
)

// OpenPeer opens a peer; nothing runs until Run.
func OpenPeer(cfg PeerConfig) (*Peer, error) {
	n, err := node.Open(cfg.Node)
	if err != nil {
		return nil, err
	}
	p := &Peer{Node: n, Token: web.NewToken(), http: cfg.HTTP, auth: newCookie(), log: n.Logger()}
	if cfg.Node.FS == nil {
		p.dir = cfg.Node.Dir
	}
	door := rpc.New(n, p.auth)
	p.server = web.New(web.Config{Node: n, Token: p.Token, RPC: door, Inside: door.Inside(), Logger: p.log})
	if err := p.writeFiles(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return p, nil
}

// newCookie returns credentials as Bitcoin Core's cookie file has them.
func newCookie() rpc.Credentials {
	var b [32]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return rpc.Credentials{User: "__cookie__", Password: hex.EncodeToString(b[:])}
}

// Ready tells where the peer's doors are.
func (p *Peer) Ready() Ready {
	r := Ready{Name: p.Node.Name, Network: p.Node.Params.Name, Token: p.Token, RPCUser: p.auth.User, RPCPassword: p.auth.Password,
		DataDir: p.dir, PID: os.Getpid(), Balance: p.Node.Wallet.Balance().Spendable}
	r.Address, _ = p.Node.Wallet.Address()
	if at := p.Node.ListenAddr(); at.IsValid() {
		r.P2P = at.String()
	}
	if p.http != nil {
		r.Window, r.RPC = web.URL(p.http.Addr(), p.Token), web.RPCURL(p.http.Addr())
	}
	if p.dir != "" {
		r.Cookie = filepath.Join(p.dir, CookieFile)
	}
	return r
}

// writeFiles leaves the cookie and the ready file, which only the user may read.
func (p *Peer) writeFiles() error {
	if p.dir == "" {
		return nil
	}
	ready, err := json.MarshalIndent(p.Ready(), "", "  ")
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{CookieFile: []byte(p.auth.User + ":" + p.auth.Password), ReadyFile: append(ready, '\n')} {
		path := filepath.Join(p.dir, name)
		os.Remove(path) // an old one may have other permissions
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

func (p *Peer) removeFiles() {
	if p.dir != "" {
		os.Remove(filepath.Join(p.dir, CookieFile))
		os.Remove(filepath.Join(p.dir, ReadyFile))
	}
}

// Close closes a peer that never ran; Run does so itself.
func (p *Peer) Close() {
	p.removeFiles()
	p.Node.Close()
	p.Node.CloseListener()
	if p.http != nil {
		p.http.Close()
	}
}

// Run runs the peer until ctx ends, its RPC is told to stop, or it fails; it returns after everything has ended.
func (p *Peer) Run(ctx context.Context) error {
	defer p.removeFiles()
	if p.http == nil {
		return p.Node.Run(ctx)
	}
	return p.Node.Run(ctx, func(ctx context.Context) error { return p.server.Serve(ctx, p.http) })
}
