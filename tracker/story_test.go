package tracker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestThreePeersFindEachOther(t *testing.T) {
	r := newRoom(t)
	alice, bob, carol := r.peer("alice"), r.peer("bob"), r.peer("carol")
	all := []*peer{alice, bob, carol}
	for _, p := range all {
		if reply := p.announce(EventStarted); reply.Warning != "" || reply.Interval != time.Second {
			t.Errorf("a first announce is answered with interval %v, warning %q", reply.Interval, reply.Warning)
		}
	}
	for _, p := range all {
		p.is(Listed)
	}
	r.clock.pass(time.Second)
	for i, p := range all {
		others := []netip.AddrPort{all[(i+1)%3].addr, all[(i+2)%3].addr}
		reply := p.announce(EventNone)
		if !sameAddrs(reply.Peers, others...) {
			t.Errorf("%v sees %v, want %v", p.addr, reply.Peers, others)
		}
		if reply.Seeders != 0 || reply.Leechers != 3 {
			t.Errorf("%d seeders and %d leechers, want 0 and 3", reply.Seeders, reply.Leechers)
		}
	}
	r.said("peer announced", "addr="+alice.addr.String(), "network=cheddar")
	r.said("peer listed", "name=alice", "addr="+alice.addr.String())
	if n := strings.Count(r.terminal.String(), "peer announced"); n != 3 {
		t.Errorf("%d lines about announces, want 3: those that repeat are not shown", n)
	}
}

func TestIntervalGrowsWithAge(t *testing.T) {
	r := newRoom(t)
	alice := r.peer("alice")
	alice.announce(EventStarted)
	for _, step := range []struct{ pass, want time.Duration }{
		{time.Second, 2 * time.Second}, {2 * time.Second, 4 * time.Second}, {4 * time.Second, 30 * time.Second},
	} {
		r.clock.pass(step.pass)
		got := alice.announce(EventNone)
		if got.Interval < step.want || got.Interval > step.want+step.want/10 {
			t.Errorf("interval %v, want %v and at most a tenth more", got.Interval, step.want)
		}
		if got.MinInterval > got.Interval {
			t.Errorf("minimum %v is above the interval %v", got.MinInterval, got.Interval)
		}
	}
}

func TestPeerBehindClosedPortIsWarnedAndNotListed(t *testing.T) {
	r := newRoom(t)
	alice, closed := r.peer("alice"), r.closedPeer()
	alice.announce(EventStarted)
	if reply := closed.announce(EventStarted); reply.Warning != "" {
		t.Errorf("warned before the check: %q", reply.Warning)
	}
	closed.is(Unreachable)
	reply := closed.announce(EventNone)
	for _, words := range []string{closed.addr.String(), "could not be connected to", "others: connection refused"} {
		if !strings.Contains(reply.Warning, words) {
			t.Errorf("warning %q lacks %q", reply.Warning, words)
		}
	}
	alice.is(Listed)
	if reply := alice.announce(EventNone); len(reply.Peers) != 0 || reply.Leechers != 1 {
		t.Errorf("alice is told of %v and of %d leechers", reply.Peers, reply.Leechers)
	}
	r.said("peer unreachable", "addr="+closed.addr.String())
}

func TestPeerThatOpensItsPortLaterIsListed(t *testing.T) {
	r := newRoom(t)
	late := r.closedPeer()
	late.announce(EventStarted)
	late.is(Unreachable)
	opened := r.peerOn("late", late.addr.String())
	r.clock.pass(retryFirst)
	opened.is(Listed) // by the sweep of the running server
	if reply := opened.announce(EventNone); reply.Warning != "" {
		t.Errorf("still warned: %q", reply.Warning)
	}
	r.said("peer listed", "name=late")
}

func TestStoppedLeaves(t *testing.T) {
	r := newRoom(t)
	alice, bob := r.peer("alice"), r.peer("bob")
	for _, p := range []*peer{alice, bob} {
		p.announce(EventStarted)
		p.is(Listed)
	}
	impostor := *bob
	impostor.id[19] ^= 1
	impostor.announce(EventStopped)
	if bob.state() != Listed {
		t.Fatal("another peer id ended bob")
	}
	if reply := bob.announce(EventStopped); len(reply.Peers) != 0 {
		t.Errorf("a leaving peer is told of %v", reply.Peers)
	}
	if reply := alice.announce(EventNone); len(reply.Peers) != 0 || bob.state() != "" {
		t.Errorf("bob is still there: %v", reply.Peers)
	}
	r.said("peer left", "name=bob", "peers=1")
}

