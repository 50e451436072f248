package tracker

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// Times of an Announcer.
const (
	firstRetry     = time.Second // after a failure, doubling …
	longestRetry   = 30 * time.Second
	shortestPause  = time.Second // however short a tracker's interval
	longestPause   = time.Hour   // however long
	pauseIfUnsaid  = 30 * time.Second
	goodbyeTimeout = 500 * time.Millisecond
	peersWanted    = 50
	atLeastLeft    = 1 // see ClientAnnounce.Left
	maxTrackers    = 16
)

// AnnouncerConfig is what an Announcer is made of.
type AnnouncerConfig struct {
	Trackers []string // URLs, at most 16
	InfoHash InfoHash
	PeerID   PeerID
	Port     uint16     // where the peer listens
	IP       netip.Addr // optional, see ClientAnnounce
	Client   *Client    // nil: the zero Client
	Logger   *slog.Logger
	// Found gets the peers of every scheduled answer that has any; nil if they are not wanted. It is called by one
	// goroutine a tracker, and the next announce waits for it.
	Found func(tracker string, peers []netip.AddrPort)
}

// TrackerStatus is how announcing to one tracker goes.
type TrackerStatus struct {
	URL     string
	Err     error     // of the latest announce; nil if it went well or none was made
	LastOK  time.Time // zero if no announce ever went well
	Peers   int       // in the latest answer
	Warning string    // of the latest answer
}

// ErrNotRunning says that an Announcer was asked before or after its Run.
var ErrNotRunning = errors.New("the announcer is not running")

// Announcer keeps one peer announced at one or several trackers.
type Announcer struct {
	cfg      AnnouncerConfig
	trackers []*announced

	mu      sync.Mutex
	running context.Context // nil before Run
}

// announced is the peer at one tracker.
type announced struct {
	url  string
	turn chan struct{} // holds a token while an announce is under way, so that they arrive in order

	// Guarded by turn.
	introduced bool // an announce went well, so "started" has been said
	attempted  bool // the tracker may know us
	left       bool // goodbye has been said

	mu     sync.Mutex
	status TrackerStatus
}

