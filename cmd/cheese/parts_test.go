package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// peerArgs are a peer's for a test: on free loopback ports, and hashing only when told to.
func peerArgs(name string, more ...string) []string {
	return append([]string{"peer", "--json", "--name", name, "--p2p", "127.0.0.1:0", "--http", "127.0.0.1:0", "--no-mine"}, more...)
}

// ask calls a peer without data directory by `cheese rpc --url`.
func (w *world) ask(p readyPeer, args ...string) string {
	w.t.Helper()
	return w.with("CHEESE_RPC_PASSWORD=" + p.RPCPassword).ok(append([]string{"rpc", "--url", p.RPC}, args...)...)
}

// TestPartsMeet runs each part as a process of its own, as on separate machines.
func TestPartsMeet(t *testing.T) {
	w := newWorld(t)
	network := w.easyNetwork(2)
	tracker := w.start("tracker", "--json", "--listen", "127.0.0.1:0", "--network", network, "--interval", "2s")
	var at readyTracker
	tracker.ready(&at)
	if at.URL != "http://"+at.Addr {
		t.Errorf("ready line: %+v", at)
	}
	var alice, bob readyPeer
	a := w.start(peerArgs("alice", "--memory", "--tracker", at.URL, "--network", network)...)
	a.ready(&alice)
	b := w.start(peerArgs("bob", "--data-dir", w.path("bob"), "--tracker", at.URL, "--network", network)...)
	b.ready(&bob)
	checkPrivate(t, []readyPeer{bob})
	connected(t, []readyPeer{alice, bob})
	if file, err := os.ReadFile(w.path("bob", "ready.json")); err != nil || len(strings.Fields(bob.Mnemonic)) != 12 || strings.Contains(string(file), bob.Mnemonic) {
		t.Errorf("recovery words %q, which belong on standard output only: %s, %v", bob.Mnemonic, file, err)
	}

	var hashes []string
	if err := json.Unmarshal([]byte(w.ask(alice, "generatetoaddress", "5", bob.Address)), &hashes); err != nil || len(hashes) != 5 {
		t.Fatalf("generatetoaddress: %q, %v", hashes, err)
	}
	eventually(t, "bob has alice's five cheeses", func() bool { return rpcAs[string](t, bob, "getbestblockhash") == hashes[4] })
	for _, got := range []string{w.ask(alice, "getblockcount"), w.ok("rpc", "--data-dir", w.path("bob"), "getblockcount")} {
		if got != "5" {
			t.Errorf("getblockcount prints %q", got)
		}
	}
	// Two rewards of 50 are mature: a coinbase at height h may be spent in block h+3, and the next block is 6.
	checkPayment(t, w, alice, bob)
	checkWords(t, w)

	if got := w.ok("rpc", "--data-dir", w.path("bob"), "stop"); !strings.Contains(got, "stopping") {
		t.Errorf("stop prints %q", got)
	}
	b.wait(0)
	checkGone(t, []readyPeer{bob})
	w.ask(alice, "stop")
	a.wait(0)
	for _, text := range []string{"name=alice", "name=bob", "peer left"} {
		if !strings.Contains(tracker.log(), text) {
			t.Errorf("the tracker's terminal did not say %q", text)
		}
	}
	tracker.stop()
}

// checkPayment pays from bob to alice on the command line and mines it at alice.
func checkPayment(t *testing.T, w *world, alice, bob readyPeer) {
	t.Helper()
	txid := w.ok("rpc", "--data-dir", w.path("bob"), "sendtoaddress", alice.Address, "2.5")
	eventually(t, "alice has the payment", func() bool { return strings.Contains(w.ask(alice, "getrawmempool"), txid) })
	w.ask(alice, "generatetoaddress", "1", alice.Address)
	minedAt(t, bob, txid, 5)
	eventually(t, "alice's wallet has it", func() bool { return rpcAs[float64](t, alice, "getbalance") == 2.5 })
}