func TestSilentPeerExpires(t *testing.T) {
	r := newRoom(t)
	alice, bob := r.peer("alice"), r.peer("bob")
	for _, p := range []*peer{alice, bob} {
		p.announce(EventStarted)
		p.is(Listed)
	}
	r.clock.pass(time.Minute)
	alice.announce(EventNone)
	if bob.state() == "" {
		t.Fatal("bob is gone after two intervals, without slack")
	}
	r.clock.pass(30 * time.Second)
	r.eventually("bob is gone", func() bool { return bob.state() == "" })
	if alice.state() == "" {
		t.Fatal("alice, who announced, is gone too")
	}
	r.said("peer expired", "name=bob")
}

func TestRestartedPeerReplacesItself(t *testing.T) {
	r := newRoom(t)
	alice := r.peer("alice")
	alice.announce(EventStarted)
	alice.is(Listed)
	alice.id[19] ^= 1
	alice.announce(EventStarted)
	alice.is(Listed)
	if swarms, peers := r.server.Registry().Count(); swarms != 1 || peers != 1 {
		t.Errorf("%d swarms and %d peers, want one of each", swarms, peers)
	}
}

func TestNetworksAreApart(t *testing.T) {
	r := newRoom(t)
	alice, bob := r.peer("alice"), r.peer("bob")
	bob.hash = gouda
	for _, p := range []*peer{alice, bob} {
		p.announce(EventStarted)
		p.is(Listed)
	}
	if reply := alice.announce(EventNone); len(reply.Peers) != 0 {
		t.Errorf("alice is told of %v, who is in another network", reply.Peers)
	}
}

func TestNumWant(t *testing.T) {
	r := newRoom(t)
	var last *peer
	for i := range 5 {
		last = r.peer(fmt.Sprint("peer", i))
		last.announce(EventStarted)
		last.is(Listed)
	}
	if got := len(last.ask(EventNone, 3).Peers); got != 3 {
		t.Errorf("asked for 3 peers, got %d", got)
	}
	if got := len(last.ask(EventNone, 0).Peers); got != 4 {
		t.Errorf("asked for the default, got %d peers, want 4", got)
	}
	q := last.query()
	q.Set("numwant", "0")
	if peers := r.answer("/announce", q)["peers"].(list); len(peers) != 0 {
		t.Errorf("numwant=0 got %d peers", len(peers))
	}
}

func TestAnswerShapes(t *testing.T) {
	r := newRoom(t)
	alice, bob := r.peer("alice"), r.peer("bob")
	carol := r.peerOn("carol", "[::1]:0")
	for _, p := range []*peer{bob, carol, alice} {
		p.announce(EventStarted)
		p.is(Listed)
	}
	q := alice.query()
	for _, p := range r.answer("/announce", q)["peers"].(list) {
		d := p.(dict)
		want := bob
		if d.text("ip") == "::1" {
			want = carol
		}
		if d.text("ip") != want.addr.Addr().String() || d.number("port") != int64(want.addr.Port()) || d.text("peer id") != string(want.id[:]) {
			t.Errorf("dictionary peer %v, want %v %v", d, want.addr, want.id)
		}
	}
	q.Set("no_peer_id", "1")
	if d := r.answer("/announce", q)["peers"].(list)[0].(dict); d["peer id"] != nil {
		t.Errorf("no_peer_id got %v", d)
	}
	q.Set("compact", "1")
	d := r.answer("/announce", q)
	port := bob.addr.Port()
	if want := string([]byte{127, 0, 0, 1, byte(port >> 8), byte(port)}); d.text("peers") != want {
		t.Errorf("peers %x, want %x", d.text("peers"), want)
	}
	port = carol.addr.Port()
	if want := strings.Repeat("\x00", 15) + string([]byte{1, byte(port >> 8), byte(port)}); d.text("peers6") != want {
		t.Errorf("peers6 %x, want %x", d.text("peers6"), want)
	}
	if reply := alice.announce(EventNone); !sameAddrs(reply.Peers, bob.addr, carol.addr) {
		t.Errorf("the client reads %v", reply.Peers)
	}
}

func TestTrackerOnIPv6(t *testing.T) {
	r := newRoomOn(t, "[::1]:0")
	alice, bob := r.peerOn("alice", "[::1]:0"), r.peerOn("bob", "[::1]:0")
	for _, p := range []*peer{alice, bob} {
		p.announce(EventStarted)
		p.is(Listed)
	}
	if reply := alice.announce(EventNone); !sameAddrs(reply.Peers, bob.addr) {
		t.Errorf("alice sees %v, want %v", reply.Peers, bob.addr)
	}
}

