package tracker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeTracker answers in place of the network and notes when it was asked, and with which event.
type fakeTracker struct {
	mu     sync.Mutex
	start  time.Time
	asked  []string // "3s started"
	answer func(*http.Request) (string, error)
}

func (f *fakeTracker) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	line := time.Since(f.start).String()
	if e := r.URL.Query().Get("event"); e != "" {
		line += " " + e
	}
	f.asked = append(f.asked, line)
	answer := f.answer
	f.mu.Unlock()
	body, err := answer(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (f *fakeTracker) change(answer func(*http.Request) (string, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

func (f *fakeTracker) wasAsked(t *testing.T, want ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.asked, want) {
		t.Errorf("asked at %q, want %q", f.asked, want)
	}
}

func every(d time.Duration) func(*http.Request) (string, error) {
	return func(*http.Request) (string, error) {
		return fmt.Sprintf("d8:intervali%de5:peers6:\x0a\x00\x00\x01\x00\x01e", d/time.Second), nil
	}
}

func down(*http.Request) (string, error) { return "", errors.New("connection refused") }

func silent(r *http.Request) (string, error) {
	<-r.Context().Done()
	return "", r.Context().Err()
}

// running starts an announcer under virtual time; the returned function stops it and waits.
func running(t *testing.T, f *fakeTracker, urls ...string) (*Announcer, func()) {
	t.Helper()
	f.start = time.Now()
	a, err := NewAnnouncer(AnnouncerConfig{
		Trackers: urls, InfoHash: cheddar, Port: 4000, Client: &Client{HTTP: &http.Client{Transport: f}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { a.Run(ctx); close(done) }()
	synctest.Wait()
	return a, func() { cancel(); <-done }
}

func TestAnnouncerFollowsTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTracker{answer: every(30 * time.Second)}
		a, stop := running(t, f, "http://t")
		time.Sleep(65 * time.Second)
		if st := a.Status()[0]; st.Err != nil || st.Peers != 1 || time.Since(st.LastOK) != 5*time.Second {
			t.Errorf("status %+v", st)
		}
		stop()
		f.wasAsked(t, "0s started", "30s", "1m0s", "1m5s stopped")
	})
}

func TestAnnouncerBacksOffAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTracker{answer: down}
		a, stop := running(t, f, "http://t")
		time.Sleep(92 * time.Second)
		if st := a.Status()[0]; st.Err == nil || !st.LastOK.IsZero() {
			t.Errorf("status of a tracker that is down: %+v", st)
		}
		f.change(every(20 * time.Second))
		time.Sleep(50 * time.Second)
		if st := a.Status()[0]; st.Err != nil {
			t.Errorf("status after it came back: %+v", st)
		}
		f.change(down)
		stop()
		f.wasAsked(t, "0s started", "1s started", "3s started", "7s started", "15s started", "31s started", "1m1s started", "1m31s started",
			"2m1s started", "2m21s", "2m22s stopped")
	})
}

func TestAnnouncerEndsThoughTheTrackerIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTracker{answer: silent}
		_, stop := running(t, f, "http://t")
		time.Sleep(time.Second)
		before := time.Now()
		stop()
		if took := time.Since(before); took > goodbyeTimeout {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestAskNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTracker{answer: func(r *http.Request) (string, error) {
			if r.URL.Host == "bad" {
				return down(r)
			}
			if got := r.URL.Query().Get("numwant"); got != "50" && r.URL.Query().Get("event") != "stopped" {
				t.Errorf("numwant %q", got)
			}
			return every(30 * time.Second)(r)
		}}
		a, stop := running(t, f, "http://bad", "http://one", "http://two")
		peers, err := a.AskNow(t.Context())
		if err != nil || !sameAddrs(peers, netip.MustParseAddrPort("10.0.0.1:1")) {
			t.Errorf("asked now: %v, %v", peers, err)
		}
		f.change(down)
		if _, err := a.AskNow(t.Context()); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("all are down: %v", err)
		}
		f.change(silent)
		go func() { time.Sleep(time.Second); stop() }()
		if _, err := a.AskNow(t.Context()); err == nil {
			t.Error("an answer from a silent tracker")
		}
		time.Sleep(time.Minute)
		if _, err := a.AskNow(t.Context()); !errors.Is(err, ErrNotRunning) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestAskNowDoesNotWaitForTheSlowest has trackers named for how they behave.
