package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// program is the path of the program under test, built once from this folder; with -race where the tests are.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cheese-program")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "cheese.exe") // the ending hurts nobody and Windows wants it
	args := []string{"build", "-o", program}
	if raced() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// raced tells whether these tests, and so the program, run under the race detector.
var raced = sync.OnceValue(func() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
})

// What the program promises, and how much longer it may take under the race detector, where hashing and key derivation
// are some ten times as slow and other packages' tests want the same cores.
const (
	readyWithin = 3 * time.Second
	readySlack  = 40 * time.Second
	stopWithin  = 2 * time.Second
	stopSlack   = 8 * time.Second
	// patience is for what depends on luck or on the network; what is promised sooner has a limit of its own. A demo that
	// gets the processor it asks for goes so long without a block once in eight thousand times.
	patience      = 90 * time.Second
	patienceSlack = 2 * time.Minute
)

func promised(d, slack time.Duration) time.Duration {
	if raced() {
		return d + slack
	}
	return d
}

// world is a home folder of its own for the processes of one test.
type world struct {
	t    *testing.T
	home string
	env  []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return &world{t: t, home: t.TempDir()}
}

func (w *world) with(env ...string) *world {
	return &world{t: w.t, home: w.home, env: append(slices.Clone(w.env), env...)}
}

// path returns a path in the world's home.
func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.home}, parts...)...)
}

func (w *world) write(name, text string) string {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.path(name)
}

func (w *world) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.WaitDelay = w.home, time.Second
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "CHEESE_") && !strings.HasPrefix(e, "HOME=") {
			c.Env = append(c.Env, e)
		}
	}
	// The race detector's exit code stands out from the program's own.
	c.Env = append(append(c.Env, "HOME="+w.home, "USERPROFILE="+w.home, "GORACE=exitcode=66 atexit_sleep_ms=0"), w.env...)
	return c
}

// outcome is what a command left that has ended.
type outcome struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

// run runs a command that ends by itself.
func (w *world) run(args ...string) outcome {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), promised(10*time.Second, readySlack))
	defer cancel()
	c := w.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	began := time.Now()
	err := c.Run()
	o := outcome{code: c.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String(), took: time.Since(began)}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		w.t.Fatalf("cheese %s: %v after %v\n%s%s", strings.Join(args, " "), err, o.took, o.stdout, o.stderr)
	}
	checkNoise(w.t, args, o.stderr)
	return o
}

// ok runs a command that must succeed and returns what it printed.
func (w *world) ok(args ...string) string {
	w.t.Helper()
	o := w.run(args...)
	if o.code != 0 {
		w.t.Fatalf("cheese %s: exit code %d\n%s", strings.Join(args, " "), o.code, o.stderr)
	}
	return strings.TrimSuffix(o.stdout, "\n")
}

// checkNoise fails the test where the program told of a fault of its own.
func checkNoise(t *testing.T, args []string, stderr string) {
	t.Helper()
	for _, word := range []string{"DATA RACE", "panic", "goroutine ", "fatal error", "runtime error"} {
		if strings.Contains(stderr, word) {
			t.Errorf("cheese %s printed %q:\n%s", strings.Join(args, " "), word, stderr)
			return
		}
	}
}

// process is a running tracker, peer or demo.
type process struct {
	t     *testing.T
	args  []string
	cmd   *exec.Cmd
	began time.Time
	lines chan string // of standard output; closed at its end
	ended chan struct{}

	mu     sync.Mutex
	stderr bytes.Buffer
}

// Write collects standard error.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(b)
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// start starts a command that runs until it is stopped, at the latest when the test ends.
func (w *world) start(args ...string) *process {
	w.t.Helper()
	p := &process{t: w.t, args: args, cmd: w.command(context.Background(), args...), began: time.Now(), lines: make(chan string, 100), ended: make(chan struct{})}
	p.cmd.Stderr = p
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
		close(p.lines)
		p.cmd.Wait() // what it returns is in ProcessState
	}()
	w.t.Cleanup(func() {
		p.cmd.Process.Kill() // fails where it has ended
		<-p.ended
		checkNoise(w.t, args, p.log())
		if w.t.Failed() {
			w.t.Logf("cheese %s wrote:\n%s", strings.Join(args, " "), p.log())
		}
	})
	return p
}

// ready reads the line of --json into v, in the promised time.
func (p *process) ready(v any) {
	p.t.Helper()
	select {
	case line, ok := <-p.lines:
		took := time.Since(p.began)
		if !ok {
			p.t.Fatalf("cheese %s ended early:\n%s", strings.Join(p.args, " "), p.log())
		}
		if err := json.Unmarshal([]byte(line), v); err != nil {
			p.t.Fatalf("the ready line %q: %v", line, err)
		}
		p.t.Logf("cheese %s: ready after %v", p.args[0], took.Round(time.Millisecond))
		if took > promised(readyWithin, readySlack) {
			p.t.Errorf("cheese %s was ready after %v", strings.Join(p.args, " "), took)
		}
	case <-time.After(promised(3*readyWithin, readySlack)):
		p.t.Fatalf("cheese %s is not ready after %v:\n%s", strings.Join(p.args, " "), time.Since(p.began), p.log())
	}
}

// stop presses Ctrl-C and checks that everything ends well and in time.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	p.wait(0)
}

