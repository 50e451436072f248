// Command cheese gives a person a whole proof-of-work network: a tracker, peers with a wallet, a miner and a window
// each, and all of it at once with `cheese demo`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"cheese/chain"
	"cheese/wallet"

	"github.com/alecthomas/kong"
)

// version is set by the linker; a plain `go build` reads the module's.
var version = ""

// commandLine is every subcommand; each has a file of its own.
type commandLine struct {
	Demo     demoCmd     `cmd:"" help:"Start a tracker and three peers that race to mine cheeses, with a window each."`
	Tracker  trackerCmd  `cmd:"" help:"Start the tracker that peers find each other through."`
	Peer     peerCmd     `cmd:"" help:"Start one peer: node, wallet, miner and window."`
	RPC      rpcCmd      `cmd:"" name:"rpc" help:"Ask a running peer over JSON-RPC, in Bitcoin Core's words."`
	Bitcoind bitcoindCmd `cmd:"" passthrough:"" help:"Start a node for regtest that takes bitcoind's flags."`
	Network  networkCmd  `cmd:"" help:"Make a network of your own."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

type versionCmd struct{}

func (versionCmd) Run(out *output) error {
	_, err := fmt.Fprintln(out.out, "cheese", programVersion())
	return err
}

// output is where a command prints: results to out, log lines to log.
type output struct {
	out   io.Writer
	log   io.Writer
	color bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends a program that hangs, but not one that is just ending: some shells and tools send two at once.
	context.AfterFunc(ctx, func() { time.AfterFunc(endsWithin, stop) })
	code := run(ctx, os.Args[1:], &output{out: os.Stdout, log: os.Stderr, color: isTerminal(os.Stderr)})
	stop()
	os.Exit(code)
}

// endsWithin is how long a command may take to end.
const endsWithin = 2 * time.Second

// run is the whole program; it returns the exit code: 0, 1 for a failure, 2 for a command line that is not understood.
func run(ctx context.Context, args []string, out *output) int {
	var cli commandLine
	exit := -1
	parser, err := kong.New(&cli, kong.Name("cheese"), kong.Description("A proof-of-work network of your own: tracker, peers, wallets, miners and windows in one program."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Writers(out.out, out.log), kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(out))
	if err != nil {
		panic(err) // the grammar above is wrong
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exit >= 0 { // help was asked for
		return exit
	}
	if err != nil {
		fmt.Fprintf(out.log, "cheese: %v\nRun `%s --help` for what is possible.\n", err, commandIn(err))
		return 2
	}
	if err := command.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(out.log, "cheese: %v\n", advise(err))
		return 1
	}
	return 0
}

// commandIn returns the command that was being read when err came, for a hint.
func commandIn(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "cheese"
}

// advise adds the flag that helps to errors of rooms that know no flags.
func advise(err error) error {
	switch {
	case errors.Is(err, chain.ErrLocked):
		return fmt.Errorf("%w: stop that one, or choose another directory with --data-dir", err)
	case errors.Is(err, wallet.ErrPassphrase):
		return fmt.Errorf("%w: put the right one in the environment as CHEESE_PASSPHRASE", err)
	}
	return err
}

func programVersion() string {
	if version != "" {
		return strings.TrimPrefix(version, "v")
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "0.1.0"
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
