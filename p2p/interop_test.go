package p2p

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"cheese/coin"
)

// btcdModule is the other implementation that we must get on with.
const btcdModule = "github.com/btcsuite/btcd@v0.26.2"

// btcd is a running btcd on regtest.
type btcd struct {
	t        *testing.T
	p2p, rpc string
}

// buildBtcd returns the path of a btcd, or skips the test, saying why.
func buildBtcd(t *testing.T) string {
	t.Helper()
	if os.Getenv("CHEESE_INTEROP") == "" {
		t.Skip("set CHEESE_INTEROP=1 to sync with btcd")
	}
	dir := t.TempDir()
	build := exec.Command("go", "install", btcdModule)
	build.Dir = dir // outside of our module
	build.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: btcd cannot be built here: %v\n%s", err, out)
	}
	return filepath.Join(dir, "btcd")
}

// freePort returns a port of this machine that was free a moment ago.
func freePort(t *testing.T) string {
	l := loopback(t)
	defer l.Close()
	return l.Addr().String()
}

func startBtcd(t *testing.T, binary string, args ...string) *btcd {
	t.Helper()
	b := &btcd{t: t, p2p: freePort(t), rpc: freePort(t)}
	pay, ok := coin.Regtest().Address(anyone)
	if !ok {
		t.Fatal("no address")
	}
	dir := t.TempDir()
	args = append([]string{"--regtest", "--notls", "--nodnsseed", "--nobanning", "--rpcuser=u", "--rpcpass=p", "--trickleinterval=100ms",
		"--datadir=" + dir, "--logdir=" + dir, "--configfile=" + filepath.Join(dir, "none.conf"),
		"--listen=" + b.p2p, "--rpclisten=" + b.rpc, "--miningaddr=" + pay}, args...)
	if err := os.WriteFile(filepath.Join(dir, "none.conf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		stop := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		stop.Stop()
		if t.Failed() {
			t.Logf("btcd said:\n%s", log.Bytes())
		}
	})
	until(t, "btcd answers", func() bool { return b.call("getblockcount", nil) == nil })
	return b
}

// call makes an RPC; result may be nil.
func (b *btcd) call(method string, result any, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, _ := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": 1, "method": method, "params": params})
	req, _ := http.NewRequest("POST", "http://"+b.rpc, bytes.NewReader(body))
	req.SetBasicAuth("u", "p")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Result json.RawMessage
		Error  *struct{ Message string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return errors.New(answer.Error.Message)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

func (b *btcd) must(method string, result any, params ...any) {
	b.t.Helper()
	if err := b.call(method, result, params...); err != nil {
		b.t.Fatalf("btcd %s: %v", method, err)
	}
}

func (b *btcd) tip() (h coin.Hash) {
	b.t.Helper()
	b.must("getbestblockhash", &h)
	return h
}

func (b *btcd) hasTx(id coin.Hash) bool {
	var ids []coin.Hash
	b.must("getrawmempool", &ids)
	for _, h := range ids {
		if h == id {
			return true
		}
	}
	return false
}

// TestSyncWithBtcd has blocks and transactions flow both ways between us and btcd, dialing and being dialed.
func TestSyncWithBtcd(t *testing.T) {
	binary := buildBtcd(t)
	defer http.DefaultClient.CloseIdleConnections()
	first := startBtcd(t, binary)
	var hashes []coin.Hash
	first.must("generate", &hashes, 2100)

	us := start(t, "us", loopback(t))
	if err := us.Connect(context.Background(), first.p2p); err != nil {
		t.Fatal(err)
	}
	until(t, "we have btcd's blocks", func() bool { return us.tip() == first.tip() })
	first.must("generate", &hashes, 3)
	until(t, "we follow btcd", func() bool { return us.tip() == first.tip() })
	us.mine(600)
	until(t, "btcd follows us", func() bool { return us.tip() == first.tip() })

	ours := spend(us.coinbase(1), 1000)
	if err := us.pool.Accept(ours); err != nil {
		t.Fatal(err)
	}
	until(t, "btcd has our transaction", func() bool { return first.hasTx(ours.ID()) })
	theirs := spend(us.coinbase(2), 2000)
	first.must("sendrawtransaction", nil, fmt.Sprintf("%x", theirs.Bytes()), false)
	until(t, "we have btcd's transaction", func() bool { return us.pool.View().Has(theirs.ID()) })
	first.must("generate", &hashes, 1)
	until(t, "both are mined", func() bool { return us.tip() == first.tip() && us.pool.View().Len() == 0 })

	for _, transport := range []string{"--v2transport", "--nostalldetect"} {
		t.Run("dialed by a fresh btcd with "+transport, func(t *testing.T) {
			second := startBtcd(t, binary, "--connect="+us.addr, transport)
			until(t, "btcd has our blocks", func() bool { return second.tip() == us.tip() })
			us.mine(2)
			until(t, "btcd follows us", func() bool { return second.tip() == us.tip() })
			second.must("generate", &hashes, 2)
			until(t, "we follow btcd", func() bool { return second.tip() == us.tip() })
		})
	}
}

// TestSyncWithBtcdWhoseLastBlockIsOld is about the case in which btcd does not answer getheaders.
func TestSyncWithBtcdWhoseLastBlockIsOld(t *testing.T) {
	binary := buildBtcd(t)
	defer http.DefaultClient.CloseIdleConnections()
	old, young := start(t, "old", loopback(t)), start(t, "young", nil)
	old.mine(700) // with timestamps soon after genesis
	between := startBtcd(t, binary, "--addpeer="+old.addr)
	until(t, "btcd has the blocks", func() bool { return between.tip() == old.tip() })
	if err := young.Connect(t.Context(), between.p2p); err != nil {
		t.Fatal(err)
	}
	until(t, "we have them from btcd", func() bool { return young.tip() == old.tip() })
}
