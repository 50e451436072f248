package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"cheese/coin"
)

// flagKind is what one of bitcoind's flags takes.
type flagKind int

const (
	toggle  flagKind = iota // a number, 0 for no; alone it is 1
	integer                 // a number
	rate                    // coins per 1000 virtual bytes
	word                    // text
	words                   // text; may be given several times
)

// bitcoindFlag is a line of the table.
type bitcoindFlag struct {
	name     string
	kind     flagKind
	standard string // what it is where nobody says
	help     string // what it does; "": it is accepted with a warning, and does nothing yet
	section  bool   // in bitcoin.conf it counts under [regtest] only
}

// bitcoindFlags is every flag of Bitcoin Core 28's bitcoind. Those without help come last.
var bitcoindFlags = []bitcoindFlag{
	{name: "help", kind: toggle, help: "Print this and exit; -h and -? too."},
	{name: "version", kind: toggle, help: "Print the version and exit."},
	{name: "regtest", kind: toggle, help: "Run on regtest, the one network served here."},
	{name: "chain", kind: word, help: "The same as a word: regtest."},
	{name: "testnet", kind: toggle, help: "Refused, as are the next two."},
	{name: "testnet4", kind: toggle, help: "See -testnet."},
	{name: "signet", kind: toggle, help: "See -testnet."},
	{name: "datadir", kind: word, help: "Directory of all files; else ~/.cheese/bitcoind."},
	{name: "conf", kind: word, standard: "bitcoin.conf", help: "Configuration file, relative to -datadir."},
	{name: "server", kind: toggle, standard: "1", help: "Answer RPC calls."},
	{name: "rpcport", kind: integer, standard: "18443", section: true, help: "Port of the RPC, on loopback."},
	{name: "rpcuser", kind: word, help: "User for the RPC; without -rpcpassword, none."},
	{name: "rpcpassword", kind: word, help: "Password for the RPC."},
	{name: "rpcauth", kind: words, help: "USER:SALT$HASH, of Core's rpcauth.py."},
	{name: "rpccookiefile", kind: word, standard: ".cookie", help: "Cookie file, relative to regtest/."},
	{name: "listen", kind: toggle, help: "Accept other nodes; 1 unless -connect is given."},
	{name: "port", kind: integer, standard: "18444", section: true, help: "Port for other nodes."},
	{name: "bind", kind: words, section: true, help: "ADDRESS[:PORT] for other nodes; the first counts."},
	{name: "connect", kind: words, section: true, help: "Connect to these nodes only; 0 for to none."},
	{name: "addnode", kind: words, section: true, help: "Stay connected to these nodes too."},
	{name: "mocktime", kind: integer, standard: "0", help: "Set the clock, in seconds after 1970."},
	{name: "testactivationheight", kind: words, help: "NAME@HEIGHT: segwit, bip34, dersig, cltv or csv."},
	{name: "minrelaytxfee", kind: rate, standard: "0.00001", help: "Least fee rate of a transaction."},
	{name: "incrementalrelayfee", kind: rate, standard: "0.00001", help: "What a replacement pays above what it replaces."},
	{name: "dustrelayfee", kind: rate, standard: "0.00003", help: "Fee rate that says which outputs are dust."},
	{name: "blockmintxfee", kind: rate, standard: "0.00001", help: "Least fee rate of what goes into a block."},
	{name: "acceptnonstdtxn", kind: toggle, standard: "0", help: "Accept what policy calls non-standard."},
	{name: "mempoolfullrbf", kind: toggle, standard: "1", help: "Replace whatever is outbid, whatever it signals."},
	{name: "permitbaremultisig", kind: toggle, standard: "1", help: "Accept multisig outputs that are not wrapped."},
	{name: "datacarrier", kind: toggle, standard: "1", help: "Accept OP_RETURN outputs."},
	{name: "datacarriersize", kind: integer, standard: "83", help: "Bytes of an OP_RETURN script."},
	{name: "bytespersigop", kind: integer, standard: "20", help: "Virtual bytes that a signature operation counts."},
	{name: "limitancestorcount", kind: integer, standard: "25", help: "Unconfirmed ancestors, itself included."},
	{name: "limitancestorsize", kind: integer, standard: "101", help: "Their size in 1000 virtual bytes."},
	{name: "limitdescendantcount", kind: integer, standard: "25", help: "Unconfirmed descendants, itself included."},
	{name: "limitdescendantsize", kind: integer, standard: "101", help: "Their size in 1000 virtual bytes."},
	{name: "maxmempool", kind: integer, standard: "300", help: "Memory for transactions, in 10^6 bytes."},
	{name: "mempoolexpiry", kind: integer, standard: "336", help: "Hours that a transaction may wait."},
	{name: "persistmempool", kind: toggle, standard: "1", help: "Keep waiting transactions across restarts."},
	{name: "debuglogfile", kind: word, standard: "debug.log", help: "Log, relative to regtest/; 0 for none."},
	{name: "debug", kind: words, help: "Log more; all categories count as one."},
	{name: "printtoconsole", kind: toggle, standard: "1", help: "Log to standard output."},

	{name: "acceptstalefeeestimates", kind: toggle}, {name: "addresstype", kind: word},
	{name: "alertnotify", kind: word}, {name: "allowignoredconf", kind: toggle}, {name: "asmap", kind: word},
	{name: "assumevalid", kind: word}, {name: "avoidpartialspends", kind: toggle}, {name: "bantime", kind: integer},
	{name: "blockfilterindex", kind: words}, {name: "blockmaxweight", kind: integer}, {name: "blocknotify", kind: word},
	{name: "blockreconstructionextratxn", kind: integer}, {name: "blocksdir", kind: word}, {name: "blocksonly", kind: toggle},
	{name: "blocksxor", kind: toggle}, {name: "blockversion", kind: integer}, {name: "capturemessages", kind: toggle},
	{name: "changetype", kind: word}, {name: "checkaddrman", kind: integer}, {name: "checkblockindex", kind: integer}, {name: "checkblocks", kind: integer},
	{name: "checklevel", kind: integer}, {name: "checkmempool", kind: integer}, {name: "checkpoints", kind: toggle}, {name: "choosedatadir", kind: toggle},
	{name: "cjdnsreachable", kind: toggle}, {name: "coinstatsindex", kind: toggle}, {name: "consolidatefeerate", kind: rate}, {name: "daemon", kind: toggle},
	{name: "daemonwait", kind: toggle}, {name: "dbbatchsize", kind: integer},
	{name: "dbcache", kind: integer}, {name: "dbcrashratio", kind: integer}, {name: "dblogsize", kind: integer}, {name: "debugexclude", kind: words},
	{name: "deprecatedrpc", kind: words}, {name: "disablewallet", kind: toggle}, {name: "discardfee", kind: rate}, {name: "discover", kind: toggle},
	{name: "dns", kind: toggle}, {name: "dnsseed", kind: toggle}, {name: "externalip", kind: words},
	{name: "fallbackfee", kind: rate}, {name: "fastprune", kind: toggle}, {name: "fixedseeds", kind: toggle}, {name: "flushwallet", kind: toggle},
	{name: "forcecompactdb", kind: toggle}, {name: "forcednsseed", kind: toggle}, {name: "help-debug", kind: toggle}, {name: "i2pacceptincoming", kind: toggle},
	{name: "i2psam", kind: word}, {name: "includeconf", kind: words}, {name: "keypool", kind: integer},
	{name: "lang", kind: word},
	{name: "listenonion", kind: toggle}, {name: "loadblock", kind: words},
	{name: "logips", kind: toggle}, {name: "loglevel", kind: words}, {name: "loglevelalways", kind: toggle}, {name: "logsourcelocations", kind: toggle},
	{name: "logthreadnames", kind: toggle}, {name: "logtimemicros", kind: toggle}, {name: "logtimestamps", kind: toggle}, {name: "maxapsfee", kind: rate},
	{name: "maxconnections", kind: integer}, {name: "maxorphantx", kind: integer}, {name: "maxreceivebuffer", kind: integer},
	{name: "maxsendbuffer", kind: integer}, {name: "maxsigcachesize", kind: integer}, {name: "maxtipage", kind: integer}, {name: "maxtxfee", kind: rate},
	{name: "maxuploadtarget", kind: word}, {name: "min", kind: toggle},
	{name: "minimumchainwork", kind: word}, {name: "mintxfee", kind: rate}, {name: "natpmp", kind: toggle}, {name: "networkactive", kind: toggle},
	{name: "onion", kind: word}, {name: "onlynet", kind: words}, {name: "par", kind: integer}, {name: "paytxfee", kind: rate}, {name: "peerblockfilters", kind: toggle},
	{name: "peerbloomfilters", kind: toggle}, {name: "peertimeout", kind: integer},
	{name: "persistmempoolv1", kind: toggle}, {name: "pid", kind: word}, {name: "printpriority", kind: toggle}, {name: "privdb", kind: toggle}, {name: "proxy", kind: word},
	{name: "proxyrandomize", kind: toggle}, {name: "prune", kind: integer}, {name: "reindex", kind: toggle}, {name: "reindex-chainstate", kind: toggle},
	{name: "resetguisettings", kind: toggle}, {name: "rest", kind: toggle}, {name: "rpcallowip", kind: words}, {name: "rpcbind", kind: words, section: true},
	{name: "rpccookieperms", kind: word}, {name: "rpcdoccheck", kind: toggle}, {name: "rpcservertimeout", kind: integer}, {name: "rpcthreads", kind: integer},
	{name: "rpcwhitelist", kind: words}, {name: "rpcwhitelistdefault", kind: toggle}, {name: "rpcworkqueue", kind: integer}, {name: "seednode", kind: words},
	{name: "settings", kind: word}, {name: "shrinkdebugfile", kind: toggle}, {name: "shutdownnotify", kind: words}, {name: "signer", kind: word},
	{name: "signetchallenge", kind: word}, {name: "signetseednode", kind: words}, {name: "spendzeroconfchange", kind: toggle},
	{name: "splash", kind: toggle}, {name: "startupnotify", kind: word}, {name: "stopafterblockimport", kind: toggle}, {name: "stopatheight", kind: integer},
	{name: "swapbdbendian", kind: toggle}, {name: "test", kind: words}, {name: "timeout", kind: integer},
	{name: "torcontrol", kind: word}, {name: "torpassword", kind: word}, {name: "txconfirmtarget", kind: integer}, {name: "txindex", kind: toggle},
	{name: "txreconciliation", kind: toggle}, {name: "uacomment", kind: words}, {name: "uiplatform", kind: word}, {name: "unsafesqlitesync", kind: toggle},
	{name: "upnp", kind: toggle}, {name: "v2transport", kind: toggle}, {name: "vbparams", kind: words}, {name: "wallet", kind: words, section: true},
	{name: "walletbroadcast", kind: toggle}, {name: "walletcrosschain", kind: toggle}, {name: "walletdir", kind: word}, {name: "walletnotify", kind: word},
	{name: "walletrbf", kind: toggle}, {name: "walletrejectlongchains", kind: toggle}, {name: "whitebind", kind: words}, {name: "whitelist", kind: words},
	{name: "whitelistforcerelay", kind: toggle}, {name: "whitelistrelay", kind: toggle}, {name: "zmqpubhashblock", kind: words}, {name: "zmqpubhashblockhwm", kind: integer},
	{name: "zmqpubhashtx", kind: words}, {name: "zmqpubhashtxhwm", kind: integer}, {name: "zmqpubrawblock", kind: words}, {name: "zmqpubrawblockhwm", kind: integer},
	{name: "zmqpubrawtx", kind: words}, {name: "zmqpubrawtxhwm", kind: integer}, {name: "zmqpubsequence", kind: words}, {name: "zmqpubsequencehwm", kind: integer},
}

