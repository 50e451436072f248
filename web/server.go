// Package web is one HTTP server a peer: the window (an app built into the program), the interface it reads and acts
// through, its event stream, and the door for JSON-RPC.
//
// Everything but the app's own files is guarded: a token in the URL that the terminal prints becomes an HttpOnly,
// same-site cookie, whose name holds the port since browsers share cookies between ports, and every request must
// name exactly this server as Host and, where a browser says one, as Origin. That holds for reads and for the event
// stream too, so no page of another site, and no name that was pointed here, can look into a wallet.
package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"cheese/coin"
	"cheese/node"

	"golang.org/x/net/netutil"
)

//go:embed all:dist
var dist embed.FS

// Config is what a Server needs.
type Config struct {
	Node   *node.Node
	Token  string       // lets a browser in; see NewToken
	RPC    http.Handler // JSON-RPC with its own authentication, at POST / and /rpc
	Inside http.Handler // JSON-RPC for a window that has shown its cookie, at POST /rpc
	Logger *slog.Logger
}

// Server serves one peer's window. It is safe for concurrent use.
type Server struct {
	node    *node.Node
	cfg     Config
	epoch   string // tells one run of the program from another
	streams chan struct{}
	host    hostCheck
	cookie  string
	app     http.Handler
	static  fs.FS
	mu      sync.Mutex
	seen    map[coin.Hash]blockFacts
}

// maxStreams bounds the event streams that are open at once.
const maxStreams = 32

// NewToken returns 128 bits of fresh randomness as text.
func NewToken() string {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

// New returns a server that answers once Serve runs.
func New(cfg Config) *Server {
	static, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return &Server{node: cfg.Node, cfg: cfg, epoch: NewToken(), streams: make(chan struct{}, maxStreams), static: static, seen: map[coin.Hash]blockFacts{},
		app: http.FileServerFS(static)}
}

// maxConnections bounds the connections of browsers and programs at once.
const maxConnections = 256

// shutdownWithin bounds how long open requests may take to end.
const shutdownWithin = time.Second

// Serve answers on l, which it closes, until ctx ends, and returns after its requests have ended.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	at, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		return fmt.Errorf("the window's address: %w", err)
	}
	s.host, s.cookie = hostCheck{at}, fmt.Sprintf("cheese_%d", at.Port())
	server := &http.Server{Handler: s.handler(), BaseContext: func(net.Listener) context.Context { return ctx }, // ends event streams and long calls
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(netutil.LimitListener(l, maxConnections)) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the window: %w", err)
	case <-ctx.Done():
	}
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
	defer done()
	if server.Shutdown(grace) != nil {
		server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// URL returns what opens the window in a browser, token included.
func URL(at net.Addr, token string) string { return "http://" + browsable(at) + "/?token=" + token }

// RPCURL returns where the RPC of a server at that address answers.
func RPCURL(at net.Addr) string { return "http://" + browsable(at) + "/" }

// browsable returns host:port for a browser on this machine.
func browsable(at net.Addr) string {
	a, err := netip.ParseAddrPort(at.String())
	if err != nil || !a.Addr().IsUnspecified() {
		return at.String()
	}
	return fmt.Sprintf("127.0.0.1:%d", a.Port())
}

func (s *Server) handler() http.Handler {
	api := http.NewServeMux()
	s.routes(api)
	mux := http.NewServeMux()
	mux.Handle("/api/", s.guarded(api))
	mux.HandleFunc("POST /rpc", s.rpc)
	mux.Handle("POST /{$}", s.cfg.RPC)
	mux.HandleFunc("GET /{$}", s.index)
	mux.Handle("/", onlyGet(s.app))
	return s.door(mux)
}

// onlyGet lets nothing but reading through.
func onlyGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "there is nothing here but files to read", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// door refuses requests that name another host or come from another site's page, and sets the headers every answer has.
func (s *Server) door(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !s.host.allows(r.Host) {
			refuse(w, http.StatusForbidden, problem{Code: "host", Message: fmt.Sprintf("this is not %q: open the URL that the terminal printed", r.Host)})
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
			refuse(w, http.StatusForbidden, problem{Code: "origin", Message: "a page of another site may not use this peer"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostCheck tells which Host headers name this server.
type hostCheck struct{ at netip.AddrPort }

func (c hostCheck) allows(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil { // browsers leave the standard port out
		name, port = strings.Trim(host, "[]"), "80"
	}
	if port != fmt.Sprint(c.at.Port()) {
		return false
	}
	if name == "localhost" && (c.at.Addr().IsLoopback() || c.at.Addr().IsUnspecified()) {
		return true
	}
	ip, err := netip.ParseAddr(name)
	// Where every address was asked for any literal one is right: a name that was pointed here is what must be kept out.
	return err == nil && (ip == c.at.Addr() || c.at.Addr().IsUnspecified())
}

// index lets a browser in that brings the token, and serves the app's page.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	if token == "" {
		w.Header().Set("Cache-Control", "no-cache")
		if _, err := fs.Stat(s.static, "index.html"); err != nil {
			http.Error(w, "This program was built without its window: run `make build`.", http.StatusNotFound)
			return
		}
		s.app.ServeHTTP(w, r)
		return
	}
	if !same(token, s.cfg.Token) {
		refuse(w, http.StatusForbidden, problem{Code: "token", Message: "this token is not this peer's: open the URL that the terminal printed at its latest start"})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 30 * 24 * 3600})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// known tells whether the request brings this server's cookie.
func (s *Server) known(r *http.Request) bool {
	c, err := r.Cookie(s.cookie)
	return err == nil && same(c.Value, s.cfg.Token)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// guarded lets only known browsers through, and takes changes only from a page of this server.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case !s.known(r):
			refuse(w, http.StatusUnauthorized, problem{Code: "unauthorized", Message: "open the URL with the token that the terminal printed"})
		case r.Method == http.MethodPost && r.Header.Get("Origin") == "":
			refuse(w, http.StatusForbidden, problem{Code: "origin", Message: "a change must come from this peer's window; programs use the RPC"})
		case r.Method == http.MethodPost && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
			refuse(w, http.StatusUnsupportedMediaType, problem{Code: "content-type", Message: "send application/json"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) rpc(w http.ResponseWriter, r *http.Request) {
	if s.known(r) && r.Header.Get("Origin") != "" {
		s.cfg.Inside.ServeHTTP(w, r)
		return
	}
	s.cfg.RPC.ServeHTTP(w, r)
}
