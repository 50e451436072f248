package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"cheese/coin"
	"cheese/lab"
	"cheese/node"
	"cheese/tracker"
	"cheese/wallet"

	"github.com/cockroachdb/pebble/v2/vfs"
)

type peerCmd struct {
	Name    string   `help:"How others see this peer (default: your user name)." placeholder:"NAME"`
	Tracker []string `help:"A tracker's URL, such as http://host:5656; may be given several times." placeholder:"URL"`
	Connect []string `help:"A peer to stay connected to; may be given several times." placeholder:"HOST:PORT"`
	networkFlag
	DataDir string `help:"Where chain and wallet are kept (default: .cheese/NETWORK/NAME in your home folder)." type:"path" placeholder:"DIR"`
	Memory  bool   `help:"Keep nothing on disk."`

	P2P      string  `name:"p2p" help:"Address to listen on for other peers; without it all addresses and the network's port; 'none' for none." placeholder:"HOST:PORT"`
	HTTP     string  `name:"http" help:"Address of the window and the RPC; without it 127.0.0.1 and the network's port; 'none' for none." placeholder:"HOST:PORT"`
	NoMine   bool    `help:"Start with the miner off."`
	Threads  int     `help:"Threads that hash." default:"1"`
	HashRate float64 `help:"Hashes per second at most; 0 for no limit." default:"0"`
	Classic  bool    `help:"As in the original exercise: connect only by the buttons, and mine only when three transactions wait."`

	Passphrase   string `help:"Of the wallet's seed file; better in the environment than on the command line." env:"CHEESE_PASSPHRASE" placeholder:"WORDS"`
	MnemonicFile string `help:"A file with the recovery words to restore a wallet from; '-' reads them from standard input." placeholder:"FILE"`
	JSON         bool   `name:"json" help:"Print one line of JSON with URL, ports, token and cookie path instead of text."`
	Open         bool   `help:"Open the window in the browser."`
	logFlags     `embed:""`
}

// networkFlag chooses the network; every command that needs one embeds it.
type networkFlag struct {
	Network string `help:"The network: cheese, regtest, or a network file." default:"cheese" placeholder:"NAME|FILE"`
}

func (f networkFlag) params() (*coin.Params, error) {
	switch f.Network {
	case "cheese":
		return coin.Cheese(), nil
	case "regtest":
		return coin.Regtest(), nil
	}
	return loadNetwork(f.Network)
}

func loadNetwork(path string) (*coin.Params, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--network is cheese, regtest, or a network file that can be read: %w", err)
	}
	p, err := coin.LoadNetwork(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// orHome returns dir, or the folder of that name under .cheese in the user's home.
func orHome(dir string, under ...string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home folder to keep data in; choose one with --data-dir: %w", err)
	}
	return filepath.Join(append([]string{home, ".cheese"}, under...)...), nil
}

func (c *peerCmd) Run(ctx context.Context, out *output) error {
	params, err := c.params()
	if err != nil {
		return err
	}
	if c.Name == "" {
		c.Name = userName()
	}
	if err := c.check(); err != nil {
		return err
	}
	p, err := c.open(params, out)
	if err != nil {
		return err
	}
	if err := c.announce(out, p); err != nil {
		p.Close()
		return err
	}
	if c.Open {
		defer browse(ctx, out, p.Ready().Window)()
	}
	return p.Run(ctx)
}

// check says what is wrong with the flags before anything is opened.
func (c *peerCmd) check() error {
	if err := node.CheckName(c.Name); err != nil {
		return fmt.Errorf("--name: %w", err)
	}
	for _, url := range c.Tracker {
		if err := tracker.CheckURL(url); err != nil {
			return fmt.Errorf("--tracker: %w", err)
		}
	}
	for _, addr := range c.Connect {
		if err := checkHostPort(addr); err != nil {
			return fmt.Errorf("--connect %q is not HOST:PORT: %w", addr, err)
		}
	}
	if c.Threads < 1 || c.Threads > 256 {
		return fmt.Errorf("--threads %d: from 1 to 256 threads can hash", c.Threads)
	}
	if !(c.HashRate >= 0 && c.HashRate <= math.MaxInt64) {
		return fmt.Errorf("--hash-rate %v: a limit is a number of hashes per second, 0 for none", c.HashRate)
	}
	return nil
}

// checkHostPort says what keeps addr from being a host and a port to connect to.
func checkHostPort(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	var wrong *net.AddrError
	if errors.As(err, &wrong) {
		return errors.New(wrong.Err)
	}
	if err != nil {
		return err
	}
	if host == "" {
		return errors.New("it names no host")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("a port is a number from 1 to %d", math.MaxUint16)
	}
	return nil
}

