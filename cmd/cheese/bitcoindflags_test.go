package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"cheese/coin"
)

// TestFlagTable checks the table itself: every default is one that its flag takes, and help fits a terminal.
func TestFlagTable(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range bitcoindFlags {
		if seen[f.name] {
			t.Errorf("-%s stands there twice", f.name)
		}
		seen[f.name] = true
		if err := f.check(f.standard); err != nil && f.standard != "" {
			t.Errorf("the default of -%s: %v", f.name, err)
		}
	}
	var help bytes.Buffer
	printFlags(&help)
	for line := range strings.Lines(help.String()) {
		if len(strings.TrimRight(line, "\n")) > 80 {
			t.Errorf("%d characters: %s", len(line), line)
		}
	}
}

// parsed reads a command line and a bitcoin.conf that must be good.
func parsed(t *testing.T, args, conf string) *settings {
	t.Helper()
	line, err := parseBitcoindArgs(strings.Fields(args))
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	s := &settings{line: line, section: source{}, common: source{}}
	if unknown, err := s.parseConf([]byte(conf)); err != nil || unknown != nil {
		t.Fatalf("%s: %v, unknown %v", conf, err, unknown)
	}
	return s
}

// TestWhichValueCounts: the command line before the file, there the network's section before no section, and on the
// command line the last, in the file the first.
func TestWhichValueCounts(t *testing.T) {
	for _, test := range []struct{ name, args, conf, want string }{
		{"maxmempool", "", "", "300"},
		{"maxmempool", "-maxmempool=5", "", "5"},
		{"maxmempool", "--maxmempool=5", "", "5"},
		{"maxmempool", "-maxmempool=5 -maxmempool=6", "", "6"},
		{"maxmempool", "-maxmempool=5", "maxmempool=7", "5"},
		{"maxmempool", "", "maxmempool=7\nmaxmempool=8", "7"},
		{"maxmempool", "", "maxmempool=7\n[regtest]\n maxmempool = 9 # more\n", "9"},
		{"maxmempool", "", "[test]\nmaxmempool=7\n[regtest]\n", "300"},
		{"maxmempool", "", "regtest.maxmempool=7", "7"},
		{"maxmempool", "", "\ufeff\n# nothing\nmaxmempool=7", "7"},
		{"rpcport", "", "rpcport=1000", "18443"}, // it counts for one network
		{"rpcport", "", "[regtest]\nrpcport=1000", "1000"},
		{"rpcpassword", "-rpcpassword=a=b", "", "a=b"},
		{"datadir", "-datadir=", "", ""},
	} {
		if got := parsed(t, test.args, test.conf).text(test.name); got != test.want {
			t.Errorf("-%s by %q and %q is %q, not %q", test.name, test.args, test.conf, got, test.want)
		}
	}
}

func TestToggles(t *testing.T) {
	for _, test := range []struct {
		name, args, conf string
		want             bool
	}{
		{"server", "", "", true}, {"server", "-server", "", true}, {"server", "-server=1", "", true}, {"server", "-server=2", "", true},
		{"server", "-server=0", "", false}, {"server", "-noserver", "", false}, {"server", "-noserver=1", "", false}, {"server", "-noserver=0", "", true},
		{"server", "-server=", "", true}, {"server", "", "noserver=1", false}, {"server", "-server", "server=0", true},
		{"regtest", "", "", false}, {"regtest", "-regtest", "", true}, {"regtest", "", "regtest=1", true},
		{"help", "-?", "", true}, {"help", "-h", "", true}, {"help", "--help", "", true},
	} {
		if got := parsed(t, test.args, test.conf).on(test.name); got != test.want {
			t.Errorf("-%s by %q and %q is %v", test.name, test.args, test.conf, got)
		}
	}
}

func TestLists(t *testing.T) {
	for _, test := range []struct{ args, conf, want string }{
		{"", "", ""},
		{"-debug=a -debug=b", "debug=c\n[regtest]\ndebug=d", "a b d c"},
		{"-debug=a -nodebug -debug=b", "debug=c", "b"},
		{"-debug=a", "nodebug=1\ndebug=c", "a c"},
	} {
		if got := strings.Join(parsed(t, test.args, test.conf).list("debug"), " "); got != test.want {
			t.Errorf("-debug by %q and %q is %q", test.args, test.conf, got)
		}
	}
	if got := parsed(t, "", "connect=a").list("connect"); got != nil { // it counts for one network
		t.Errorf("-connect is %v", got)
	}
}

