package tracker

import (
	"bytes"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func FuzzAnnounceQuery(f *testing.F) {
	good := url.Values{
		"info_hash": {string(cheddar[:])}, "peer_id": {strings.Repeat("\xff", 20)}, "port": {"23456"}, "left": {"1"},
		"numwant": {"50"}, "event": {"started"}, "compact": {"1"}, "ip": {"127.0.0.2"},
	}
	f.Add(good.Encode())
	f.Add("info_hash=%zz&port=0")
	f.Add("info_hash=" + strings.Repeat("%00", 20) + "&peer_id=" + strings.Repeat("a", 20) + "&port=65535&left=-9&numwant=-1&no_peer_id=1")
	lan := netip.MustParseAddr("192.168.1.5")
	f.Fuzz(func(t *testing.T, query string) {
		q, err := parseAnnounce(query, lan, netip.Addr{})
		if err != nil {
			var wrong *RequestError
			if !errors.As(err, &wrong) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if q.Addr.Addr() != lan || q.Addr.Port() == 0 || q.Left < 0 || q.Event < EventNone || q.Event > EventStopped {
			t.Fatalf("%q reads as %+v", query, q)
		}
		// Whatever is read is taken, and the answer is bencode.
		r := newRegistry()
		reply, err := r.Announce(time.Unix(0, 0), q.Announcement)
		if err != nil {
			t.Fatal(err)
		}
		answer := encode(announceAnswer(reply, q))
		if v, err := decode(answer); err != nil || !bytes.Equal(encode(v), answer) {
			t.Fatalf("answer %q: %v", answer, err)
		}
	})
}

func FuzzScrapeQuery(f *testing.F) {
	f.Add("info_hash=" + url.QueryEscape(string(cheddar[:])) + "&info_hash=" + strings.Repeat("%01", 20))
	f.Add("")
	f.Fuzz(func(t *testing.T, query string) {
		hashes, err := parseScrape(query)
		if err == nil && len(hashes) > MaxScrape {
			t.Fatalf("%d hashes are answered", len(hashes))
		}
	})
}

func TestScrapeIsBounded(t *testing.T) {
	hash := "&info_hash=" + strings.Repeat("%01", 20)
	if _, err := parseScrape(strings.Repeat(hash, MaxScrape)[1:]); err != nil {
		t.Errorf("%d hashes are refused: %v", MaxScrape, err)
	}
	if _, err := parseScrape(strings.Repeat(hash, MaxScrape+1)[1:]); err == nil {
		t.Errorf("%d hashes are answered", MaxScrape+1)
	}
}