// makeDir makes a data directory that only the user may look into.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the data directory, choose another with --data-dir: %w", err)
	}
	return nil
}

func (c *peerCmd) open(params *coin.Params, out *output) (*lab.Peer, error) {
	cfg := lab.PeerConfig{Node: node.Config{Params: params, Name: c.Name, Version: programVersion(), Dial: lab.Sockets{}.Dial,
		Trackers: c.Tracker, Connect: c.Connect, Passphrase: c.Passphrase, NoMine: c.NoMine, Threads: c.Threads, HashLimit: c.HashRate,
		Classic: c.Classic, Logger: slog.New(c.handler(out))}}
	var err error
	if cfg.Node.Mnemonic, err = c.mnemonic(); err != nil {
		return nil, err
	}
	if c.Memory {
		cfg.Node.Dir, cfg.Node.FS = c.Name, vfs.NewMem()
	} else {
		if cfg.Node.Dir, err = orHome(c.DataDir, params.Name, c.Name); err != nil {
			return nil, err
		}
		if err := makeDir(cfg.Node.Dir); err != nil {
			return nil, err
		}
	}
	listen := func(purpose, flag, addr string, host string, port uint16) net.Listener {
		if err != nil || addr == "none" {
			return nil
		}
		if addr == "" {
			addr = fmt.Sprintf("%s:%d", host, port)
		}
		var l net.Listener
		l, err = lab.Listen(lab.Sockets{}, purpose, flag, addr)
		return l
	}
	cfg.Node.Listener = listen("other peers", "--p2p", c.P2P, "", params.P2PPort)
	cfg.HTTP = listen("the window", "--http", c.HTTP, "127.0.0.1", params.HTTPPort)
	var p *lab.Peer
	if err == nil {
		p, err = lab.OpenPeer(cfg)
	}
	if err != nil {
		closeAll(cfg.Node.Listener, cfg.HTTP)
		return nil, err
	}
	return p, nil
}

func closeAll(listeners ...net.Listener) {
	for _, l := range listeners {
		if l != nil {
			l.Close()
		}
	}
}

// mnemonic reads the recovery words that the user wants to restore from, or none.
func (c *peerCmd) mnemonic() (string, error) {
	if c.MnemonicFile == "" {
		return "", nil
	}
	var b []byte
	var err error
	if c.MnemonicFile == "-" {
		b, err = io.ReadAll(io.LimitReader(os.Stdin, 4<<10))
	} else {
		b, err = os.ReadFile(c.MnemonicFile)
	}
	if err != nil {
		return "", fmt.Errorf("--mnemonic-file: %w", err)
	}
	words := strings.Join(strings.Fields(string(b)), " ")
	if err := wallet.CheckMnemonic(words); err != nil {
		return "", fmt.Errorf("--mnemonic-file %s: %w", c.MnemonicFile, err)
	}
	return words, nil
}

// readyPeer is the one line of --json. A new wallet's recovery words are in it only, and never in a file.
type readyPeer struct {
	lab.Ready
	Mnemonic string `json:"mnemonic,omitempty"`
}

func (c *peerCmd) announce(out *output, p *lab.Peer) error {
	r, words := p.Ready(), ""
	if p.Node.Wallet.IsNew() {
		var err error
		if words, err = p.Node.Wallet.Mnemonic(c.Passphrase); err != nil {
			return err
		}
	}
	if c.JSON {
		return json.NewEncoder(out.out).Encode(readyPeer{r, words})
	}
	fmt.Fprintf(out.out, "\n%s is on network %q\n  window   %s\n  peers    %s\n  address  %s\n  balance  %s\n  data     %s\n", r.Name, r.Network,
		cmp.Or(r.Window, "none"), c.reachedAt(p), r.Address, p.Node.Money(r.Balance), cmp.Or(r.DataDir, "in memory only"))
	if words != "" {
		fmt.Fprintf(out.out, "\nA new wallet was made. Write its recovery words down, they are shown only now:\n  %s\n", words)
	}
	_, err := fmt.Fprintln(out.out)
	return err
}

// reachedAt says where other peers connect to.
func (c *peerCmd) reachedAt(p *lab.Peer) string {
	at := p.Node.ListenAddr()
	if !at.IsValid() {
		return "none can connect to this one"
	}
	return reachable(net.TCPAddrFromAddrPort(at))
}

// userName returns the user's name with what a peer's name may hold.
func userName() string {
	name := "peer"
	if u, err := user.Current(); err == nil {
		name = u.Username[strings.LastIndexAny(u.Username, `\/`)+1:]
	}
	if node.CheckName(name) != nil {
		return "peer"
	}
	return name
}
