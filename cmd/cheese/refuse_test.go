package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// refused checks that a command has ended with one line that has all of these words in it, after a hint where the
// command line itself was wrong, and has left nothing to read on standard output.
func refused(t *testing.T, o outcome, code int, want ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, not %d: %s", o.code, code, o.stderr)
	}
	if o.stdout != "" {
		t.Errorf("standard output: %q", o.stdout)
	}
	lines := strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n")
	if code == 2 && len(lines) == 2 && strings.HasPrefix(lines[1], "Run `cheese") && strings.Contains(lines[1], "--help`") {
		lines = lines[:1]
	}
	if len(lines) != 1 || !strings.HasPrefix(lines[0], "cheese: ") || len(lines[0]) > 400 {
		t.Errorf("not one clear line:\n%s", o.stderr)
	}
	for _, word := range want {
		if !strings.Contains(o.stderr, word) {
			t.Errorf("%q is not in: %s", word, o.stderr)
		}
	}
	t.Logf("%s", o.stderr)
}

// TestBadFlags gives one wrong thing each.
func TestBadFlags(t *testing.T) {
	w := newWorld(t)
	text := w.write("text.txt", "not a network\n")
	table := []struct {
		args string
		code int
		want []string
	}{
		{"dmeo", 2, []string{"dmeo"}},
		{"demo --no-such-flag", 2, []string{"--no-such-flag", "cheese demo --help"}},
		{"network new", 2, []string{"<file>", "cheese network new --help"}},
		{"network new x.json --prefx a", 2, []string{"--prefx", "cheese network new --help"}},
		{"demo --peers many", 2, []string{"--peers", "many"}},
		{"demo --peers 0", 1, []string{"--peers", "0", "1 to 100"}},
		{"demo --peers=-1", 1, []string{"--peers", "1 to 100"}},
		{"demo --peers 101", 1, []string{"--peers", "1 to 100"}},
		{"demo --hash-rate 0", 1, []string{"--hash-rate"}},
		{"demo --hash-rate=-5", 1, []string{"--hash-rate"}},
		{"demo --hash-rate NaN", 1, []string{"--hash-rate"}},
		{"demo --hash-rate 1e300", 1, []string{"--hash-rate"}},
		{"demo --p2p-port 70000", 2, []string{"--p2p-port", "70000"}},
		{"demo --memory --p2p-port 65534", 1, []string{"--p2p-port", "65534"}},
		{"demo --memory --http-port 65534", 1, []string{"--http-port", "65534"}},
		{"demo --memory --host nowhere.invalid", 1, []string{"nowhere.invalid", "--host"}},
		{"demo --log-level loud", 2, []string{"--log-level", "loud"}},
		{"demo --network no-such.json", 2, []string{"no-such.json", "--network"}},
		{"demo --network text.txt", 1, []string{"text.txt", "JSON"}},
		{"tracker --interval 10ms", 1, []string{"--interval", "10ms"}},
		{"tracker --interval soon", 2, []string{"--interval", "soon"}},
		{"tracker --listen nonsense", 1, []string{"--listen", "nonsense"}},
		{"tracker --listen 127.0.0.1:99999", 1, []string{"--listen", "99999"}},
		{"tracker --network text.txt", 1, []string{"text.txt", "JSON"}},
		{"peer --memory --tracker 127.0.0.1:5656", 1, []string{"--tracker", "http://"}},
		{"peer --memory --tracker udp://127.0.0.1:5656", 1, []string{"--tracker", "UDP"}},
		{"peer --memory --tracker http://", 1, []string{"--tracker", "host"}},
		{"peer --memory --connect 127.0.0.1", 1, []string{"--connect", "HOST:PORT", "port"}},
		{"peer --memory --connect 127.0.0.1:99999", 1, []string{"--connect", "99999"}},
		{"peer --memory --connect :8333", 1, []string{"--connect", ":8333"}},
		{"peer --memory --name a/b", 1, []string{"--name", "a/b"}},
		{"peer --memory --name ..", 1, []string{"--name", ".."}},
		{"peer --memory --name " + strings.Repeat("x", 25), 1, []string{"--name", "24"}},
		{"peer --memory --threads 0", 1, []string{"--threads", "0"}},
		{"peer --memory --threads 257", 1, []string{"--threads", "256"}},
		{"peer --memory --hash-rate=-1", 1, []string{"--hash-rate", "-1"}},
		{"peer --memory --hash-rate NaN", 1, []string{"--hash-rate"}},
		{"peer --memory --network chese", 1, []string{"--network", "chese", "cheese, regtest"}},
		{"peer --memory --network " + text, 1, []string{"text.txt", "JSON"}},
		{"peer --memory --p2p nonsense", 1, []string{"--p2p", "nonsense"}},
		{"peer --memory --http nonsense --p2p none", 1, []string{"--http", "nonsense"}},
		{"peer --memory --mnemonic-file no-such.txt", 1, []string{"--mnemonic-file", "no-such.txt"}},
		{"peer --memory --mnemonic-file text.txt", 1, []string{"--mnemonic-file", "12, 15, 18, 21 or 24", "3"}},
		{"peer --memory stray", 2, []string{"stray"}},
		{"rpc", 2, []string{"<method>"}},
		{"rpc --name nobody-here getblockcount", 1, []string{"no peer", "--name", "--data-dir"}},
		{"rpc --name a/b getblockcount", 1, []string{"--name", "a/b"}},
		{"rpc --url nonsense getblockcount", 1, []string{"--url", "nonsense"}},
	}
	for _, row := range table {
		t.Run(row.args, func(t *testing.T) {
			refused(t, (&world{t: t, home: w.home}).run(strings.Fields(row.args)...), row.code, row.want...)
		})
	}
}

