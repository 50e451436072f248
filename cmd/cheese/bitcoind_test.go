package main_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cheese/rpc"
)

// judged is a `cheese bitcoind` process and its RPC.
type judged struct {
	*process
	client *rpc.Client
	dir    string // the network's
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// bitcoind starts a node on a data directory of that name and waits until it answers. Without password in args it is
// asked with the cookie's.
func (w *world) bitcoind(dir string, args ...string) *judged {
	w.t.Helper()
	if err := os.MkdirAll(w.path(dir), 0o700); err != nil {
		w.t.Fatal(err)
	}
	port := freePort(w.t)
	p := w.start(append([]string{"bitcoind", "-regtest", "-datadir=" + w.path(dir), "-rpcport=" + port, "-listen=0", "-printtoconsole=0"}, args...)...)
	j := &judged{process: p, client: &rpc.Client{URL: "http://127.0.0.1:" + port, User: "u", Password: "p"}, dir: w.path(dir, "regtest")}
	eventually(w.t, "the RPC answers", func() bool {
		if !strings.Contains(strings.Join(args, " "), "-rpcpassword") {
			b, _ := os.ReadFile(filepath.Join(j.dir, ".cookie"))
			j.client.User, j.client.Password, _ = strings.Cut(string(b), ":")
		}
		_, err := j.client.Call(w.t.Context(), "getblockcount", nil)
		return err == nil
	})
	return j
}

// is checks a method's result, and says returns it.
func (j *judged) is(want, method string, params ...any) {
	j.t.Helper()
	if got := j.says(method, params...); got != want {
		j.t.Errorf("%s %v gives %s, not %s", method, params, got, want)
	}
}

func (j *judged) says(method string, params ...any) string {
	j.t.Helper()
	b, err := json.Marshal(append([]any{}, params...))
	if err != nil {
		j.t.Fatal(err)
	}
	raw, err := j.client.Call(j.t.Context(), method, b)
	if err != nil {
		j.t.Fatalf("%s: %v", method, err)
	}
	return string(raw)
}

// has checks what stands in a folder of the network's directory.
func (j *judged) has(want string, folder ...string) {
	j.t.Helper()
	entries, err := os.ReadDir(filepath.Join(append([]string{j.dir}, folder...)...))
	if err != nil {
		j.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != want {
		j.t.Errorf("%s holds %s, not %s", filepath.Join(folder...), got, want)
	}
}

// nobody is an address that nobody has the key of.
const nobody = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"

// TestBitcoind mines on one node, hands the blocks to another as bitcoind is handed them, and starts that one anew.
func TestBitcoind(t *testing.T) {
	w := newWorld(t)
	first := w.bitcoind("first", "-rpcuser=u", "-rpcpassword=p", "-mocktime=1700000000", "-par=1")
	var hashes []string
	if err := json.Unmarshal([]byte(first.says("generatetoaddress", 3, nobody)), &hashes); err != nil {
		t.Fatal(err)
	}
	var blocks []json.RawMessage
	for _, h := range hashes {
		blocks = append(blocks, json.RawMessage(first.says("getblock", h, 0)))
	}
	if header := first.says("getblockheader", hashes[0]); !strings.Contains(header, `"time":1700000000`) {
		t.Errorf("the first block's header is %s", header)
	}
	first.is("null", "setmocktime", 1_700_000_100)
	first.is("null", "invalidateblock", hashes[1])
	first.is("1", "getblockcount")
	first.has("", "wallets")
	first.is(`"cheese stopping"`, "stop")
	first.wait(0)
	if b, err := os.ReadFile(filepath.Join(first.dir, "debug.log")); err != nil || !strings.Contains(string(b), "flag=-par") {
		t.Errorf("debug.log does not warn of -par: %s, %v", b, err)
	}

	w.write("bitcoin.conf", "server=1\n[regtest]\nfallbackfee=0.0002\n")
	second := w.bitcoind("second", "-conf="+w.path("bitcoin.conf"))
	second.is(`"prev-blk-not-found"`, "submitblock", blocks[1])
	for _, b := range blocks {
		second.is("null", "submitblock", b)
	}
	second.is(fmt.Sprintf("%q", hashes[2]), "getbestblockhash")
	second.process.stop()
	second.has("blocks chainstate debug.log indexes mempool.dat wallets")
	second.has("", "wallets")
	second = w.bitcoind("second")
	second.is("3", "getblockcount")
	second.process.stop()
}

// TestBitcoindsMeet: one accepts other nodes, one connects to it, and both have the same chain.
func TestBitcoindsMeet(t *testing.T) {
	w := newWorld(t)
	at := "127.0.0.1:" + freePort(t)
	first := w.bitcoind("first", "-listen=1", "-bind="+at)
	second := w.bitcoind("second", "-connect="+at)
	first.says("generatetoaddress", 5, nobody)
	eventually(t, "the block arrives", func() bool { return second.says("getblockcount") == "5" })
	first.process.stop()
	second.process.stop()
}

// TestBitcoindRefuses says what keeps it from starting.
func TestBitcoindRefuses(t *testing.T) {
	w := newWorld(t)
	w.write("bad.conf", "server\n")
	dir := "-datadir=" + w.home
	for _, test := range []struct {
		args string
		want []string
	}{
		{"-foo", []string{"-foo", "-help"}},
		{"", []string{"-regtest"}},
		{"-regtest -datadir=nowhere", []string{"-datadir=nowhere"}},
		{dir + " -conf=nowhere -regtest", []string{"-conf", "nowhere"}},
		{dir + " -conf=bad.conf -regtest", []string{"bad.conf", "line 1"}},
		{dir + " -regtest -testactivationheight=x@1", []string{"-testactivationheight"}},
		{dir + " -regtest -listen=0 -rpcauth=me", []string{"-rpcauth", "SALT"}},
		{dir + " -regtest -listen=0 -rpcport=70000", []string{"-rpcport", "70000"}},
		{dir + " -regtest -port=0", []string{"-port", "65535"}},
	} {
		o := w.run(append([]string{"bitcoind", "-printtoconsole=0"}, strings.Fields(test.args)...)...)
		refused(t, o, 1, test.want...)
	}
	running := w.bitcoind("taken")
	o := w.run("bitcoind", "-regtest", "-datadir="+w.path("taken"), "-listen=0", "-printtoconsole=0")
	refused(t, o, 1, "another program uses", "-datadir")
	running.process.stop()
}
