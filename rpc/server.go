package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync/atomic"

	"cheese/node"
)

// Limits on what callers can make the server hold.
const (
	maxBody    = 32 << 20 // bytes of a request, as in Core: a block of 4 MB is 8 MB of digits
	maxBatch   = 1000     // calls in a batch
	maxRunning = 16       // requests that run at once
	maxWaiting = 64       // requests that wait for their turn; their bodies are not read yet
)

// Server answers JSON-RPC calls on one node. It is safe for concurrent use.
type Server struct {
	node    *node.Node
	auth    Credentials
	salted  []Salted
	methods map[string]*method
	gate    gate
	synced  atomic.Bool // the tip was recent once; see initialDownload
}

// New returns a server of n's methods.
func New(n *node.Node, auth Credentials) *Server {
	return &Server{node: n, auth: auth, methods: methods(), gate: gate{running: make(chan struct{}, maxRunning)}}
}

// ServeHTTP answers calls that show the credentials by HTTP Basic authentication.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && !s.authorized(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="jsonrpc"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.serve(w, r)
}

// Inside returns the handler without authentication, for callers that another guard has let in.
func (s *Server) Inside() http.Handler { return http.HandlerFunc(s.serve) }

// Call runs a method in process. params is a JSON array, an object of named arguments, or nil. The result is what
// encoding/json turns into the method's JSON result; the error is an *Error.
func (s *Server) Call(ctx context.Context, method string, params json.RawMessage) (any, error) {
	if len(params) > 0 && !json.Valid(params) {
		return nil, errorf(codeParse, "Parse error")
	}
	result, after, err := s.execute(ctx, method, params)
	if after != nil {
		after()
	}
	if err != nil {
		return nil, asError(err)
	}
	return result, nil
}

// asError gives every error a code, as Core does with its exceptions.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: codeMisc, Message: err.Error()}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "JSONRPC server handles only POST requests", http.StatusMethodNotAllowed)
		return
	}
	if !s.gate.enter(r.Context()) {
		http.Error(w, "Work queue depth exceeded", http.StatusServiceUnavailable)
		return
	}
	defer s.gate.leave()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, err.Error(), status)
		return
	}
	a := s.answer(r.Context(), body)
	if len(a.body) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	w.Write(a.body) // a caller who has gone needs no answer
	for _, after := range a.after {
		http.NewResponseController(w).Flush()
		after()
	}
}

// gate lets maxRunning requests run and maxWaiting wait, and turns the rest away.
type gate struct {
	running chan struct{}
	waiting atomic.Int32
}

func (g *gate) enter(ctx context.Context) bool {
	select {
	case g.running <- struct{}{}:
		return true
	default:
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > maxWaiting {
		return false
	}
	select {
	case g.running <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (g *gate) leave() { <-g.running }