// TestPortsTaken checks that the port and the flag that changes it are named.
func TestPortsTaken(t *testing.T) {
	w := newWorld(t)
	addr, port := takenPort(t)
	for _, row := range []struct{ args, flag string }{
		{"tracker --listen " + addr, "--listen"},
		{"peer --memory --http 127.0.0.1:0 --p2p " + addr, "--p2p"},
		{"peer --memory --p2p 127.0.0.1:0 --http " + addr, "--http"},
		{"demo --memory --p2p-port 0 --http-port 0 --tracker-port " + port, "--tracker-port"},
		{"demo --memory --p2p-port 0 --tracker-port 0 --http-port " + port, "--http-port"},
		{"demo --memory --http-port 0 --tracker-port 0 --p2p-port " + port, "--p2p-port"},
	} {
		t.Run(row.args, func(t *testing.T) {
			refused(t, (&world{t: t, home: w.home}).run(strings.Fields(row.args)...), 1, addr, row.flag, "another program")
		})
	}
	if left, err := filepath.Glob(w.path("*")); err != nil || len(left) > 0 {
		t.Errorf("what was refused left %v, %v", left, err)
	}
}

// TestBadDataDirectories checks folders that cannot hold a peer.
func TestBadDataDirectories(t *testing.T) {
	w := newWorld(t)
	file := w.write("file", "not a folder")
	refused(t, w.run(peerArgs("alice", "--data-dir", file)...), 1, file, "--data-dir")
	refused(t, w.run(demoArgs("--data-dir", file)...), 1, file, "--data-dir")
	refused(t, w.run(demoArgs("--fresh", "--data-dir", file)...), 1, file, "--data-dir")
	refused(t, w.run("rpc", "--data-dir", file, "getblockcount"), 1, file)
	refused(t, w.run("rpc", "--data-dir", w.path("nothing"), "getblockcount"), 1, "no peer", w.path("nothing"))

	if runtime.GOOS != "windows" && os.Getuid() != 0 { // root may write everywhere
		closed := w.path("closed")
		if err := os.Mkdir(closed, 0o500); err != nil {
			t.Fatal(err)
		}
		refused(t, w.run(peerArgs("alice", "--data-dir", closed)...), 1, closed, "--data-dir")
	}

	// A demo's folder whose network file was damaged.
	dir := w.path("damaged")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(filepath.Join("damaged", "network.json"), "{")
	refused(t, w.run(demoArgs("--data-dir", dir)...), 1, "network.json", "JSON", "--fresh")
}

// TestDataOfAnotherNetwork starts a peer on what a peer of another network left.
func TestDataOfAnotherNetwork(t *testing.T) {
	w := newWorld(t)
	dir := w.path("data")
	var r readyPeer
	p := w.start(peerArgs("alice", "--data-dir", dir)...)
	p.ready(&r)
	refused(t, w.run(peerArgs("alice", "--data-dir", dir)...), 1, dir, "another", "--data-dir")
	p.stop()
	refused(t, w.run(peerArgs("alice", "--data-dir", dir, "--network", "regtest")...), 1, dir, "network")
}