// flagNamed finds a line of the table.
func flagNamed(name string) (*bitcoindFlag, bool) {
	for i := range bitcoindFlags {
		if bitcoindFlags[i].name == name {
			return &bitcoindFlags[i], true
		}
	}
	return nil, false
}

// check says what is wrong with a value.
func (f *bitcoindFlag) check(value string) error {
	var err error
	switch f.kind {
	case toggle, integer:
		if value != "" || f.kind == integer {
			_, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return fmt.Errorf("-%s=%s: it takes a number", f.name, value)
		}
	case rate:
		if _, err := coin.ParseAmount(value); err != nil {
			return fmt.Errorf("-%s=%s: it takes coins per 1000 virtual bytes, such as 0.00001", f.name, value)
		}
	}
	return nil
}

// FlagError says that nobody knows a flag.
type FlagError struct{ Flag string }

func (e *FlagError) Error() string {
	return fmt.Sprintf("bitcoind has no flag -%s: see `cheese bitcoind -help`", e.Flag)
}

// setting is one value that somebody gave to a flag.
type setting struct {
	value string
	no    bool // by -noflag, which takes back the values before it
}

// parseSetting reads name=value, noname or name, as it stands behind a dash or in bitcoin.conf. The flag is nil where
// nobody knows it, and that is a *FlagError.
func parseSetting(text string) (f *bitcoindFlag, s setting, err error) {
	name, value, given := strings.Cut(text, "=")
	f, ok := flagNamed(name)
	if rest, no := strings.CutPrefix(name, "no"); !ok && no {
		f, ok = flagNamed(rest)
		s.no = true
	}
	if !ok {
		return nil, s, &FlagError{Flag: name}
	}
	if s.no {
		n, err := strconv.ParseInt(cmp.Or(value, "1"), 10, 64)
		if err != nil {
			return f, s, fmt.Errorf("-%s=%s: it takes a number", name, value)
		}
		if n == 0 { // no no is yes
			return f, setting{value: "1"}, nil
		}
		return f, setting{value: "0", no: true}, nil
	}
	if !given && f.kind == integer {
		return f, s, fmt.Errorf("-%s: it takes a number", f.name)
	}
	s.value = value
	return f, s, f.check(value)
}

