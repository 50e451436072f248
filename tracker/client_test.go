package tracker

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// answering is a tracker that says the same to everyone.
func answering(t *testing.T, status int, body string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/announce" {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func ask(t *testing.T, url string) (ClientReply, error) {
	t.Helper()
	return new(Client).Announce(t.Context(), url, ClientAnnounce{InfoHash: cheddar, Port: 1, Left: 1})
}

func TestURLs(t *testing.T) {
	for u, want := range map[string]string{
		"http://localhost:5656": "", "http://localhost:5656/": "", "https://t.example/announce?key=1": "", "http://[::1]:5656": "",
		"http://host/path/announce": "",
		"":                          "empty", "localhost:5656": "must start with http", "localhost": "must start with http",
		"udp://t.example:80": "UDP trackers are not supported yet", "ftp://t.example": "must start with http",
		"http://": "names no host", "http://:80": "names no host", "http://h:0": "port must be", "http://h:99999": "port must be",
		"http://h:x": "invalid port", "http://h/#x": "must not have a #", "http://h\x1b/": "invalid",
	} {
		err := CheckURL(u)
		var bad *URLError
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", u, err)
		case want != "" && (!errors.As(err, &bad) || !strings.Contains(bad.Reason, want)):
			t.Errorf("%q: %v, want %q", u, err, want)
		}
	}
}

func TestPathIsAddedIfThereIsNone(t *testing.T) {
	url := answering(t, 200, "d8:intervali7e5:peers0:e")
	for _, suffix := range []string{"", "/", "/announce", "/announce?key=1"} {
		if reply, err := ask(t, url+suffix); err != nil || reply.Interval != 7*time.Second {
			t.Errorf("%q: %+v, %v", suffix, reply, err)
		}
	}
	if _, err := ask(t, url+"/elsewhere"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("another path: %v", err)
	}
}

func TestClientReadsEveryShapeOfPeers(t *testing.T) {
	v4, v6 := "\x7f\x00\x00\x01\x00\x01", strings.Repeat("\x00", 15)+"\x01\x00\x02"
	for name, body := range map[string]string{
		"compact":    "d8:intervali30e5:peers6:" + v4 + "6:peers618:" + v6 + "e",
		"dictionary": "d8:intervali30e5:peersld2:ip9:127.0.0.14:porti1eed2:ip3:::14:porti2eed2:ip7:no.host4:porti3eed2:ip9:127.0.0.14:porti70000eei5eee",
		"mixed":      "d8:intervali30e5:peersld2:ip16:::ffff:127.0.0.14:porti1eee6:peers618:" + v6 + "e",
		"doubled":    "d8:intervali30e5:peers14:" + v4 + v4 + "\x01\x026:peers618:" + v6 + "e",
		"of no use":  "d8:intervali30e5:peers18:" + v4 + "\x00\x00\x00\x00\x00\x05" + "\x7f\x00\x00\x01\x00\x006:peers618:" + v6 + "e",
	} {
		reply, err := ask(t, answering(t, 200, body))
		if err != nil || !sameAddrs(reply.Peers, netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("[::1]:2")) {
			t.Errorf("%s: %v, %v", name, reply.Peers, err)
		}
	}
}

func TestHostileTrackers(t *testing.T) {
	var crowd strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&crowd, "\x0a\x00%c%c\x00\x01", byte(i>>8)&0x7f, byte(i)&0x7f)
	}
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"page", "<html>", 200, "not a tracker's"},
		{"empty", "", 200, "not a tracker's"},
		{"list", "le", 200, "not a dictionary"},
		{"broken", "", 500, "500 Internal Server Error"},
		{"endless", strings.Repeat("x", maxAnswerBytes+1), 200, "longer than"},
	} {
		if _, err := ask(t, answering(t, c.status, c.body)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	_, err := ask(t, answering(t, 200, "d14:failure reason11:go\x1b[2Jaway!e"))
	wantFailure(t, err, "go [2Jaway")
	_, err = ask(t, answering(t, 400, "d14:failure reason4:nopee"))
	wantFailure(t, err, "nope")

	body := string(encode(dict{"interval": number(-5), "min interval": number(1 << 60), "complete": number(-1),
		"peers": text(crowd.String()), "warning message": text(strings.Repeat("long ", 1000))}))
	reply, err := ask(t, answering(t, 200, body))
	if err != nil || reply.Interval != 0 || reply.MinInterval != longestInterval || reply.Seeders != 0 ||
		len(reply.Peers) != maxAnswerPeers || len(reply.Warning) > maxReason {
		t.Errorf("a boundless answer is read as %v %v %d with %d peers, %v", reply.Interval, reply.MinInterval, reply.Seeders, len(reply.Peers), err)
	}
}

func TestTrackerThatIsDown(t *testing.T) {
	srv := httptest.NewServer(nil)
	url := srv.URL
	srv.Close()
	_, err := ask(t, url)
	if err == nil || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "info_hash") {
		t.Errorf("error %v", err)
	}
}

func TestIDs(t *testing.T) {
	hash, err := ParseInfoHash(cheddar.String())
	if err != nil || hash != cheddar {
		t.Errorf("%v comes back as %v, %v", cheddar, hash, err)
	}
	id, err := NewPeerID(strings.NewReader("123456789012"))
	if back, err2 := ParsePeerID(id.String()); err != nil || err2 != nil || back != id || string(id[:]) != "-CZ0001-123456789012" {
		t.Errorf("%q comes back as %v: %v, %v", id, back, err, err2)
	}
	if _, err := NewPeerID(strings.NewReader("short")); err == nil {
		t.Error("a peer id was drawn from too little")
	}
	for _, bad := range []string{"", "12", strings.Repeat("x", 40)} {
		if _, err := ParseInfoHash(bad); err == nil {
			t.Errorf("%q is an info hash", bad)
		}
	}
}