// TestBadNetworkFiles changes one field each of a file that is right.
func TestBadNetworkFiles(t *testing.T) {
	w := newWorld(t)
	good, err := os.ReadFile(w.easyNetwork(50000))
	if err != nil {
		t.Fatal(err)
	}
	for field, value := range map[string]any{"name": "Bad Name", "message": "", "time": -1, "spacing_seconds": 0, "first_hashes": 0, "fixed_difficulty": "yes",
		"subsidy": "lots", "halving_interval": 0, "maturity": -3, "prefix": "bc", "p2p_port": 0, "http_port": 99999, "tracker_port": nil, "nonce": "x", "colour": "blue"} {
		t.Run(field, func(t *testing.T) {
			w := &world{t: t, home: t.TempDir()}
			var f map[string]any
			if err := json.Unmarshal(good, &f); err != nil {
				t.Fatal(err)
			}
			f[field] = value
			b, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			path := w.write("bad.json", string(b))
			refused(t, w.run(peerArgs("alice", "--memory", "--network", path)...), 1, path, `"`+field+`"`)
		})
	}
	changed := w.write("changed.json", strings.Replace(string(good), `"TestBadNetworkFiles"`, `"Test of a message that was changed"`, 1))
	for _, args := range [][]string{{"tracker", "--network", changed}, demoArgs("--memory", "--network", changed), peerArgs("alice", "--memory", "--network", changed)} {
		if o := w.run(args...); o.code == 0 {
			t.Error("a genesis block without work was accepted")
		} else {
			refused(t, o, 1, changed, "nonce")
		}
	}
}

// TestBadNewNetworks asks for networks that there cannot be, and for a file that exists.
func TestBadNewNetworks(t *testing.T) {
	w := newWorld(t)
	path := w.path("new.json")
	for flags, want := range map[string]string{"--name Big": "--name", "--spacing 1s": "--spacing", "--spacing=-1s": "--spacing", "--spacing 1500ms": "--spacing", "--subsidy 100 --halving 1050000": "--subsidy",
		"--first-hashes 0": "--first-hashes", "--subsidy much": "--subsidy", "--halving 0": "--halving", "--maturity 0": "--maturity",
		"--prefix BC": "--prefix", "--p2p-port 0": "--p2p-port", "--http-port 5666": "--tracker-port", "--message=": "--message"} {
		t.Run(flags, func(t *testing.T) {
			refused(t, (&world{t: t, home: w.home}).run(append([]string{"network", "new", path}, strings.Fields(flags)...)...), 1, want)
		})
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file was written all the same: %v", err)
	}
	made := w.easyNetwork(2)
	before, _ := os.ReadFile(made)
	refused(t, w.run("network", "new", made, "--fixed", "--first-hashes", "2"), 1, made, "exists")
	if after, _ := os.ReadFile(made); string(after) != string(before) {
		t.Error("the network file was changed")
	}
	refused(t, w.run("network", "new", w.path("easy2.json", "x.json"), "--fixed", "--first-hashes", "2"), 1, "easy2.json")
}

// TestBadCalls asks a running peer the wrong things.
func TestBadCalls(t *testing.T) {
	w := newWorld(t)
	var r readyPeer
	p := w.start(peerArgs("alice", "--memory", "--network", w.easyNetwork(2))...)
	p.ready(&r)
	at := w.with("CHEESE_RPC_PASSWORD=" + r.RPCPassword)
	call := func(args ...string) outcome { return at.run(append([]string{"rpc", "--url", r.RPC}, args...)...) }
	refused(t, call("getblockcuont"), 1, "getblockcuont", "help")
	if o := call("getblockhash"); o.code != 1 || !strings.HasPrefix(o.stderr, "cheese: getblockhash cannot be called like this:\n\ngetblockhash height\n") {
		t.Errorf("a call without its argument prints: %s", o.stderr)
	}
	refused(t, call("getblockhash", "high"), 1, "height")
	refused(t, call("getblockhash", "1000"), 1, "out of range")
	refused(t, call("--named", "getblockhash", "depth=1"), 1, "depth")
	refused(t, call("sendtoaddress", "chz1nonsense", "1"), 1, "ddress")
	refused(t, call("sendtoaddress", r.Address, "-1"), 1, "mount")
	refused(t, call("sendtoaddress", r.Address, "1"), 1, "nsufficient")
	refused(t, w.with("CHEESE_RPC_PASSWORD=wrong").run("rpc", "--url", r.RPC, "getblockcount"), 1, "password", r.RPC)
	refused(t, at.run("rpc", "--url", r.RPC, "--user", "nobody", "getblockcount"), 1, "user")
	refused(t, at.run("rpc", "--url", "http://"+r.P2P, "getblockcount"), 1, r.P2P)
	p.stop()
	refused(t, call("getblockcount"), 1, r.RPC, "running")
}