func TestAskNowDoesNotWaitForTheSlowest(t *testing.T) {
	behave := func(r *http.Request) (string, error) {
		switch host := r.URL.Host; host {
		case "silent":
			return silent(r)
		case "down":
			return down(r)
		default: // a duration
			d, err := time.ParseDuration(host)
			if err != nil {
				return "", err
			}
			select {
			case <-time.After(d):
			case <-r.Context().Done():
				return "", r.Context().Err()
			}
			return fmt.Sprintf("d8:intervali30e5:peers6:\x0a\x00\x00%c\x00\x01e", byte(d/time.Second)), nil
		}
	}
	for _, c := range []struct {
		trackers string
		takes    time.Duration
		peers    int
		errs     []string
	}{
		{"0s", 0, 1, nil},
		{"0s down", 0, 1, nil},
		{"0s silent down", time.Second, 1, nil},
		{"2s silent", 3 * time.Second, 1, nil},
		{"2s 2500ms 3500ms", 3 * time.Second, 1, nil}, // the first two name one and the same
		{"3s silent", 4 * time.Second, 1, nil},
		{"down", 0, 0, []string{"announce to down: connection refused"}},
		{"silent down", 4 * time.Second, 0, []string{"announce to http://silent: no answer within 4 s; is the tracker running?", "announce to down: connection refused"}},
		{"silent 5s", 4 * time.Second, 0, []string{"http://silent: no answer within 4 s", "http://5s: no answer within 4 s"}},
	} {
		t.Run(c.trackers, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var urls []string
				for host := range strings.FieldsSeq(c.trackers) {
					urls = append(urls, "http://"+host)
				}
				a, stop := running(t, &fakeTracker{answer: behave}, urls...) // and now an announce to each is under way
				before := time.Now()
				peers, err := a.AskNow(t.Context())
				if took := time.Since(before); took != c.takes {
					t.Errorf("it took %v, want %v", took, c.takes)
				}
				if len(peers) != c.peers || (err == nil) != (c.errs == nil) {
					t.Errorf("got %v, %v", peers, err)
				}
				for _, words := range c.errs {
					if !strings.Contains(err.Error(), words) {
						t.Errorf("error %q, want %q in it", err, words)
					}
				}
				if c.errs != nil && strings.Contains(c.trackers, "silent") && !errors.Is(err, ErrNoAnswer) {
					t.Errorf("error %v", err)
				}
				stop()
			})
		})
	}
}

func TestAskNowDoesNotWaitForTheAnnounceUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTracker{answer: silent}
		a, stop := running(t, f, "http://t")
		f.change(every(30 * time.Second))
		before := time.Now()
		if peers, err := a.AskNow(t.Context()); err != nil || len(peers) != 1 || time.Since(before) != 0 {
			t.Errorf("got %v, %v after %v", peers, err, time.Since(before))
		}
		f.change(func(r *http.Request) (string, error) { // its connection takes a while to close
			silent(r)
			time.Sleep(100 * time.Millisecond)
			return "", r.Context().Err()
		})
		time.Sleep(time.Second)
		go a.AskNow(t.Context())
		synctest.Wait()
		stop()
		if last := f.asked[len(f.asked)-1]; last != "1.1s stopped" {
			t.Errorf("asked at %q: goodbye is not said when all else is", f.asked)
		}
	})
}

func TestStatusTellsTimeByTheGivenClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := NewAnnouncer(AnnouncerConfig{Trackers: []string{"http://t"}, Now: func() time.Time { return noon },
			Client: &Client{HTTP: &http.Client{Transport: &fakeTracker{answer: every(30 * time.Second)}}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { a.Run(ctx); close(done) }()
		synctest.Wait()
		if got := a.Status()[0].LastOK; !got.Equal(noon) {
			t.Errorf("last answer at %v, want %v", got, noon)
		}
		cancel()
		<-done
	})
}

func TestAnnouncerChecksURLs(t *testing.T) {
	_, err := NewAnnouncer(AnnouncerConfig{Trackers: []string{"http://ok", "udp://no"}})
	var bad *URLError
	if !errors.As(err, &bad) || bad.URL != "udp://no" {
		t.Errorf("error %v", err)
	}
}

// TestAnnouncersFindEachOtherSoon is the whole thing over sockets and in real time.
func TestAnnouncersFindEachOtherSoon(t *testing.T) {
	r := newRoomAt(t, time.Now)
	var mu sync.Mutex
	found := map[uint16]map[netip.AddrPort]bool{}
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := time.Now()
	for _, name := range []string{"alice", "bob", "carol"} {
		p := r.peer(name)
		found[p.addr.Port()] = map[netip.AddrPort]bool{}
		a, err := NewAnnouncer(AnnouncerConfig{
			Trackers: []string{r.url}, InfoHash: cheddar, PeerID: p.id, Port: p.addr.Port(),
			Found: func(_ string, peers []netip.AddrPort) {
				mu.Lock()
				defer mu.Unlock()
				for _, addr := range peers {
					found[p.addr.Port()][addr] = true
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { a.Run(ctx) })
	}
	r.eventually("each peer knows the two others", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, others := range found {
			if len(others) < 2 {
				return false
			}
		}
		return true
	})
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	cancel()
	running.Wait()
	if _, peers := r.server.Registry().Count(); peers != 0 {
		t.Errorf("%d peers are left after all have said goodbye", peers)
	}
	r.said("peer left", "name=carol")
}
