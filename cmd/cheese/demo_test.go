package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// bootstrap is the height a fresh demo starts with, from the blocks that pay its peers.
const bootstrap = 9

// coolly adds a low hash rate, with which the first blocks take a tenth of the time that they take in TestDemo.
func coolly(args ...string) []string { return append(args, "--hash-rate", "4500") }

func height(t *testing.T, p readyPeer) int {
	t.Helper()
	return rpcAs[int](t, p, "getblockcount")
}

func hashAt(t *testing.T, p readyPeer, height int) string {
	t.Helper()
	return rpcAs[string](t, p, "getblockhash", height)
}

// connected waits until every peer is connected to all others, once each.
func connected(t *testing.T, peers []readyPeer) {
	t.Helper()
	eventually(t, "all peers are connected to each other", func() bool {
		return !slices.ContainsFunc(peers, func(p readyPeer) bool { return rpcAs[int](t, p, "getconnectioncount") != len(peers)-1 })
	})
}

// minedAt waits until a peer has the transaction in a block above from, and returns the block's height.
func minedAt(t *testing.T, p readyPeer, txid string, from int) (at int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s has %s in a block", p.Name, txid), func() bool {
		for at = height(t, p); at > from; at-- {
			block := rpcAs[struct{ Tx []string }](t, p, "getblock", hashAt(t, p, at), 1)
			if slices.Contains(block.Tx, txid) {
				return true
			}
		}
		return false
	})
	return at
}

// settle turns the miners off, waits until all agree, and returns the tip that they agree on.
func settle(t *testing.T, peers []readyPeer) (tip string, at int) {
	t.Helper()
	for _, p := range peers {
		openWindow(t, p).post("/api/mining", `{"on": false}`, nil)
	}
	time.Sleep(300 * time.Millisecond) // what was found as the miners stopped is on its way
	eventually(t, "all peers have the same tip", func() bool {
		tip = rpcAs[string](t, peers[0], "getbestblockhash")
		return !slices.ContainsFunc(peers, func(p readyPeer) bool { return rpcAs[string](t, p, "getbestblockhash") != tip })
	})
	return tip, height(t, peers[0])
}

// TestDemo is the tour of the README, on what a program reads from the ready line.
func TestDemo(t *testing.T) {
	w := newWorld(t)
	p := w.start(demoArgs("--memory")...)
	var d readyDemo
	p.ready(&d)
	checkDemoReady(t, p, d)
	for _, peer := range d.Peers {
		openWindow(t, peer)
	}
	connected(t, d.Peers)
	if status, page := get(t, client, d.Tracker+"/"); status != http.StatusOK || !strings.Contains(page, "<html") {
		t.Errorf("the tracker's page: %d %s", status, page)
	}

	var sent struct {
		TxID          string
		RecipientName string
		Amount, Fee   int64
	}
	from := height(t, d.Peers[0])
	openWindow(t, d.Peers[0]).post("/api/transaction", `{"random": true}`, &sent)
	if sent.Amount < 1e8 || sent.Amount > 10e8 || sent.Fee <= 0 || sent.RecipientName == d.Peers[0].Name || !strings.HasPrefix(sent.RecipientName, "Peer") {
		t.Errorf("the random payment: %+v", sent)
	}
	var where []string
	for _, peer := range d.Peers {
		where = append(where, hashAt(t, peer, minedAt(t, peer, sent.TxID, from)))
	}
	t.Logf("the payment was mined in %v after %v", where, time.Since(p.began).Round(time.Millisecond))
	for _, text := range []string{"cheese mined", "new cheese added", "transaction created", "transaction received"} {
		if !strings.Contains(p.log(), text) {
			t.Errorf("the terminal did not say %q", text)
		}
	}
	p.stop()
	if entries, err := os.ReadDir(w.home); err != nil || len(entries) > 0 {
		t.Errorf("--memory left %v, %v", entries, err)
	}
}

func checkDemoReady(t *testing.T, p *process, d readyDemo) {
	t.Helper()
	if len(d.Peers) != 3 || d.Network != "demo" || d.Mnemonic == "" || d.DataDir != "" {
		t.Fatalf("ready line: %+v", d)
	}
	seen := map[string]bool{}
	for i, peer := range d.Peers {
		if peer.Name != fmt.Sprintf("Peer%d", i+1) || peer.Network != "demo" || !strings.HasPrefix(peer.Address, "chz1p") || peer.PID != p.cmd.Process.Pid {
			t.Errorf("ready line: %+v", peer)
		}
		if peer.Balance <= 0 {
			t.Errorf("%s has nothing to pay with", peer.Name)
		}
		if peer.Cookie != "" || peer.DataDir != "" {
			t.Errorf("%s keeps nothing, but has %q and %q", peer.Name, peer.Cookie, peer.DataDir)
		}
		for _, own := range []string{peer.Window, peer.RPC, peer.Token, peer.RPCPassword, peer.P2P, peer.Address} {
			if own == "" || seen[own] {
				t.Errorf("%s: %q is nothing or another peer's", peer.Name, own)
			}
			seen[own] = true
		}
		if got := height(t, peer); got < bootstrap {
			t.Errorf("%s starts at height %d", peer.Name, got)
		}
	}
}