// parseBitcoindArgs reads a command line. -help has its other names here.
func parseBitcoindArgs(args []string) (source, error) {
	line := source{}
	for _, arg := range args {
		text, ok := strings.CutPrefix(arg, "-")
		text = strings.TrimPrefix(text, "-") // two dashes are as good
		if !ok || text == "" {
			return nil, fmt.Errorf("%q is not a flag: bitcoind's are like -rpcport=18443; see `cheese bitcoind -help`", arg)
		}
		if text == "h" || text == "?" {
			text = "help"
		}
		f, s, err := parseSetting(text)
		if err != nil {
			return nil, err
		}
		line.add(f, s)
	}
	return line, nil
}

// source holds what one place says, in order.
type source map[string][]setting

func (s source) add(f *bitcoindFlag, v setting) { s[f.name] = append(s[f.name], v) }

// settings is what command line and bitcoin.conf say together. The command line goes before the file, and there the
// network's section before what stands in none.
type settings struct {
	line, section, common source
}

// files returns what of bitcoin.conf counts for a flag.
func (s *settings) files(f *bitcoindFlag) []source {
	if f.section {
		return []source{s.section}
	}
	return []source{s.section, s.common}
}

// find returns the value that counts: on the command line the last, in the file the first, as in Core.
func (s *settings) find(name string) (value string, given bool) {
	if v := s.line[name]; len(v) > 0 {
		return v[len(v)-1].value, true
	}
	f, ok := flagNamed(name)
	if !ok {
		panic("the table has no flag " + name)
	}
	for _, file := range s.files(f) {
		if v := file[name]; len(v) > 0 {
			return v[0].value, true
		}
	}
	return f.standard, false
}

