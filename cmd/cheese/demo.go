package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/tabwriter"

	"cheese/chain"
	"cheese/coin"
	"cheese/lab"

	"github.com/cockroachdb/pebble/v2/vfs"
)

type demoCmd struct {
	Peers    int     `help:"How many peers race." default:"3"`
	Classic  bool    `help:"As in the original exercise: peers connect only by the buttons, and a cheese is mined only when three transactions wait."`
	Open     bool    `help:"Open every peer's window in the browser."`
	JSON     bool    `name:"json" help:"Print one line of JSON with every URL, port, token and cookie path instead of the tables."`
	Memory   bool    `help:"Keep nothing on disk."`
	DataDir  string  `help:"Where the demo is kept (default: .cheese/_demo in your home folder)." type:"path" placeholder:"DIR"`
	Fresh    bool    `help:"Delete what an earlier demo left in the data directory and start anew."`
	Network  string  `help:"A network file, instead of a fresh demo network." type:"existingfile" placeholder:"FILE"`
	HashRate float64 `help:"Hashes per second of all peers together." default:"45000"`

	Host        string `help:"Address that peers, tracker and windows listen on." default:"127.0.0.1"`
	P2PPort     uint16 `name:"p2p-port" help:"Port of the first peer; the others take the next ones; 0: free ones." default:"23456"`
	HTTPPort    uint16 `name:"http-port" help:"Port of the first peer's window; the others take the next ones; 0: free ones." default:"8451"`
	TrackerPort uint16 `name:"tracker-port" help:"Port of the tracker; 0: a free one." default:"5656"`
	logFlags    `embed:""`
}

func (c *demoCmd) Run(ctx context.Context, out *output) error {
	if err := c.check(); err != nil {
		return err
	}
	params, err := c.network()
	if err != nil {
		return err
	}
	dir, release, err := c.dir()
	if err != nil {
		return err
	}
	defer release()
	terminal, seen := c.handler(out), 0
	l, err := lab.Open(ctx, lab.Options{Peers: c.Peers, Params: params, Dir: dir, Classic: c.Classic, HashRate: c.HashRate, Version: programVersion(),
		Host: c.Host, P2PPort: c.P2PPort, HTTPPort: c.HTTPPort, TrackerPort: c.TrackerPort,
		Logger: func(name string) *slog.Logger { seen++; return slog.New(label(terminal, name, seen, out)) }})
	var field *coin.FieldError
	if errors.As(err, &field) || errors.Is(err, chain.ErrOtherNetwork) {
		return fmt.Errorf("%w: --fresh starts anew, --data-dir chooses another place", err)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(out.out).Encode(l.Ready())
	} else {
		err = c.table(out, l)
	}
	if err != nil {
		l.Close()
		return err
	}
	if c.Open {
		var urls []string
		for _, p := range l.Peers {
			urls = append(urls, p.Ready().Window)
		}
		defer browse(ctx, out, urls...)()
	}
	return l.Run(ctx)
}

func (c *demoCmd) network() (*coin.Params, error) {
	if c.Network == "" {
		return nil, nil
	}
	return loadNetwork(c.Network)
}

// check says what is wrong with the flags before anything is opened.
func (c *demoCmd) check() error {
	if c.Peers < 1 || c.Peers > lab.MaxPeers {
		return fmt.Errorf("--peers %d: a demo has 1 to %d peers", c.Peers, lab.MaxPeers)
	}
	if !(c.HashRate >= 1 && c.HashRate <= maxDemoHashRate) {
		return fmt.Errorf("--hash-rate %v: from 1 to %d hashes per second are possible", c.HashRate, maxDemoHashRate)
	}
	for _, first := range []struct {
		flag string
		port uint16
	}{{"--p2p-port", c.P2PPort}, {"--http-port", c.HTTPPort}} {
		if last := int(first.port) + c.Peers - 1; first.port != 0 && last > math.MaxUint16 {
			return fmt.Errorf("%s %d: %d peers would need ports up to %d, and there are only %d", first.flag, first.port, c.Peers, last, math.MaxUint16)
		}
	}
	l, err := lab.Sockets{}.Listen(net.JoinHostPort(c.Host, "0"))
	if err != nil {
		return fmt.Errorf("--host %q is no address of this machine that can be listened on: %w", c.Host, err)
	}
	return l.Close()
}

