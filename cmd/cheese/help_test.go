package main_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	flagPattern    = regexp.MustCompile("--[a-z][a-z0-9-]*")
	commandPattern = regexp.MustCompile("cheese (demo|tracker|peer|rpc|bitcoind|network new|version)|make (demo) ARGS")
	spanPattern    = regexp.MustCompile("`[^`]+`")
)

// helpOf returns the flags that each subcommand's help lists.
func helpOf(w *world) map[string][]string {
	flags := map[string][]string{}
	for _, command := range []string{"demo", "tracker", "peer", "rpc", "bitcoind", "network new", "version"} {
		text := w.ok(append(strings.Fields(command), "--help")...)
		if !strings.HasPrefix(text, "Usage: cheese "+command) {
			w.t.Errorf("cheese %s --help starts with %.40q", command, text)
		}
		flags[command] = flagPattern.FindAllString(text, -1)
		for line := range strings.Lines(text) {
			if len(strings.TrimRight(line, "\n")) > 80 {
				w.t.Errorf("cheese %s --help has a line of %d characters: %s", command, len(line), line)
			}
		}
	}
	return flags
}

// TestReadmeFlags checks that every flag that the README names exists, with the command it is named for.
func TestReadmeFlags(t *testing.T) {
	w := newWorld(t)
	help := helpOf(w)
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, flags := range help {
		all = append(all, flags...)
	}
	found := 0
	for _, code := range codeOf(string(b)) {
		flags, where := all, "any command"
		if m := commandPattern.FindStringSubmatch(code); m != nil {
			where = m[1] + m[2]
			flags = help[where]
		}
		for _, flag := range flagPattern.FindAllString(code, -1) {
			found++
			if !slices.Contains(flags, flag) {
				t.Errorf("README has %q, but %s has no %s", code, where, flag)
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d flags in the README: does this test still read it?", found)
	}
}

// codeOf returns the lines of a Markdown text's code blocks and its code spans.
func codeOf(markdown string) (code []string) {
	inBlock, prose := false, ""
	for line := range strings.Lines(markdown) {
		switch {
		case strings.HasPrefix(line, "```"):
			inBlock = !inBlock
		case inBlock:
			code = append(code, strings.TrimSpace(line))
		default:
			prose += line
		}
	}
	return append(code, spanPattern.FindAllString(prose, -1)...)
}

// TestHelp checks the overview and the version.
func TestHelp(t *testing.T) {
	w := newWorld(t)
	overview := w.ok("--help")
	for _, command := range []string{"demo", "tracker", "peer", "rpc", "bitcoind", "network new", "version"} {
		if !strings.Contains(overview, "\n  "+command) {
			t.Errorf("cheese --help does not list %s", command)
		}
	}
	if got := w.ok(); got != overview {
		t.Errorf("cheese alone prints something else than its help: %s", got)
	}
	if got := w.ok("version"); !regexp.MustCompile(`^cheese [0-9]+\.[0-9]+\.[0-9]+`).MatchString(got) {
		t.Errorf("cheese version prints %q", got)
	}
}