// TestRefusedFlags names what is wrong.
func TestRefusedFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-foo": "-foo", "-foo=1": "-foo", "-nofoo": "-nofoo", "-regtest=yes": "-regtest=yes", "-rpcport": "-rpcport", "-rpcport=": "-rpcport=",
		"-rpcport=x": "-rpcport=x", "-minrelaytxfee=1sat": "-minrelaytxfee=1sat", "-noserver=x": "-noserver=x", "regtest": `"regtest"`, "-": `"-"`, "--": `"--"`,
	} {
		if _, err := parseBitcoindArgs([]string{args}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v", args, err)
		}
	}
	_, err := parseBitcoindArgs([]string{"-regtest", "-foo=1"})
	if nobody := (*FlagError)(nil); !errors.As(err, &nobody) || nobody.Flag != "foo" {
		t.Errorf("an unknown flag gives %v", err)
	}
}

func TestRefusedConf(t *testing.T) {
	for conf, want := range map[string]string{
		"\n-server=1": "line 2", "server": "server is not name=value", "noserver": "write noserver=1", "rpcport=x": "-rpcport=x",
		"rpcpassword=a#b": "#", "[regtest]\nserver=x": "line 2",
	} {
		s := &settings{line: source{}, section: source{}, common: source{}}
		if _, err := s.parseConf([]byte(conf)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v", conf, err)
		}
	}
	s := &settings{line: source{}, section: source{}, common: source{}}
	if unknown, err := s.parseConf([]byte("foo=1\nserver=0")); err != nil || !slices.Equal(unknown, []string{"foo"}) || s.on("server") {
		t.Errorf("an unknown name gives %v, %v", unknown, err)
	}
}

// TestSettingsOfANode turns flags into the network's heights and the pool's rules.
func TestSettingsOfANode(t *testing.T) {
	s := parsed(t, "-regtest -testactivationheight=csv@432 -testactivationheight=cltv@111 -txindex -par=1", "")
	p, err := s.params()
	if err != nil || p.Heights.CSV != 432 || p.Heights.BIP65 != 111 || p.Heights.BIP66 != 1 {
		t.Errorf("heights %+v, %v", p.Heights, err)
	}
	if got := s.unserved(); !slices.Equal(got, []string{"par", "txindex"}) {
		t.Errorf("not served: %v", got)
	}
	for _, bad := range []string{"", "-regtest -signet", "-chain=main", "-testnet", "-regtest -testactivationheight=csv", "-regtest -testactivationheight=csb@1",
		"-regtest -testactivationheight=csv@-1"} {
		if _, err := parsed(t, bad, "").params(); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	o, err := parsed(t, "-minrelaytxfee=0 -datacarrier=0 -limitancestorsize=50 -mempoolfullrbf=0 -maxmempool=5 -dustrelayfee=0.00000001", "").policy()
	if err != nil || o.MinRelayFee != 0 || o.DataCarrierSize != -1 || o.Limits.AncestorSize != 50_000 || o.FullRBF || o.MaxBytes != 5_000_000 || o.DustRelayFee != 1 {
		t.Errorf("policy %+v, %v", o, err)
	}
	if o, err = parsed(t, "-incrementalrelayfee=0.0001", "").policy(); err != nil || o.MinRelayFee != 10_000 {
		t.Errorf("a relay fee of %d, %v", o.MinRelayFee, err)
	}
	if _, err := parsed(t, "-maxmempool=4", "").policy(); err == nil || !strings.Contains(err.Error(), "at least 5 MB") {
		t.Errorf("a tiny pool gives %v", err)
	}
	if got := withPort("::1", coin.Regtest().P2PPort); got != "[::1]:18444" {
		t.Errorf("an address without port becomes %s", got)
	}
}

// FuzzConf feeds bitcoin.conf arbitrary text.
func FuzzConf(f *testing.F) {
	f.Add("regtest=1\n[regtest]\nrpcport=1 # one\nnoserver=1\n")
	f.Add("[\n]\n=\n.=\nno=1\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := &settings{line: source{}, section: source{}, common: source{}}
		if _, err := s.parseConf([]byte(text)); err != nil {
			return
		}
		for _, flag := range bitcoindFlags {
			s.text(flag.name)
			s.list(flag.name)
		}
	})
}