// TestDemoGuards checks that the doors let nobody in who has not read the terminal.
func TestDemoGuards(t *testing.T) {
	w := newWorld(t)
	p := w.start(demoArgs(coolly("--memory", "--peers", "1")...)...)
	var d readyDemo
	p.ready(&d)
	peer := d.Peers[0]
	origin := strings.TrimSuffix(peer.RPC, "/")
	if status, _ := get(t, client, origin+"/api/state"); status != http.StatusUnauthorized {
		t.Errorf("the state without a cookie: %d", status)
	}
	if status, _ := get(t, client, origin+"/?token=wrong"); status != http.StatusForbidden {
		t.Errorf("a wrong token: %d", status)
	}
	r, err := http.NewRequest(http.MethodPost, peer.RPC, strings.NewReader(`{"method": "stop"}`))
	if err != nil {
		t.Fatal(err)
	}
	if status, b := send(t, client, r); status != http.StatusUnauthorized {
		t.Errorf("RPC without password: %d %s", status, b)
	}
	p.stop()
}

// TestDemoCarriesOn stops a demo and starts it again from what it kept, and then anew.
func TestDemoCarriesOn(t *testing.T) {
	w := newWorld(t)
	dir := w.path("kept")
	p := w.start(demoArgs(coolly("--data-dir", dir)...)...)
	var first readyDemo
	p.ready(&first)
	checkPrivate(t, first.Peers)
	genesis := hashAt(t, first.Peers[0], 0)
	tip, at := settle(t, first.Peers)
	var balances []int64
	for _, peer := range first.Peers {
		balances = append(balances, openWindow(t, peer).spendable())
	}
	if got := w.ok("rpc", "--data-dir", filepath.Join(dir, "Peer2"), "getbestblockhash"); got != tip {
		t.Errorf("cheese rpc --data-dir: tip %s, not %s", got, tip)
	}
	refused(t, w.run(demoArgs(coolly("--data-dir", dir)...)...), 1, dir, "another", "--data-dir")
	refused(t, w.run(demoArgs(coolly("--data-dir", dir, "--fresh")...)...), 1, dir, "another", "--data-dir")
	if got := rpcAs[string](t, first.Peers[1], "getbestblockhash"); got != tip {
		t.Errorf("a second process moved the first one's tip")
	}
	checkPrivate(t, first.Peers)
	p.stop()
	checkGone(t, first.Peers)

	p = w.start(demoArgs(coolly("--data-dir", dir)...)...)
	var second readyDemo
	p.ready(&second)
	for i, peer := range second.Peers {
		if got := hashAt(t, peer, at); got != tip {
			t.Errorf("%s has %s at height %d, not %s", peer.Name, got, at, tip)
		}
		if peer.Address != first.Peers[i].Address || peer.Balance != balances[i] {
			t.Errorf("%s had %s and %v, now %s and %v", peer.Name, first.Peers[i].Address, balances[i], peer.Address, peer.Balance)
		}
		if peer.Token == first.Peers[i].Token || peer.RPCPassword == first.Peers[i].RPCPassword {
			t.Errorf("%s kept a secret that belongs to one run", peer.Name)
		}
	}
	connected(t, second.Peers)
	p.stop()

	mine := filepath.Join(dir, "Peer review")
	if err := os.Mkdir(mine, 0o700); err != nil {
		t.Fatal(err)
	}
	p = w.start(demoArgs(coolly("--data-dir", dir, "--fresh")...)...)
	var third readyDemo
	p.ready(&third)
	if got := hashAt(t, third.Peers[0], 0); got == genesis || height(t, third.Peers[0]) < bootstrap {
		t.Errorf("--fresh starts from Blue Cheese %s again", got)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("--fresh deleted what is not a demo's: %v", err)
	}
	p.stop()
}

// checkPrivate checks that nobody else on the machine can read what lets programs in.
func checkPrivate(t *testing.T, peers []readyPeer) {
	t.Helper()
	for _, p := range peers {
		cookie, err := os.ReadFile(p.Cookie)
		if err != nil || string(cookie) != p.RPCUser+":"+p.RPCPassword {
			t.Errorf("%s's cookie file: %q, %v", p.Name, cookie, err)
		}
		for _, path := range []string{p.Cookie, filepath.Join(p.DataDir, "ready.json")} {
			info, err := os.Stat(path)
			if err != nil {
				t.Error(err)
			} else if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("%s has permissions %v", path, info.Mode())
			}
		}
	}
}

