package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"cheese/coin"
	"cheese/node"
	"cheese/wallet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness is a running regtest peer in memory, without listener and miner, and its RPC behind an HTTP server.
type harness struct {
	stopped <-chan struct{} // closed when the node has ended
	t       *testing.T
	node    *node.Node
	server  *Server
	url     string
	client  *Client
}

var testAuth = Credentials{User: "__cookie__", Password: "0123456789abcdef"}

func newHarness(t *testing.T) *harness { return newPeer(t, nil) }

// peers counts the peers of a run: those with the same seed would take each other for themselves.
var peers atomic.Int32

// newPeer is newHarness with a listener for other peers, or nil.
func newPeer(t *testing.T, listener net.Listener) *harness {
	t.Helper()
	return newNode(t, node.Config{Listener: listener})
}

// newNode is newHarness with what the configuration says beyond that.
func newNode(t *testing.T, cfg node.Config) *harness {
	t.Helper()
	cfg.Params, cfg.Name, cfg.Version, cfg.Dir, cfg.FS = coin.Regtest(), "alice", "0.1.0", "alice", vfs.NewMem()
	cfg.KDF, cfg.NoMine, cfg.Seed, cfg.Dial = wallet.LightKDF, true, [32]byte{1, byte(peers.Add(1))}, dial
	n, err := node.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended, stopped := make(chan error, 1), make(chan struct{})
	go func() { ended <- n.Run(ctx); close(stopped) }()
	h := &harness{t: t, node: n, server: New(n, testAuth), stopped: stopped}
	web := httptest.NewServer(h.server)
	transport := &http.Transport{}
	h.url = web.URL
	h.client = &Client{URL: web.URL, User: testAuth.User, Password: testAuth.Password, HTTP: &http.Client{Transport: transport}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		web.Close()
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the node does not stop")
		}
	})
	return h
}

func dial(ctx context.Context, addr string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

// call calls a method with JSON arguments and decodes its result, numbers kept as they are written.
func (h *harness) call(method, params string) any {
	h.t.Helper()
	raw, err := h.client.Call(h.t.Context(), method, json.RawMessage(params))
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, params, err)
	}
	return decode(h.t, raw)
}

func decode(t *testing.T, raw json.RawMessage) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

// is checks a method's result, written as JSON.
func (h *harness) is(want, method, params string) {
	h.t.Helper()
	raw, err := h.client.Call(h.t.Context(), method, json.RawMessage(params))
	if err != nil || string(raw) != want {
		h.t.Fatalf("%s %s: got %s, %v; want %s", method, params, raw, err, want)
	}
}

// fails checks that a method is refused with this code and words.
func (h *harness) fails(code int, words, method, params string) {
	h.t.Helper()
	raw, err := h.client.Call(h.t.Context(), method, json.RawMessage(params))
	var e *Error
	if !errors.As(err, &e) {
		h.t.Fatalf("%s %s: got %s, %v; want code %d", method, params, raw, err, code)
	}
	if e.Code != code || !strings.Contains(e.Message, words) {
		h.t.Fatalf("%s %s: got %d %q; want %d %q", method, params, e.Code, e.Message, code, words)
	}
}

// mine generates blocks to an address and returns their hashes.
func (h *harness) mine(n, address string) []any {
	h.t.Helper()
	return h.call("generatetoaddress", "["+n+","+quote(address)+"]").([]any)
}

func quote(s any) string {
	b, err := encode(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// post sends a raw body and returns status and answer.
func (h *harness) post(body string) (int, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.SetBasicAuth(testAuth.User, testAuth.Password)
	return h.do(req)
}

func (h *harness) do(req *http.Request) (int, string) {
	h.t.Helper()
	res, err := h.client.HTTP.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSuffix(string(answer), "\n")
}
