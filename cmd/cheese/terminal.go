package main

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"sync"

	"github.com/lmittmann/tint"
)

// logFlags say what the terminal shows.
type logFlags struct {
	LogLevel string `help:"Least important lines to show: debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
}

// handler returns the terminal's log handler.
func (f logFlags) handler(out *output) slog.Handler {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		panic(err) // kong let only the four words through
	}
	return tint.NewHandler(out.log, &tint.Options{Level: level, TimeFormat: "15:04:05", NoColor: !out.color})
}

// labelled puts a name in front of every message, so that lines of several peers in one terminal can be told apart.
type labelled struct {
	slog.Handler
	label string
}

// labelWidth lines up the messages behind names of usual length.
const labelWidth = 8

// tints are terminal colours for labels, one after another.
var tints = []string{"33", "36", "35", "32", "34", "31"}

func label(h slog.Handler, name string, index int, out *output) slog.Handler {
	padded := fmt.Sprintf("%-*s", labelWidth, name)
	if out.color {
		padded = "\x1b[" + tints[index%len(tints)] + "m" + padded + "\x1b[0m"
	}
	return &labelled{Handler: h, label: padded}
}

func (l *labelled) Handle(ctx context.Context, r slog.Record) error {
	r.Message = l.label + " " + r.Message
	return l.Handler.Handle(ctx, r)
}

func (l *labelled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &labelled{Handler: l.Handler.WithAttrs(attrs), label: l.label}
}

func (l *labelled) WithGroup(name string) slog.Handler {
	return &labelled{Handler: l.Handler.WithGroup(name), label: l.label}
}

// browse shows URLs in the user's browser, beside what the caller does until it calls the function returned. Where that
// fails the URLs are on the terminal anyway.
func browse(ctx context.Context, out *output, urls ...string) (done func()) {
	ctx, cancel := context.WithCancel(ctx)
	var opening sync.WaitGroup
	opening.Go(func() {
		for _, url := range urls {
			if err := openBrowser(ctx, url); err != nil && ctx.Err() == nil {
				fmt.Fprintf(out.log, "%v; open %s yourself\n", err, url)
			}
		}
	})
	return func() { cancel(); opening.Wait() }
}

// openBrowser runs the system's way to open a URL. The browser that it leaves behind must not inherit a pipe of ours:
// waiting for that would be waiting for the browser.
func openBrowser(ctx context.Context, url string) error {
	var c *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		c = exec.CommandContext(ctx, "open", url)
	case "windows":
		c = exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", url)
	default:
		c = exec.CommandContext(ctx, "xdg-open", url)
	}
	if err := c.Run(); err != nil {
		return fmt.Errorf("open the browser: %w", err)
	}
	return nil
}