// text returns a flag's value or its default.
func (s *settings) text(name string) string {
	value, _ := s.find(name)
	return value
}

// on tells whether a toggle is.
func (s *settings) on(name string) bool {
	value, given := s.find(name)
	n, _ := strconv.ParseInt(value, 10, 64) // checked when it was read
	return n != 0 || given && value == ""
}

// number returns an integer flag.
func (s *settings) number(name string) int64 {
	n, _ := strconv.ParseInt(s.text(name), 10, 64) // checked when it was read
	return n
}

// rate returns crumbs per 1000 virtual bytes.
func (s *settings) rate(name string) coin.Amount {
	a, _ := coin.ParseAmount(s.text(name)) // checked when it was read
	return a
}

// list returns all values, those of the command line first. One with "no" takes back what stands before it in its
// place, and all that the places after it say.
func (s *settings) list(name string) (values []string) {
	f, _ := flagNamed(name)
	for _, place := range append([]source{s.line}, s.files(f)...) {
		var here []string
		taken := false
		for _, v := range place[name] {
			if v.no {
				here, taken = nil, true
				continue
			}
			here = append(here, v.value)
		}
		values = append(values, here...)
		if taken {
			break
		}
	}
	return values
}

// given tells whether somebody said something.
func (s *settings) given(name string) bool {
	_, given := s.find(name)
	return given
}

// unserved returns the flags that were given and do nothing yet, in the table's order.
func (s *settings) unserved() (names []string) {
	for _, f := range bitcoindFlags {
		if f.help == "" && s.given(f.name) {
			names = append(names, f.name)
		}
	}
	return names
}

// printFlags lists the flags that do something with what they do, and the others by name.
func printFlags(w io.Writer) {
	takes := map[flagKind]string{toggle: "", integer: "=N", rate: "=RATE", word: "=TEXT", words: "=TEXT"}
	for _, f := range bitcoindFlags {
		if f.help != "" {
			fmt.Fprintf(w, "  %-27s %s\n", "-"+f.name+takes[f.kind], f.help)
		}
	}
	fmt.Fprint(w, "\nAccepted, with a warning, and not served yet:\n")
	line := " "
	for _, f := range bitcoindFlags {
		if f.help != "" {
			continue
		}
		const width = 80
		if len(line)+len(f.name)+2 > width {
			fmt.Fprintln(w, line)
			line = " "
		}
		line += " -" + f.name
	}
	fmt.Fprintln(w, line)
}
