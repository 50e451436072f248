package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"cheese/coin"
	"cheese/node"
	"cheese/wallet"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testToken = "0123456789abcdef"

// window is a browser's view of a peer's server.
type window struct {
	t    *testing.T
	node *node.Node
	base string
	http *http.Client
}

// open starts a peer on regtest with its server, and a client that has no cookie yet.
func open(t *testing.T) *window {
	t.Helper()
	n, err := node.Open(node.Config{Params: coin.Regtest(), Name: "alice", Version: "1.2.3", Dir: "alice", FS: vfs.NewMem(), NoMine: true,
		KDF: wallet.LightKDF, Dial: func(context.Context, string) (net.Conn, error) { return nil, net.ErrClosed }})
	if err != nil {
		t.Fatal(err)
	}
	rpc := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "outside") })
	inside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "inside") })
	s := New(Config{Node: n, Token: testToken, RPC: rpc, Inside: inside, Logger: slog.New(slog.DiscardHandler)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- n.Run(ctx) }()
	go func() { ended <- s.Serve(ctx, l) }()
	jar, _ := cookiejar.New(nil)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return &window{t: t, node: n, base: "http://" + l.Addr().String(), http: &http.Client{Jar: jar, Transport: transport}}
}

// login opens the printed URL.
func (w *window) login() *window {
	w.t.Helper()
	r, err := w.http.Get(w.base + "/?token=" + testToken)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Body.Close()
	return w
}

