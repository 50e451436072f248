package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"time"

	"cheese/coin"
	"cheese/lab"
)

type networkCmd struct {
	New networkNewCmd `cmd:"" help:"Write a network file, which every command takes with --network."`
}

type networkNewCmd struct {
	File string `arg:"" help:"The file to write; one that exists is left alone." type:"path"`

	Name        string        `help:"The network's name." default:"my-cheese"`
	Message     string        `help:"What its first block says." default:"Blue Cheese of a network of its own"`
	Spacing     time.Duration `help:"Wanted time between blocks, at least 5s unless the difficulty is fixed." default:"30s"`
	FirstHashes uint64        `help:"How many hashes the first blocks take on average." default:"5000000"`
	Fixed       bool          `help:"Keep that difficulty for ever, for tests that generate many blocks (then --first-hashes may be 2)."`
	Subsidy     string        `help:"Reward of a block, in coins." default:"10"`
	Halving     *int32        `help:"Blocks until the reward halves (default: so many that 21 million coins come in all)." placeholder:"BLOCKS"`
	Maturity    int32         `help:"Blocks before a reward may be spent." default:"10"`
	Prefix      string        `help:"What addresses start with." default:"chz"`
	P2PPort     uint16        `name:"p2p-port" help:"Port for peers." default:"23466"`
	HTTPPort    uint16        `name:"http-port" help:"Port of the window and the RPC." default:"8461"`
	TrackerPort uint16        `name:"tracker-port" help:"Port of the tracker." default:"5666"`
}

// fixedHeadStart is how far the first block of a network with fixed difficulty is dated back: in seconds, how many blocks
// a test can generate at once.
const fixedHeadStart = 30 * 24 * time.Hour

func (c *networkNewCmd) Run(ctx context.Context, out *output) error {
	if _, err := os.Stat(c.File); err == nil {
		return fmt.Errorf("%s exists already, and peers may be using it: choose another name", c.File)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	begin := time.Now()
	if c.Fixed { // block times rise by a second at least: leave room for many that are generated at once
		begin = begin.Add(-fixedHeadStart)
	}
	f := &coin.NetworkFile{Name: c.Name, Message: c.Message, Time: uint32(begin.Unix()), Spacing: uint32(c.Spacing / time.Second),
		FirstHashes: c.FirstHashes, FixedDifficulty: c.Fixed, Subsidy: c.Subsidy, HalvingInterval: c.halving(), Maturity: c.Maturity,
		Prefix: c.Prefix, P2PPort: c.P2PPort, HTTPPort: c.HTTPPort, TrackerPort: c.TrackerPort}
	if c.FirstHashes > longFirstHashes {
		fmt.Fprintf(out.log, "Mining Blue Cheese, which takes about %d hashes; Ctrl-C gives up.\n", c.FirstHashes)
	}
	if err := f.Mine(ctx); err != nil {
		return byFlag(err)
	}
	params, err := f.Params()
	if err != nil {
		return err
	}
	if err := lab.WriteNetwork(c.File, f); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out.out, "Wrote %s: network %q, Blue Cheese %v\nGive the file to everybody, then:\n  cheese tracker --network %s\n  cheese peer --network %s --name alice --tracker http://HOST:%d\n",
		c.File, params.Name, params.Genesis.Hash(), c.File, c.File, params.TrackerPort)
	return err
}

// longFirstHashes are hashes that take long enough for a person to wonder.
const longFirstHashes = 20_000_000

// check says what is wrong with the flags that a network file spells otherwise.
func (c *networkNewCmd) check() error {
	switch {
	case c.Spacing < time.Second || c.Spacing%time.Second != 0:
		return fmt.Errorf("--spacing %v: whole seconds are possible, such as 30s", c.Spacing)
	case c.FirstHashes < 1:
		return fmt.Errorf("--first-hashes %d: a block takes at least one hash", c.FirstHashes)
	}
	return nil
}

// halving returns what was asked for, or the longest time with which the supply stays within 21 million coins.
func (c *networkNewCmd) halving() int32 {
	if c.Halving != nil {
		return *c.Halving
	}
	subsidy, err := coin.ParseAmount(c.Subsidy)
	if err != nil || subsidy == 0 {
		return 1 // the network file's own check tells what is wrong with the subsidy
	}
	return int32(min(coin.MaxMoney/2/subsidy, math.MaxInt32))
}

// byFlag names the flag instead of the field of the file that is not written yet.
func byFlag(err error) error {
	var field *coin.FieldError
	if !errors.As(err, &field) {
		return err
	}
	flag, ok := map[string]string{"spacing_seconds": "spacing", "fixed_difficulty": "fixed", "halving_interval": "halving"}[field.Field]
	if !ok {
		flag = strings.ReplaceAll(field.Field, "_", "-")
	}
	return fmt.Errorf("--%s: %s", flag, field.Text)
}