func checkGone(t *testing.T, peers []readyPeer) {
	t.Helper()
	for _, p := range peers {
		for _, path := range []string{p.Cookie, filepath.Join(p.DataDir, "ready.json")} {
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("%s is still there after the end: %v", path, err)
			}
		}
	}
}

// TestDemoSurvivesKill pulls the plug while blocks come several a second.
func TestDemoSurvivesKill(t *testing.T) {
	w := newWorld(t)
	network, dir := w.easyNetwork(15000), w.path("killed")
	args := demoArgs("--data-dir", dir, "--network", network)
	var before, after readyDemo
	p := w.start(args...)
	p.ready(&before)
	start := height(t, before.Peers[0])
	eventually(t, "five cheeses", func() bool { return height(t, before.Peers[0]) >= start+5 })
	p.kill()
	refused(t, w.run("rpc", "--data-dir", filepath.Join(dir, "Peer1"), "getblockcount"), 1, before.Peers[0].RPC, "is the peer running")

	p = w.start(args...)
	p.ready(&after)
	checkPrivate(t, after.Peers)
	for i, peer := range after.Peers {
		if got := height(t, peer); got < start {
			t.Errorf("%s is back at height %d", peer.Name, got)
		}
		if peer.Address != before.Peers[i].Address {
			t.Errorf("%s's wallet is another one", peer.Name)
		}
	}
	connected(t, after.Peers)
	next := height(t, after.Peers[0]) + 3
	eventually(t, "more cheeses", func() bool { return height(t, after.Peers[0]) >= next })
	settle(t, after.Peers)
	p.stop()
	checkGone(t, after.Peers)
}

// TestDemoClassic is the original exercise: nothing happens until the buttons are pressed. On this network a race
// lasts a fraction of a second, so that a cheese mined too early would show.
func TestDemoClassic(t *testing.T) {
	w := newWorld(t)
	p := w.start(demoArgs("--classic", "--memory", "--network", w.easyNetwork(5000))...)
	var d readyDemo
	p.ready(&d)
	start := height(t, d.Peers[0])
	time.Sleep(2 * time.Second)
	for _, peer := range d.Peers {
		if got := rpcAs[int](t, peer, "getconnectioncount"); got != 0 {
			t.Errorf("%s has %d connections before any button", peer.Name, got)
		}
	}
	windows := make([]*window, len(d.Peers))
	for i, peer := range d.Peers {
		windows[i] = openWindow(t, peer)
	}
	windows[0].listed(t, 2)
	for _, v := range windows {
		v.post("/api/connect-peers", "{}", nil)
	}
	connected(t, d.Peers)
	pay := func(i int) { windows[i].post("/api/transaction", `{"random": true}`, nil) }
	pay(0)
	pay(1)
	time.Sleep(2 * time.Second)
	for _, peer := range d.Peers {
		if got := height(t, peer); got != start {
			t.Errorf("%s went from %d to %d though only two transactions wait", peer.Name, start, got)
		}
	}
	pay(2)
	for _, peer := range d.Peers {
		eventually(t, peer.Name+" has the cheese", func() bool { return height(t, peer) > start })
	}
	p.stop()
}

// listed waits until the window's peer list has so many peers.
func (w *window) listed(t *testing.T, want int) {
	t.Helper()
	var got struct {
		Peers []struct {
			Addr string
			Self bool
		}
	}
	eventually(t, fmt.Sprintf("the peer list has the %d others", want), func() bool {
		w.post("/api/peer-list", "{}", &got)
		return len(got.Peers) == want
	})
}

// TestDemoTable reads what people see, who do not ask for JSON.
func TestDemoTable(t *testing.T) {
	w := newWorld(t)
	p := w.start(append(coolly("demo", "--memory", "--peers", "2"), freePorts...)...)
	var table []string
	eventually(t, "the table", func() bool {
		select {
		case line := <-p.lines:
			table = append(table, line)
		default:
		}
		return slices.ContainsFunc(table, func(l string) bool { return strings.Contains(l, "Ctrl-C") })
	})
	text := strings.Join(table, "\n")
	t.Log(text)
	for _, want := range []string{"http://127.0.0.1:", "?token=", "Peer1", "Peer2", "chz1p", " CHZ", "cheese love"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table does not have %q:\n%s", want, text)
		}
	}
	if strings.Contains(text+p.log(), "\x1b[") {
		t.Error("colours though no terminal reads them")
	}
	for len(p.lines) > 0 {
		<-p.lines
	}
	p.stop()
}