// ask sends a request with extra headers and returns status and body.
func (w *window) ask(method, path, body string, headers ...string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.base+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.http.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// post sends what the window's own page would send.
func (w *window) post(path, body string) (int, string) {
	w.t.Helper()
	return w.ask("POST", path, body, "Origin", w.base, "Content-Type", "application/json")
}

func TestDoorKeepsStrangersOut(t *testing.T) {
	w := open(t)
	for _, path := range []string{"/api/state", "/api/events", "/api/qr?text=x", "/api/stack", "/api/nonsense"} {
		if code, body := w.ask("GET", path, ""); code != 401 || !strings.Contains(body, "token") {
			t.Errorf("%s without cookie: %d %s", path, code, body)
		}
	}
	if code, body := w.ask("GET", "/?token=wrong", ""); code != 403 || !strings.Contains(body, "token") {
		t.Errorf("wrong token: %d %s", code, body)
	}
	w.login()
	port := w.base[strings.LastIndex(w.base, ":")+1:]
	for _, c := range []struct {
		what, method, path string
		headers            []string
		want               int
	}{
		{"the window itself", "GET", "/api/state", nil, 200},
		{"localhost is this machine too, without that name's cookie", "GET", "/api/state", []string{"Host", "localhost:" + port}, 401},
		{"a name pointed here", "GET", "/api/state", []string{"Host", "evil.example:" + port}, 403},
		{"a name without port", "GET", "/api/state", []string{"Host", "127.0.0.1"}, 403},
		{"another site's page", "GET", "/api/state", []string{"Origin", "http://evil.example"}, 403},
		{"another port's page", "GET", "/api/events", []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"the null origin", "GET", "/api/state", []string{"Origin", "null"}, 403},
		{"a change without origin", "POST", "/api/address", []string{"Content-Type", "application/json"}, 403},
		{"a change from a form", "POST", "/api/address", []string{"Origin", w.base, "Content-Type", "text/plain"}, 415},
		{"a change by reading", "GET", "/api/address", nil, 404},
	} {
		if code, body := w.ask(c.method, c.path, "{}", c.headers...); code != c.want {
			t.Errorf("%s: %d rather than %d: %s", c.what, code, c.want, body)
		}
	}
}

func TestCookieIsThisPortsOnly(t *testing.T) {
	w := open(t)
	w.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := w.http.Get(w.base + "/?token=" + testToken)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != 303 || r.Header.Get("Location") != "/" {
		t.Errorf("the token's URL answers %d to %q", r.StatusCode, r.Header.Get("Location"))
	}
	c := r.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || !strings.HasSuffix(c.Name, w.base[strings.LastIndex(w.base, ":")+1:]) {
		t.Errorf("cookie %v", c)
	}
}

func TestRPCDoor(t *testing.T) {
	w := open(t)
	if code, body := w.ask("POST", "/", "{}"); code != 200 || body != "outside" {
		t.Errorf("POST /: %d %s", code, body)
	}
	if _, body := w.ask("POST", "/rpc", "{}"); body != "outside" {
		t.Errorf("a program without cookie came %s", body)
	}
	w.login()
	if _, body := w.post("/rpc", "{}"); body != "inside" {
		t.Errorf("the window came %s", body)
	}
	if _, body := w.ask("POST", "/rpc", "{}"); body != "outside" {
		t.Errorf("a cookie without origin came %s", body)
	}
}

func TestActionsSayWhatIsWrong(t *testing.T) {
	w := open(t).login()
	for _, c := range []struct{ path, body, field, words string }{
		{"/api/transaction", `{"random":true}`, "recipient", "connect to peers first"},
		{"/api/transaction", `{"recipient":"","amount":5}`, "recipient", "say whom"},
		{"/api/transaction", `{"recipient":"chz1qqqq","amount":5}`, "recipient", ""},
		{"/api/transaction", `{"recipient":"peer:9","amount":5}`, "", "not connected"},
		{"/api/transaction", `{"recipient":"` + address(t, w) + `","amount":0}`, "amount", ""},
		{"/api/transaction", `{"recipient":"` + address(t, w) + `","amount":-4}`, "amount", ""},
		{"/api/transaction", `{"recipient":"` + address(t, w) + `","amount":100000}`, "amount", "insufficient"},
		{"/api/transaction", `{"recipient":"` + address(t, w) + `","amount":100000,"feeRate":99999999}`, "feeRate", "out of bounds"},
		{"/api/transaction", `{"recipent":"x"}`, "", "recipent"},
		{"/api/transaction", `{"amount":1.5}`, "", "not understood"},
		{"/api/transaction", `nonsense`, "", "not understood"},
		{"/api/connect", `{"addr":"127.0.0.1:1"}`, "addr", ""},
		{"/api/disconnect", `{"id":77}`, "", ""},
		{"/api/mining", `{"threads":0}`, "threads", "1 to"},
		{"/api/mining", `{"limit":-1}`, "limit", "per second"},
		{"/api/peer-list", `{}`, "", "--tracker"},
		{"/api/connect-peers", `{}`, "", "--tracker"},
	} {
		code, body := w.post(c.path, c.body)
		var e struct{ Error problem }
		if err := json.Unmarshal([]byte(body), &e); err != nil || code != 400 || e.Error.Message == "" {
			t.Errorf("%s %s: %d %s", c.path, c.body, code, body)
			continue
		}
		if e.Error.Field != c.field || !strings.Contains(e.Error.Message, c.words) {
			t.Errorf("%s %s: field %q: %s", c.path, c.body, e.Error.Field, e.Error.Message)
		}
	}
	if code, _ := w.post("/api/address", strings.Repeat(" ", maxBody+1)); code >= 500 {
		t.Errorf("a long body: %d", code)
	}
}

func address(t *testing.T, w *window) string {
	t.Helper()
	a, err := w.node.Wallet.Address()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (w *window) mine(blocks int) {
	w.t.Helper()
	script, err := w.node.Wallet.PayToScript()
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.node.Miner.Generate(w.t.Context(), script, blocks, 0); err != nil {
		w.t.Fatal(err)
	}
}

func TestStackBlockAndTransaction(t *testing.T) {
	w := open(t).login()
	w.mine(101)
	code, body := w.post("/api/transaction", `{"recipient":"`+address(t, w)+`","amount":100000000}`)
	var sent jsonSent
	if err := json.Unmarshal([]byte(body), &sent); err != nil || code != 200 || sent.Fee <= 0 {
		t.Fatalf("pay: %d %s", code, body)
	}
	get(w, "/api/tx/"+sent.TxID.String(), func(d jsonTxDetail) {
		if d.Height != -1 || d.Fee == nil || *d.Fee != sent.Fee {
			t.Errorf("waiting transaction: %+v", d)
		}
	})
	w.mine(1)
	var stack jsonStack
	get(w, "/api/stack", func(s jsonStack) { stack = s })
	if len(stack.Blocks) != stackHeights || stack.Blocks[0].Height != 102 || stack.Blocks[0].Hash != stack.Tip || stack.Blocks[0].Txs != 2 || stack.Blocks[0].Fees != sent.Fee {
		t.Errorf("the stack's top is %+v of %d", stack.Blocks[0], len(stack.Blocks))
	}
	get(w, fmt.Sprintf("/api/stack?before=%d", 3), func(s jsonStack) {
		if last := s.Blocks[len(s.Blocks)-1]; len(s.Blocks) != 3 || !last.Genesis {
			t.Errorf("the stack's bottom is %+v", s.Blocks)
		}
	})
	get(w, "/api/block/"+stack.Tip.String(), func(d jsonBlockDetail) {
		if len(d.TxList) != 2 || d.Confirmations != 1 || d.TxList[1].Fee == nil || !d.Mine {
			t.Errorf("block: %+v", d)
		}
	})
	get(w, "/api/tx/"+sent.TxID.String(), func(d jsonTxDetail) {
		if d.Height != 102 || d.Confirmations != 1 || d.Fee == nil || *d.Fee != sent.Fee {
			t.Errorf("mined transaction: %+v", d)
		}
	})
	if code, body := w.ask("GET", "/api/block/"+strings.Repeat("0", 64), ""); code != 404 || !strings.Contains(body, "smell") {
		t.Errorf("unknown block: %d %s", code, body)
	}
	if code, _ := w.ask("GET", "/api/tx/xyz", ""); code != 400 {
		t.Errorf("no hash: %d", code)
	}
}

// get reads an answer into a value.
func get[T any](w *window, path string, check func(T)) {
	w.t.Helper()
	code, body := w.ask("GET", path, "")
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil || code != 200 {
		w.t.Fatalf("%s: %d %v %s", path, code, err, body)
	}
	check(v)
}

// events reads an event stream until stop returns true.
func (w *window) events(lastID string, stop func(event, id, data string) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", w.base+"/api/events", nil)
	r.Header.Set("Last-Event-ID", lastID)
	resp, err := w.http.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var event, id, data string
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "event":
			event = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if event != "" && stop(event, id, data) {
				return
			}
			event, id, data = "", "", ""
		}
	}
	w.t.Fatal("the event stream ended early")
}

func TestEventStreamResumes(t *testing.T) {
	w := open(t).login()
	w.mine(3)
	got, lastID := map[string]bool{}, ""
	w.events("", func(event, id, data string) bool {
		got[event] = true
		if event == "log" {
			lastID = id
		}
		return event == "log" && strings.Contains(data, `"height","3"`)
	})
	for _, kind := range []string{"hello", "log"} {
		if !got[kind] {
			t.Errorf("no %s event came", kind)
		}
	}
	w.mine(1)
	mined, snapshots := 0, map[string]bool{}
	w.events(lastID, func(event, id, data string) bool {
		if event == "log" && strings.Contains(data, `"kind":"mined"`) {
			mined++
			if !strings.Contains(data, `"height","4"`) {
				t.Errorf("a line came twice: %s", data)
			}
		}
		snapshots[event] = true
		return mined == 1 && snapshots["stack"] && snapshots["wallet"] && snapshots["mempool"] && snapshots["connections"] && snapshots["status"]
	})
}