func TestScrape(t *testing.T) {
	r := newRoom(t)
	alice, bob := r.peer("alice"), r.peer("bob")
	alice.announce(EventStarted)
	bob.announce(EventStarted)
	bob.left = 0
	bob.announce(EventCompleted)
	alice.is(Listed)
	bob.is(Listed)
	got, err := new(Client).Scrape(t.Context(), r.url, cheddar, gouda)
	if err != nil {
		t.Fatal(err)
	}
	want := []SwarmStats{{Hash: cheddar, Known: true, Seeders: 1, Leechers: 1, Downloaded: 1}, {Hash: gouda}}
	if got[0] != want[0] || got[1] != want[1] {
		t.Errorf("scrape gives %+v, want %+v", got, want)
	}
	if files := r.answer("/scrape", nil)["files"].(dict); len(files) != 1 {
		t.Errorf("a scrape of everything gives %d networks, want 1", len(files))
	}
	if _, err := new(Client).Scrape(t.Context(), r.url+"/tracker"); err == nil {
		t.Error("a URL that cannot be scraped was scraped")
	}
}

func TestOnlyLoopbackSaysWhichLoopback(t *testing.T) {
	loopback, lan := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::ffff:192.168.1.5")
	for _, c := range []struct {
		remote netip.Addr
		ip     string
		want   string
	}{
		{loopback, "", "127.0.0.1"}, {loopback, "127.0.0.9", "127.0.0.9"}, {loopback, "::1", "::1"},
		{loopback, "8.8.8.8", "127.0.0.1"}, {loopback, "example.org", "127.0.0.1"},
		{lan, "", "192.168.1.5"}, {lan, "127.0.0.1", "192.168.1.5"}, {lan, "192.168.1.6", "192.168.1.5"},
	} {
		if got := announcedIP(url.Values{"ip": {c.ip}}, c.remote); got.String() != c.want {
			t.Errorf("from %v with ip=%q: %v, want %v", c.remote, c.ip, got, c.want)
		}
	}
}

func TestMalformedRequestsAreToldWhy(t *testing.T) {
	r := newRoom(t)
	alice := r.ghost(netip.MustParseAddrPort("127.0.0.1:4000"))
	for _, c := range []struct {
		param, value string // "" removes the parameter
		want         string
	}{
		{"info_hash", "", "info_hash is missing"},
		{"info_hash", "short", "info_hash must be 20 bytes, not 5"},
		{"info_hash", cheddar.String(), "not as hex digits"},
		{"info_hash", strings.Repeat("x", 1000), "info_hash must be 20 bytes, not 1000"},
		{"peer_id", "", "peer_id is missing"},
		{"peer_id", "abc", "peer_id must be 20 bytes, not 3"},
		{"port", "", "port is missing"},
		{"port", "0", "port must be a number from 1 to 65535"},
		{"port", "65536", "port must be a number from 1 to 65535"},
		{"port", "\x1b[31m", "port must be a number from 1 to 65535"},
		{"left", "-1", "left must be a number of bytes"},
		{"uploaded", "many", "uploaded must be a number of bytes"},
		{"numwant", "all", "numwant must be a number of peers"},
		{"event", "paused", "event must be started, completed or stopped"},
		{"junk", strings.Repeat("x", maxQuery), "query is"},
	} {
		t.Run(c.want, func(t *testing.T) {
			q := alice.query()
			q.Set(c.param, c.value)
			if c.value == "" {
				q.Del(c.param)
			}
			d := r.answer("/announce", q)
			if reason := d.text("failure reason"); !strings.Contains(reason, c.want) || strings.Contains(reason, "\x1b") || len(d) != 1 {
				t.Errorf("answer %q, want a failure reason with %q", d, c.want)
			}
		})
	}
	for query, want := range map[string]string{"?info_hash=%zz": "query is malformed", "?a;b": "query is malformed", "": "info_hash is missing"} {
		if _, _, body := r.get("/announce" + query); !strings.Contains(body, want) {
			t.Errorf("announce%s answers %q, want %q", query, body, want)
		}
	}
	if _, _, body := r.get("/scrape?info_hash=abc"); !strings.Contains(body, "must be 20 bytes, not 3") {
		t.Errorf("scrape answers %q", body)
	}
	if swarms, peers := r.server.Registry().Count(); swarms+peers != 0 {
		t.Errorf("malformed announces left %d swarms and %d peers", swarms, peers)
	}
}