// NewAnnouncer checks the trackers' URLs; the error is a *URLError.
func NewAnnouncer(cfg AnnouncerConfig) (*Announcer, error) {
	if cfg.Client == nil {
		cfg.Client = &Client{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Found == nil {
		cfg.Found = func(string, []netip.AddrPort) {}
	}
	a := &Announcer{cfg: cfg}
	for _, u := range cfg.Trackers {
		if err := CheckURL(u); err != nil {
			return nil, err
		}
		if len(a.trackers) == maxTrackers {
			return nil, &URLError{u, "too many trackers"}
		}
		a.trackers = append(a.trackers, &announced{url: u, turn: make(chan struct{}, 1), status: TrackerStatus{URL: u}})
	}
	return a, nil
}

// Run announces until ctx ends, then says goodbye to the trackers and returns. It may be called once.
func (a *Announcer) Run(ctx context.Context) {
	a.mu.Lock()
	a.running = ctx
	a.mu.Unlock()
	var trackers sync.WaitGroup
	for _, t := range a.trackers {
		trackers.Go(func() { a.keep(ctx, t) })
	}
	<-ctx.Done()
	trackers.Wait()
}

// keep announces to one tracker until ctx ends. A failed announce is tried again sooner than a good one is repeated.
func (a *Announcer) keep(ctx context.Context, t *announced) {
	defer a.goodbye(ctx, t)
	retry := firstRetry
	for {
		reply, err := a.announce(ctx, t)
		pause := pauseAfter(reply)
		if err != nil {
			pause, retry = retry, min(2*retry, longestRetry)
		} else {
			retry = firstRetry
			if len(reply.Peers) > 0 {
				a.cfg.Found(t.url, reply.Peers)
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// pauseAfter follows the tracker's interval within reason. Our tracker gives a young peer short ones, so that peers
// which start together find each other; there is no need to press other trackers.
func pauseAfter(reply ClientReply) time.Duration {
	if reply.Interval == 0 {
		return pauseIfUnsaid
	}
	return min(max(reply.Interval, reply.MinInterval, shortestPause), longestPause)
}

// announce makes one announce when the tracker's turn is free, and notes how it went.
func (a *Announcer) announce(ctx context.Context, t *announced) (ClientReply, error) {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return ClientReply{}, ctx.Err()
	}
	defer func() { <-t.turn }()
	if t.left {
		return ClientReply{}, ErrNotRunning
	}
	event := EventNone
	if !t.introduced {
		event = EventStarted
	}
	t.attempted = true
	reply, err := a.send(ctx, t, event, requestTimeout)
	if err != nil && ctx.Err() != nil {
		return ClientReply{}, err // being stopped says nothing about the tracker
	}
	t.introduced = t.introduced || err == nil
	a.report(t, t.note(reply, err))
	return reply, err
}

func (a *Announcer) send(ctx context.Context, t *announced, event Event, limit time.Duration) (ClientReply, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return a.cfg.Client.Announce(ctx, t.url, ClientAnnounce{
		InfoHash: a.cfg.InfoHash, PeerID: a.cfg.PeerID, Port: a.cfg.Port, IP: a.cfg.IP,
		Left: atLeastLeft, Event: event, NumWant: peersWanted,
	})
}

// goodbye tells a tracker that may know us that we leave. ctx has ended, so the turn comes free soon.
func (a *Announcer) goodbye(ctx context.Context, t *announced) {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	t.left = true
	if !t.attempted {
		return
	}
	if _, err := a.send(context.WithoutCancel(ctx), t, EventStopped, goodbyeTimeout); err != nil {
		a.cfg.Logger.Debug("tracker not told that we leave", "tracker", t.url, "err", err)
	}
}

// note keeps the outcome as the status and returns the status before it.
func (t *announced) note(reply ClientReply, err error) (before TrackerStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before = t.status
	t.status.Err = err
	if err == nil {
		t.status.LastOK, t.status.Peers, t.status.Warning = time.Now(), len(reply.Peers), reply.Warning
	}
	return before
}

// report tells people what has changed since before.
func (a *Announcer) report(t *announced, before TrackerStatus) {
	now := t.current()
	log := a.cfg.Logger.With("tracker", t.url)
	switch {
	case now.Err != nil && (before.Err == nil || before.Err.Error() != now.Err.Error()):
		log.Warn("tracker does not answer as it should, trying again", "err", now.Err)
	case now.Err == nil && (before.Err != nil || before.LastOK.IsZero()):
		log.Info("announced to tracker", "peers", now.Peers)
	}
	if now.Err == nil && now.Warning != "" && now.Warning != before.Warning {
		log.Warn("tracker warns", "warning", now.Warning)
	}
}

func (t *announced) current() TrackerStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// Status tells how announcing goes at each tracker, in the order they were given.
func (a *Announcer) Status() []TrackerStatus {
	statuses := make([]TrackerStatus, 0, len(a.trackers))
	for _, t := range a.trackers {
		statuses = append(statuses, t.current())
	}
	return statuses
}

// AskNow announces to every tracker at once and gives the peers they name, without duplicates. The error tells of
// every tracker that failed, and is nil if any answered; ErrNotRunning outside Run. Found is not called.
func (a *Announcer) AskNow(ctx context.Context) ([]netip.AddrPort, error) {
	a.mu.Lock()
	running := a.running
	a.mu.Unlock()
	if running == nil || running.Err() != nil {
		return nil, ErrNotRunning
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(running, cancel)()

	replies := make([]ClientReply, len(a.trackers))
	failures := make([]error, len(a.trackers))
	var asks sync.WaitGroup
	for i, t := range a.trackers {
		asks.Go(func() { replies[i], failures[i] = a.announce(ctx, t) })
	}
	asks.Wait()
	var peers []netip.AddrPort
	answered := len(a.trackers) == 0
	for i, reply := range replies {
		answered = answered || failures[i] == nil
		peers = append(peers, reply.Peers...)
	}
	if !answered {
		return nil, errors.Join(failures...)
	}
	return usable(peers), nil
}
