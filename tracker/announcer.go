package tracker

import (
	"context"
	"errors"
	"fmt"
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
	askLimit       = 4 * time.Second // for which a person who asks now waits at most,
	askMore        = time.Second     // and for the other trackers once one has answered
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
	Now      func() time.Time // for TrackerStatus; nil: time.Now
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

// What AskNow fails with, for errors.Is.
var (
	// ErrNotRunning says that an Announcer was asked before or after its Run.
	ErrNotRunning = errors.New("the announcer is not running")
	// ErrNoAnswer says that a tracker was silent for too long.
	ErrNoAnswer = fmt.Errorf("no answer within %d s; is the tracker running?", askLimit/time.Second)
)

// Announcer keeps one peer announced at one or several trackers.
type Announcer struct {
	cfg      AnnouncerConfig
	trackers []*announced

	mu      sync.Mutex
	running context.Context // nil before Run
}

// announced is the peer at one tracker.
type announced struct {
	url string

	mu         sync.Mutex
	introduced bool           // an announce went well, so "started" has been said
	attempted  bool           // the tracker may know us
	left       bool           // goodbye is being said: no announce may follow it
	announces  sync.WaitGroup // under way; none is added once left is set
	status     TrackerStatus
}

// NewAnnouncer checks the trackers' URLs; the error is a *URLError.
func NewAnnouncer(cfg AnnouncerConfig) (*Announcer, error) {
	if cfg.Client == nil {
		cfg.Client = &Client{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
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
		a.trackers = append(a.trackers, &announced{url: u, status: TrackerStatus{URL: u}})
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

// announce makes one announce and notes how it went. Several may be under way at once: a person who asks now does not wait for
// the scheduled one.
func (a *Announcer) announce(ctx context.Context, t *announced) (ClientReply, error) {
	event, err := t.begin()
	if err != nil {
		return ClientReply{}, err
	}
	defer t.announces.Done()
	reply, err := a.send(ctx, t, event, requestTimeout)
	if err != nil && ctx.Err() != nil {
		return ClientReply{}, err // being stopped says nothing about the tracker
	}
	a.report(t, t.note(a.cfg.Now(), reply, err))
	return reply, err
}

// begin takes note of an announce that ends with announces.Done, and gives its event; ErrNotRunning once goodbye is said.
func (t *announced) begin() (Event, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left {
		return EventNone, ErrNotRunning
	}
	t.announces.Add(1)
	t.attempted = true
	if t.introduced {
		return EventNone, nil
	}
	return EventStarted, nil
}

func (a *Announcer) send(ctx context.Context, t *announced, event Event, limit time.Duration) (ClientReply, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return a.cfg.Client.Announce(ctx, t.url, ClientAnnounce{
		InfoHash: a.cfg.InfoHash, PeerID: a.cfg.PeerID, Port: a.cfg.Port, IP: a.cfg.IP,
		Left: atLeastLeft, Event: event, NumWant: peersWanted,
	})
}

// goodbye tells a tracker that may know us that we leave. ctx has ended, so the announces under way end soon.
func (a *Announcer) goodbye(ctx context.Context, t *announced) {
	t.mu.Lock()
	t.left = true
	attempted := t.attempted
	t.mu.Unlock()
	t.announces.Wait()
	if !attempted {
		return
	}
	if _, err := a.send(context.WithoutCancel(ctx), t, EventStopped, goodbyeTimeout); err != nil {
		a.cfg.Logger.Debug("tracker not told that we leave", "tracker", t.url, "err", err)
	}
}

// note keeps the outcome as the status and returns the status before it.
func (t *announced) note(now time.Time, reply ClientReply, err error) (before TrackerStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before = t.status
	t.status.Err = err
	if err == nil {
		t.introduced = true
		t.status.LastOK, t.status.Peers, t.status.Warning = now, len(reply.Peers), reply.Warning
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

// AskNow announces to every tracker at once and gives the peers they name, without duplicates. It takes at most 4 s, and
// where one tracker has answered the others get 1 s more. The error tells of every tracker, and is nil if any answered: of
// one that was silent it is an ErrNoAnswer. It is ErrNotRunning outside Run. Found is not called.
func (a *Announcer) AskNow(ctx context.Context) ([]netip.AddrPort, error) {
	a.mu.Lock()
	running := a.running
	a.mu.Unlock()
	if running == nil || running.Err() != nil {
		return nil, ErrNotRunning
	}
	ctx, cancel := context.WithTimeoutCause(ctx, askLimit, ErrNoAnswer)
	defer cancel()
	defer context.AfterFunc(running, cancel)()

	replies := make([]ClientReply, len(a.trackers))
	failures := make([]error, len(a.trackers))
	var asks sync.WaitGroup
	var first sync.Once
	var more *time.Timer
	for i, t := range a.trackers {
		asks.Go(func() {
			if replies[i], failures[i] = a.ask(ctx, t); failures[i] == nil {
				first.Do(func() { more = time.AfterFunc(askMore, cancel) })
			}
		})
	}
	asks.Wait()
	if more != nil {
		more.Stop()
	}
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

// ask is an announce that a person waits for.
func (a *Announcer) ask(ctx context.Context, t *announced) (ClientReply, error) {
	reply, err := a.announce(ctx, t)
	if err != nil && context.Cause(ctx) == ErrNoAnswer {
		err = fmt.Errorf("announce to %s: %w", t.url, ErrNoAnswer)
	}
	return reply, err
}