func TestPathsThatAreNotThere(t *testing.T) {
	r := newRoom(t)
	for path, want := range map[string]int{
		"/": 200, "/stats.json": 200, "/nothing": 404, "/announce/": 404, "/peers.json?info_hash=12": 400,
		"/peers.json?info_hash=" + gouda.String(): 404,
	} {
		if status, _, body := r.get(path); status != want {
			t.Errorf("%s answers %d %q, want %d", path, status, body, want)
		}
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Post(r.url+"/announce", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST answers %d", resp.StatusCode)
	}
}

func TestPageShowsPeersAndEscapesThem(t *testing.T) {
	r := newRoom(t)
	_, header, body := r.get("/")
	if !strings.Contains(body, "cheese peer --name alice --tracker "+r.url) {
		t.Error("the empty page does not say how to join")
	}
	if csp := header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy %q", csp)
	}
	if !strings.Contains(body, "<style>"+pageCSS+"</style>") || !strings.Contains(body, "<script>"+pageJS+"</script>") {
		t.Error("style or script is not what the policy's hash is of")
	}
	alice, mallory, closed := r.peer("alice"), r.peer("mallory"), r.closedPeer()
	r.mu.Lock()
	r.names[mallory.addr.Port()] = Identity{Name: `<script>alert("x")</script>`, Agent: `" onload=x`, Note: "\x1b[2J\u202eevil\n"}
	r.mu.Unlock()
	for _, p := range []*peer{alice, mallory, closed} {
		p.announce(EventStarted)
	}
	alice.is(Listed)
	mallory.is(Listed)
	closed.is(Unreachable)
	r.said("peer unreachable")
	_, _, body = r.get("/")
	for _, want := range []string{"cheddar", cheddar.String(), "alice", alice.addr.String(), "height 7", "2 listed", "1 unreachable",
		"refused", "peer listed name=alice", "&lt;script&gt;alert"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, evil := range []string{"<script>alert", `" onload`, "\x1b", "\u202e"} {
		if strings.Contains(body, evil) {
			t.Errorf("the page has %q", evil)
		}
	}
}

func TestStatsForPrograms(t *testing.T) {
	r := newRoom(t)
	alice := r.peer("alice")
	alice.announce(EventStarted)
	r.said("peer listed")
	_, _, body := r.get("/stats.json")
	var st Stats
	if err := json.Unmarshal([]byte(body), &st); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if st.Swarms != 1 || st.Networks[0].Label != "cheddar" || st.Networks[0].Peers[0].Name != "alice" || len(st.Log) != 2 {
		t.Errorf("stats %s", body)
	}
	_, _, body = r.get("/peers.json?info_hash=" + cheddar.String())
	var network NetworkStats
	if err := json.Unmarshal([]byte(body), &network); err != nil || network.Peers[0].Addr != alice.addr {
		t.Errorf("peers %s: %v", body, err)
	}
}

func TestLogKeepsTheLatestLines(t *testing.T) {
	var l Log
	for i := range logLines + 5 {
		l.add(LogLine{Text: fmt.Sprint(i)})
	}
	lines := l.Lines()
	if len(lines) != logLines || lines[0].Text != "5" {
		t.Errorf("%d lines from %q, want %d from \"5\"", len(lines), lines[0].Text, logLines)
	}
}

func TestFloodOfPeersIsNotAFloodOfLines(t *testing.T) {
	r := newRoom(t)
	for i := range 3 * linesPerSecond {
		r.server.announce(t.Context(), from(fmt.Sprintf("127.0.0.1:%d", i+1), gouda))
	}
	r.eventually("all are checked", func() bool {
		return r.server.Stats().Networks[0].Unreachable == 3*linesPerSecond
	})
	if n := len(r.server.Log().Lines()); n != linesPerSecond {
		t.Errorf("%d lines in a second, want %d", n, linesPerSecond)
	}
	r.clock.pass(time.Second)
	r.peer("alice").announce(EventStarted)
	r.said("too much happened to show all of it", "lines=")
	r.said("peer announced", "network=cheddar")
}

func TestManyPeersAreShownInPart(t *testing.T) {
	r := newRoom(t)
	for i := range bigRegistry {
		r.server.announce(t.Context(), from(fmt.Sprintf("127.0.0.1:%d", i+1), gouda))
	}
	_, _, body := r.get("/")
	if want := fmt.Sprintf("and %d more", bigRegistry-MaxShownPeers); !strings.Contains(body, want) {
		t.Errorf("the page lacks %q", want)
	}
	r.peer("alice").announce(EventStarted)
	if n := r.server.Stats().Peers; n != bigRegistry {
		t.Errorf("a big registry was looked at twice in a second: %d peers", n)
	}
	r.clock.pass(time.Second)
	if n := r.server.Stats().Peers; n != bigRegistry+1 {
		t.Errorf("the page is older than a second: %d peers", n)
	}
}