// wait waits for the end that was asked for.
func (p *process) wait(code int) {
	p.t.Helper()
	asked := time.Now()
	select {
	case <-p.ended:
	case <-time.After(promised(5*stopWithin, stopSlack)):
		p.t.Fatalf("cheese %s has not ended after %v", p.args[0], time.Since(asked))
	}
	if took := time.Since(asked); took > promised(stopWithin, stopSlack) {
		p.t.Errorf("cheese %s took %v to end", p.args[0], took)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("cheese %s ended with exit code %d, not %d", p.args[0], got, code)
	}
	for line := range p.lines {
		p.t.Errorf("cheese %s printed %q after its ready line", p.args[0], line)
	}
}

// kill ends the process as a power cut does.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.ended
}

// eventually waits for what depends on luck or on the network.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for began := time.Now(); time.Since(began) < promised(patience, patienceSlack); time.Sleep(50 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// readyPeer and readyDemo spell the ready lines that programs rely on.
type readyPeer struct {
	Name        string `json:"name"`
	Network     string `json:"network"`
	Window      string `json:"window"`
	Token       string `json:"token"`
	RPC         string `json:"rpc"`
	RPCUser     string `json:"rpcuser"`
	RPCPassword string `json:"rpcpassword"`
	Cookie      string `json:"cookie"`
	P2P         string `json:"p2p"`
	Address     string `json:"address"`
	Balance     int64  `json:"balance"`
	DataDir     string `json:"datadir"`
	PID         int    `json:"pid"`
	Mnemonic    string `json:"mnemonic"` // of a wallet that is new
}

type readyDemo struct {
	Network  string      `json:"network"`
	Tracker  string      `json:"tracker"`
	Mnemonic string      `json:"mnemonic"`
	Peers    []readyPeer `json:"peers"`
	DataDir  string      `json:"datadir"`
}

type readyTracker struct {
	URL  string `json:"url"`
	Addr string `json:"addr"`
}

var client = &http.Client{Timeout: time.Minute}

// rpcResult asks a peer over JSON-RPC.
func rpcResult(t *testing.T, p readyPeer, method string, params ...any) json.RawMessage {
	t.Helper()
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.RPC, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(p.RPCUser, p.RPCPassword)
	r.Header.Set("Content-Type", "application/json")
	var answer struct {
		Result json.RawMessage
		Error  *struct{ Message string }
	}
	status, b := send(t, client, r)
	if err := json.Unmarshal(b, &answer); err != nil || answer.Error != nil {
		t.Fatalf("%s: %s: %d %s", p.Name, method, status, b)
	}
	return answer.Result
}

func rpcAs[T any](t *testing.T, p readyPeer, method string, params ...any) (v T) {
	t.Helper()
	if err := json.Unmarshal(rpcResult(t, p, method, params...), &v); err != nil {
		t.Fatalf("%s: %s: %v", p.Name, method, err)
	}
	return v
}

func send(t *testing.T, c *http.Client, r *http.Request) (int, []byte) {
	t.Helper()
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, b
}

func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, b := send(t, c, r)
	return status, string(b)
}

// window is a browser that has opened a peer's URL and so holds its cookie.
type window struct {
	t      *testing.T
	origin string
	client *http.Client
}

func openWindow(t *testing.T, p readyPeer) *window {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &window{t: t, origin: strings.TrimSuffix(p.RPC, "/"), client: &http.Client{Jar: jar, Timeout: client.Timeout}}
	status, page := get(t, w.client, p.Window)
	if _, err := os.Stat("../../web/dist/index.html"); err != nil {
		if status != http.StatusNotFound || !strings.Contains(page, "make build") {
			t.Fatalf("%s without its window built answers %d %s", p.Window, status, page)
		}
	} else if status != http.StatusOK || !strings.Contains(page, "<html") {
		t.Fatalf("%s answers %d %s", p.Window, status, page)
	}
	return w
}

// post acts as the window's page does and decodes the answer into v unless it is nil.
func (w *window) post(path, body string, v any) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.origin+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Origin", w.origin)
	r.Header.Set("Content-Type", "application/json")
	status, b := send(w.t, w.client, r)
	if status != http.StatusOK {
		w.t.Fatalf("POST %s: %d %s", path, status, b)
	}
	if v != nil {
		if err := json.Unmarshal(b, v); err != nil {
			w.t.Fatalf("POST %s: %s: %v", path, b, err)
		}
	}
}

// spendable returns what the window says can be spent now, in crumbs.
func (w *window) spendable() int64 {
	w.t.Helper()
	var state struct{ Wallet struct{ Spendable int64 } }
	status, text := get(w.t, w.client, w.origin+"/api/state")
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		w.t.Fatalf("GET /api/state: %d %s", status, text)
	}
	return state.Wallet.Spendable
}

// freePorts are the flags that let tests run beside each other and beside whatever else runs.
var freePorts = []string{"--p2p-port", "0", "--http-port", "0", "--tracker-port", "0"}

func demoArgs(more ...string) []string {
	return append(append([]string{"demo", "--json"}, freePorts...), more...)
}

// easyNetwork writes a network file whose difficulty is fixed at so many hashes.
func (w *world) easyNetwork(hashes int) string {
	w.t.Helper()
	path := w.path(fmt.Sprintf("easy%d.json", hashes))
	w.ok("network", "new", path, "--name", "easy", "--fixed", "--first-hashes", fmt.Sprint(hashes), "--spacing", "5s", "--subsidy", "50", "--maturity", "3", "--message", w.t.Name())
	return path
}

// takenPort listens on a port until the test ends.
func takenPort(t *testing.T) (addr, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return l.Addr().String(), port
}