// checkWords checks how results of each shape are printed and arguments of each shape are read.
func checkWords(t *testing.T, w *world) {
	t.Helper()
	dir := []string{"rpc", "--data-dir", w.path("bob")}
	named := w.ok(append(dir, "--named", "getblockhash", "height=0")...)
	if got := w.ok(append(dir, "getblockhash", "0")...); got != named || len(got) != 64 {
		t.Errorf("getblockhash prints %q, by name %q", got, named)
	}
	if got := w.ok(append(dir, "getblock", named, "1")...); !strings.HasPrefix(got, "{\n  \"hash\"") {
		t.Errorf("getblock prints %.40q", got)
	}
	if got := w.ok(append(dir, "help")...); !strings.Contains(got, "getblockcount") || strings.Contains(got, `\n`) {
		t.Errorf("help prints %.200q", got)
	}
	if got := w.ok(append(dir, "getnetworkinfo")...); !strings.Contains(got, "(bob)") {
		t.Errorf("getnetworkinfo does not name the peer: %s", got)
	}
}

// TestPeersWithoutTracker names an address instead, of a peer that comes back after it went.
func TestPeersWithoutTracker(t *testing.T) {
	w := newWorld(t)
	network := w.easyNetwork(2)
	var alice, bob readyPeer
	a := w.start(peerArgs("alice", "--memory", "--network", network)...)
	a.ready(&alice)
	b := w.start(peerArgs("bob", "--memory", "--network", network, "--connect", alice.P2P)...)
	b.ready(&bob)
	connected(t, []readyPeer{alice, bob})
	b.stop()
	a.stop()
}

// TestWalletIsRestored takes the words a new wallet printed to another folder.
func TestWalletIsRestored(t *testing.T) {
	w := newWorld(t).with("CHEESE_PASSPHRASE=Käse")
	network := w.easyNetwork(2)
	p := w.start("peer", "--name", "first", "--p2p", "127.0.0.1:0", "--http", "127.0.0.1:0", "--no-mine", "--network", network)
	var said []string
	eventually(t, "the recovery words", func() bool {
		for len(p.lines) > 0 {
			said = append(said, <-p.lines)
		}
		return len(strings.Fields(words(said))) >= 12
	})
	var address string
	for _, line := range said {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "address" {
			address = f[1]
		}
	}
	t.Log(strings.Join(said, "\n"))
	for len(p.lines) > 0 {
		<-p.lines
	}
	if got := w.ok("rpc", "--name", "first", "--network", network, "getblockcount"); got != "0" {
		t.Errorf("cheese rpc --name prints %q", got)
	}
	p.stop()
	dir := w.path(".cheese", "easy", "first")
	if _, err := os.Stat(filepath.Join(dir, "wallets")); err != nil {
		t.Errorf("the wallet is not where the README says: %v", err)
	}

	refused(t, w.with("CHEESE_PASSPHRASE=Quark").run(peerArgs("first", "--network", network)...), 1, "passphrase", "CHEESE_PASSPHRASE")
	refused(t, w.run(peerArgs("first", "--network", network, "--mnemonic-file", w.write("other.txt", strings.Repeat("zoo ", 11)+"wrong\n"))...), 1, "words")

	var again, restored readyPeer
	p = w.start(peerArgs("first", "--network", network)...)
	p.ready(&again)
	p.stop()
	if again.Mnemonic != "" {
		t.Error("the recovery words were told twice")
	}
	r := w.start(peerArgs("second", "--network", network, "--mnemonic-file", w.write("words.txt", words(said)+"\n"))...)
	r.ready(&restored)
	r.stop()
	if again.Address != address || restored.Address != address {
		t.Errorf("the wallet had address %q, then %q, restored %q", address, again.Address, restored.Address)
	}
}

// words finds the recovery words in what a peer printed.
func words(lines []string) string {
	for i, line := range lines {
		if strings.Contains(line, "recovery words") && i+1 < len(lines) {
			return strings.TrimSpace(lines[i+1])
		}
	}
	return ""
}
