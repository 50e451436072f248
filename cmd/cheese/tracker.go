package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"time"

	"cheese/coin"
	"cheese/lab"
	"cheese/tracker"
)

type trackerCmd struct {
	Listen   string        `help:"Address to listen on; without it all addresses and the network's tracker port." placeholder:"HOST:PORT"`
	Network  []string      `help:"Network files whose peers are asked for their name and height, beside cheese and regtest. Any network may announce here." type:"existingfile" placeholder:"FILE"`
	Interval time.Duration `help:"How often peers announce." default:"30s"`
	JSON     bool          `name:"json" help:"Print one line of JSON with the URL instead of text."`
	logFlags `embed:""`
}

// trackerReady is the one line of --json.
type trackerReady struct {
	URL  string `json:"url"`
	Addr string `json:"addr"`
}

func (c *trackerCmd) Run(ctx context.Context, out *output) error {
	if c.Interval < time.Second {
		return fmt.Errorf("--interval %v is too short: peers announce at most once a second", c.Interval)
	}
	networks, port := map[tracker.InfoHash]*coin.Params{}, coin.Cheese().TrackerPort
	for _, p := range []*coin.Params{coin.Cheese(), coin.Regtest()} {
		networks[tracker.InfoHash(p.ID)] = p
	}
	for _, path := range c.Network {
		p, err := loadNetwork(path)
		if err != nil {
			return err
		}
		networks[tracker.InfoHash(p.ID)], port = p, p.TrackerPort
	}
	if c.Listen == "" {
		c.Listen = fmt.Sprintf(":%d", port)
	}
	l, err := lab.Listen(lab.Sockets{}, "the tracker", "--listen", c.Listen)
	if err != nil {
		return err
	}
	ready := trackerReady{URL: "http://" + reachable(l.Addr()), Addr: l.Addr().String()}
	if c.JSON {
		err = json.NewEncoder(out.out).Encode(ready)
	} else {
		network := ""
		if len(c.Network) > 0 {
			network = "--network " + c.Network[0] + " "
		}
		_, err = fmt.Fprintf(out.out, "The tracker and its page are at %s\nPeers join with: cheese peer %s--name alice --tracker %s\n\n", ready.URL, network, ready.URL)
	}
	if err != nil {
		return err
	}
	s := tracker.New(tracker.Config{Logger: slog.New(c.handler(out)), Interval: c.Interval,
		Checker: lab.Checker(networks, lab.Sockets{}.Dial, programVersion(), time.Now), NetworkName: lab.NetworkNames(networks)})
	return s.Serve(ctx, l)
}

// reachable returns host:port by which others reach a listener: this machine's first address on a network where it
// listens on all of them.
func reachable(a net.Addr) string {
	at, ok := a.(*net.TCPAddr)
	if !ok || !at.IP.IsUnspecified() {
		return a.String()
	}
	host := "127.0.0.1"
	addrs, _ := net.InterfaceAddrs() // without any, loopback is right
	for _, addr := range addrs {
		if ip, ok := addr.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			host = ip.IP.String()
			break
		}
	}
	return net.JoinHostPort(host, fmt.Sprint(at.Port))
}