// maxDemoHashRate bounds what a demo may be asked to hash: the blocks that pay its peers take a hundred seconds of it,
// and are mined without a limit before the demo starts.
const maxDemoHashRate = 1_000_000

// folder returns where a demo is kept under .cheese: in a folder that no network's name can take, since a peer keeps its
// wallet in one of its network's name, and in another one for each network.
func (c *demoCmd) folder() string {
	if c.Network == "" {
		return "_demo"
	}
	return "_demo-" + strings.TrimSuffix(filepath.Base(c.Network), filepath.Ext(c.Network))
}

// demoLock is the file by which one process at a time has a demo's directory.
const demoLock = "demo.lock"

// dir returns the directory that the demo is kept in, held for this process until release is called; "" for none.
func (c *demoCmd) dir() (dir string, release func() error, err error) {
	if c.Memory {
		return "", func() error { return nil }, nil
	}
	if dir, err = orHome(c.DataDir, c.folder()); err != nil {
		return "", nil, err
	}
	if err := makeDir(dir); err != nil {
		return "", nil, err
	}
	path := filepath.Join(dir, demoLock)
	_, statErr := os.Stat(path)
	strange := errors.Is(statErr, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, fmt.Errorf("cannot keep a demo there, choose another directory with --data-dir: %w", err)
	}
	f.Close() // only to tell a directory that cannot be written from one that is held
	lock, err := vfs.Default.Lock(path)
	if err != nil {
		return "", nil, fmt.Errorf("another demo runs on %s: stop that one, or choose another directory with --data-dir", dir)
	}
	if c.Fresh {
		if err := clearDemo(dir, strange); err != nil {
			return "", nil, errors.Join(err, lock.Close())
		}
	}
	return dir, lock.Close, nil
}

var demoPeer = regexp.MustCompile(`^Peer[0-9]+$`)

// clearDemo deletes only what a demo made, so that a mistyped folder loses nothing else. A folder in which no demo ever
// ran (it is strange) must hold nothing that could be a peer's.
func clearDemo(dir string, strange bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("start anew: %w", err)
	}
	for _, e := range entries {
		if e.Name() != "network.json" && !(e.IsDir() && demoPeer.MatchString(e.Name())) {
			continue
		}
		if strange {
			return fmt.Errorf("start anew: %s holds %s, but no demo ever ran there, so nothing is deleted: choose another directory with --data-dir", dir, e.Name())
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("start anew: %w", err)
		}
	}
	return nil
}

func (c *demoCmd) table(out *output, l *lab.Lab) error {
	fmt.Fprintf(out.out, "\nBlue Cheese is served: network %q, tracker and its page at %s\n\n", l.Params.Name, l.TrackerURL)
	// Two narrow tables, since a URL that wraps at the terminal's edge cannot be clicked.
	w := tabwriter.NewWriter(out.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PEER\tWINDOW (open it in a browser)")
	for _, p := range l.Peers {
		fmt.Fprintf(w, "%s\t%s\n", p.Node.Name, p.Ready().Window)
	}
	fmt.Fprintln(w, "\nPEER\tP2P\tBALANCE\tWALLET ADDRESS")
	for _, p := range l.Peers {
		r := p.Ready()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Name, r.P2P, p.Node.Money(r.Balance), r.Address)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out.out, "\nRecovery words (play money: everybody knows them; peer N has account N-1):\n  %s\n", lab.DemoMnemonic)
	next := "Watch them race. Ctrl-C ends it; the next `cheese demo` carries on from here, `cheese demo --fresh` starts anew."
	if c.Memory {
		next = "Watch them race. Ctrl-C ends it, and nothing is kept."
	}
	if c.Classic {
		next = strings.Replace(next, "Watch them race.", "In each window: peer list, connect peers, create transaction. Three waiting transactions start the race.", 1)
	}
	_, err := fmt.Fprintf(out.out, "\n%s\n\n", next)
	return err
}
