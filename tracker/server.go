package tracker

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// Bounds and times of the HTTP door.
const (
	maxConnections    = 1024 // open at once; more wait to be accepted
	maxHeaderBytes    = 16 << 10
	readTimeout       = 5 * time.Second
	writeTimeout      = 10 * time.Second
	idleTimeout       = 10 * time.Second       // the page asks every 2 s
	shutdownTimeout   = 500 * time.Millisecond // for answers that are being written
	checkTimeout      = 3 * time.Second
	maxRunningChecks  = 64
	sweepEvery        = time.Second
	defaultInterval   = 30 * time.Second
	defaultMinimum    = 5 * time.Second
	longestLabel      = 40
	unlabelledHashHex = 8 // digits of the info hash that stand for a label
)

// Checker connects to a peer that announced itself for a swarm. A nil error means that the peer is there and belongs
// to the swarm. The server calls it from several goroutines and ends ctx after a few seconds.
type Checker func(ctx context.Context, hash InfoHash, addr netip.AddrPort) (Identity, error)

// Config is what a Server is made of. Every field may be left zero.
type Config struct {
	Logger      *slog.Logger          // lines for people; nil: none
	Checker     Checker               // nil: a TCP connection is enough
	Interval    time.Duration         // between announces; 0: 30 s, which suits small networks
	MinInterval time.Duration         // 0: 5 s
	Now         func() time.Time      // nil: time.Now
	Rand        *rand.Rand            // owned by the server; nil: seeded by the system
	NetworkName func(InfoHash) string // a label for people; "" or nil: the start of the hash
}

// Server is the HTTP door to a Registry, with the checks and the page.
type Server struct {
	registry *Registry
	log      *Log
	logger   *slog.Logger
	checker  Checker
	now      func() time.Time
	name     func(InfoHash) string
	started  time.Time
	shown    shown
}

// New makes a server with an empty registry. Nothing is checked or expired until Serve runs.
func New(cfg Config) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Checker == nil {
		cfg.Checker = dialCheck
	}
	if cfg.Interval <= 0 {
		cfg.Interval = defaultInterval
	}
	if cfg.MinInterval <= 0 {
		cfg.MinInterval = defaultMinimum
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = systemRand()
	}
	if cfg.NetworkName == nil {
		cfg.NetworkName = func(InfoHash) string { return "" }
	}
	return &Server{
		registry: NewRegistry(cfg.Interval, cfg.MinInterval, cfg.Rand),
		log:      &Log{}, logger: cfg.Logger, checker: cfg.Checker,
		now: cfg.Now, name: cfg.NetworkName, started: cfg.Now(),
	}
}

func systemRand() *rand.Rand {
	var seed [16]byte
	crand.Read(seed[:]) // never fails
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])))
}

// Registry gives the swarms, for another door onto them.
func (s *Server) Registry() *Registry { return s.registry }

// Log gives the lines that the page shows.
func (s *Server) Log() *Log { return s.log }

// label names a swarm for people.
func (s *Server) label(hash InfoHash) string {
	if name := clean(s.name(hash), longestLabel); name != "" {
		return name
	}
	return hash.String()[:unlabelledHashHex]
}

// Serve answers on the listeners, which it closes, and checks and expires peers, until ctx ends or a listener fails.
// It returns after all it started has ended; the error is nil if ctx ended it. It may be called once.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		// What net/http has to say is about strangers' broken connections.
		ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, len(listeners))
	var children sync.WaitGroup
	children.Go(func() { s.runChecks(ctx) })
	children.Go(func() { s.runSweeps(ctx) })
	for _, l := range listeners {
		children.Go(func() { failed <- srv.Serve(netutil.LimitListener(l, maxConnections)) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serve tracker: %w", err)
	}
	cancel()
	deadline, stop := context.WithTimeout(context.Background(), shutdownTimeout)
	defer stop()
	if srv.Shutdown(deadline) != nil {
		srv.Close()
	}
	children.Wait()
	return err
}

// runSweeps expires silent peers until ctx ends.
func (s *Server) runSweeps(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.sweep(ctx)
		}
	}
}

func (s *Server) sweep(ctx context.Context) {
	for _, d := range s.registry.Expire(s.now()) {
		s.note(ctx, "peer expired", s.about(d.Hash, d.Who, slog.Int("peers", d.Listed))...)
	}
}

// runChecks makes the checks that the registry asks for, some at a time, until ctx ends.
func (s *Server) runChecks(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, maxRunningChecks)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.registry.Due():
		}
		for c, ok := s.registry.NextCheck(); ok; c, ok = s.registry.NextCheck() {
			select {
			case <-ctx.Done():
				return
			case slots <- struct{}{}:
			}
			running.Go(func() {
				s.check(ctx, c)
				<-slots
			})
		}
	}
}

// check makes one check and reports it.
func (s *Server) check(ctx context.Context, c Check) {
	limited, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	id, err := s.checker(limited, c.Hash, c.Addr)
	if ctx.Err() != nil {
		return // shutting down says nothing about the peer
	}
	v := s.registry.Checked(s.now(), c, id, plainReason(err))
	switch {
	case !v.Changed:
	case v.Who.State == Listed:
		s.note(ctx, "peer listed", s.about(c.Hash, v.Who, slog.Int("peers", v.Listed))...)
	default:
		s.note(ctx, "peer unreachable", s.about(c.Hash, v.Who, slog.String("reason", v.Who.Reason))...)
	}
}

// plainReason says why a check failed without what people see anyway: what was dialled, and by which system call.
func plainReason(err error) error {
	var op *net.OpError
	var call *os.SyscallError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v", checkTimeout)
	case !errors.As(err, &op) || op.Op != "dial":
		return err
	case errors.As(op.Err, &call):
		return call.Err
	}
	return op.Err
}

// dialCheck is the Checker for swarms of which nothing more is known.
func dialCheck(ctx context.Context, _ InfoHash, addr netip.AddrPort) (Identity, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return Identity{}, err
	}
	return Identity{}, conn.Close()
}

// announce takes an announcement from any door and tells people what it changed.
func (s *Server) announce(ctx context.Context, a Announcement) (Reply, error) {
	reply, err := s.registry.Announce(s.now(), a)
	if err != nil {
		return reply, err
	}
	about := s.about(a.InfoHash, reply.Who, slog.Int("peers", reply.Seeders+reply.Leechers))
	switch {
	case reply.Joined:
		s.note(ctx, "peer announced", about...)
	case reply.Left:
		s.note(ctx, "peer left", about...)
	default:
		s.logger.LogAttrs(ctx, slog.LevelDebug, "peer announced again", about...)
	}
	return reply, nil
}
