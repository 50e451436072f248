package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"cheese/coin"
	"cheese/lab"
)

type demoCmd struct {
	Peers    int     `help:"How many peers race." default:"3"`
	Classic  bool    `help:"As in the original exercise: peers connect only by the buttons, and a cheese is mined only when three transactions wait."`
	Open     bool    `help:"Open every peer's window in the browser."`
	JSON     bool    `name:"json" help:"Print one line of JSON with every URL, port, token and cookie path instead of the table."`
	Memory   bool    `help:"Keep nothing on disk."`
	DataDir  string  `help:"Where the demo is kept (default: .cheese/demo in your home folder)." type:"path" placeholder:"DIR"`
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
	params, err := c.network()
	if err != nil {
		return err
	}
	dir, err := c.dir()
	if err != nil {
		return err
	}
	terminal, seen := c.handler(out), 0
	l, err := lab.Open(ctx, lab.Options{Peers: c.Peers, Params: params, Dir: dir, Classic: c.Classic, HashRate: c.HashRate, Version: programVersion(),
		Host: c.Host, P2PPort: c.P2PPort, HTTPPort: c.HTTPPort, TrackerPort: c.TrackerPort,
		Logger: func(name string) *slog.Logger { seen++; return slog.New(label(terminal, name, seen, out)) }})
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(out.out).Encode(l.Ready())
	} else {
		err = c.table(out, l)
	}
	if err != nil {
		return err
	}
	if c.Open {
		for _, p := range l.Peers {
			if err := openBrowser(ctx, p.Ready().Window); err != nil {
				fmt.Fprintln(out.log, err)
			}
		}
	}
	return l.Run(ctx)
}

func (c *demoCmd) network() (*coin.Params, error) {
	if c.Network == "" {
		return nil, nil
	}
	return loadNetwork(c.Network)
}

func (c *demoCmd) dir() (string, error) {
	if c.Memory {
		return "", nil
	}
	dir, err := orHome(c.DataDir, "demo")
	if err != nil || !c.Fresh {
		return dir, err
	}
	// Only what a demo made is deleted, so that a mistyped folder loses nothing else.
	made, err := filepath.Glob(filepath.Join(dir, "Peer*"))
	if err != nil {
		return "", err
	}
	for _, path := range append(made, filepath.Join(dir, "network.json")) {
		if err := os.RemoveAll(path); err != nil {
			return "", fmt.Errorf("start anew: %w", err)
		}
	}
	return dir, nil
}

func (c *demoCmd) table(out *output, l *lab.Lab) error {
	fmt.Fprintf(out.out, "\nBlue Cheese is served: network %q, tracker and its page at %s\n\n", l.Params.Name, l.TrackerURL)
	w := tabwriter.NewWriter(out.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PEER\tWINDOW (open in a browser)\tP2P\tWALLET ADDRESS\tBALANCE")
	for _, p := range l.Peers {
		r := p.Ready()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.Window, r.P2P, r.Address, p.Node.Money(r.Balance))
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
