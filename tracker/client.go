package tracker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds on what a tracker can make a client hold.
const (
	maxAnswerBytes  = 1 << 20
	maxAnswerPeers  = 1000
	maxRedirects    = 3
	requestTimeout  = 10 * time.Second
	longestInterval = 24 * time.Hour
)

// Client asks trackers over HTTP. The zero value is ready and safe for concurrent use.
type Client struct {
	HTTP *http.Client // nil: a client with a 10 s limit that keeps no connection open
}

var defaultHTTP = &http.Client{
	Timeout: requestTimeout,
	CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("tracker redirects more than %d times", maxRedirects)
		}
		return nil
	},
}

// ClientAnnounce is what a peer tells a tracker.
type ClientAnnounce struct {
	InfoHash InfoHash
	PeerID   PeerID
	Port     uint16     // where the peer listens
	IP       netip.Addr // optional; heard by our tracker between loopback addresses only
	Left     int64      // bytes that the peer lacks; some trackers show seeders (0) to leechers only
	Event    Event
	NumWant  int // peers wanted; 0 or less: the tracker's default
}

// ClientReply is a tracker's answer.
type ClientReply struct {
	Peers             []netip.AddrPort // without duplicates
	Interval          time.Duration    // until the next announce; 0 if the tracker does not say
	MinInterval       time.Duration    // 0 if the tracker does not say
	Seeders, Leechers int
	Warning           string
}

// Failure is a tracker's refusal in its own words.
type Failure struct{ Reason string }

func (f *Failure) Error() string { return "tracker refuses: " + f.Reason }

// URLError says why a text is not a tracker's URL.
type URLError struct{ URL, Reason string }

func (e *URLError) Error() string { return fmt.Sprintf("tracker URL %q: %s", e.URL, e.Reason) }

// CheckURL says what is wrong with a tracker's URL; the error is a *URLError. Without a path, /announce is meant.
func CheckURL(tracker string) error {
	_, err := announceURL(tracker)
	return err
}

func announceURL(tracker string) (*url.URL, error) {
	bad := func(reason string) (*url.URL, error) { return nil, &URLError{clean(tracker, maxReason), reason} }
	if tracker == "" {
		return bad("it is empty, want something like http://host:5656")
	}
	if !strings.Contains(tracker, "://") {
		return bad("it must start with http:// or https://")
	}
	u, err := url.Parse(tracker)
	var parse *url.Error
	switch {
	case errors.As(err, &parse):
		return bad(clean(parse.Err.Error(), maxReason))
	case u.Scheme == "udp":
		return bad("UDP trackers are not supported yet")
	case u.Scheme != "http" && u.Scheme != "https":
		return bad("it must start with http:// or https://")
	case u.Hostname() == "":
		return bad("it names no host")
	case u.Fragment != "":
		return bad("it must not have a # part")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return bad("its port must be from 1 to 65535")
		}
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/announce"
	}
	return u, nil
}

// scrapeURL follows BEP 48: the last part of the path must start with "announce", which becomes "scrape".
func scrapeURL(tracker string) (*url.URL, error) {
	u, err := announceURL(tracker)
	if err != nil {
		return nil, err
	}
	cut := strings.LastIndexByte(u.Path, '/') + 1
	rest, ok := strings.CutPrefix(u.Path[cut:], "announce")
	if !ok {
		return nil, &URLError{clean(tracker, maxReason), "only a tracker whose path ends in /announce can be scraped"}
	}
	u.Path, u.RawPath = u.Path[:cut]+"scrape"+rest, ""
	return u, nil
}

// Announce tells a tracker of a peer and asks it for others. Errors are *URLError, *Failure, *BencodeError or those
// of net/http, wrapped.
func (c *Client) Announce(ctx context.Context, tracker string, a ClientAnnounce) (ClientReply, error) {
	u, err := announceURL(tracker)
	if err != nil {
		return ClientReply{}, err
	}
	q := url.Values{
		"info_hash": {string(a.InfoHash[:])}, "peer_id": {string(a.PeerID[:])},
		"port": {strconv.Itoa(int(a.Port))}, "left": {strconv.FormatInt(a.Left, 10)},
		"uploaded": {"0"}, "downloaded": {"0"}, "compact": {"1"},
	}
	if a.Event != EventNone {
		q.Set("event", a.Event.String())
	}
	if a.NumWant > 0 {
		q.Set("numwant", strconv.Itoa(a.NumWant))
	}
	if a.IP.IsValid() {
		q.Set("ip", a.IP.String())
	}
	answer, err := c.ask(ctx, u, q)
	if err != nil {
		return ClientReply{}, fmt.Errorf("announce to %s: %w", u.Host, err)
	}
	return readReply(answer), nil
}

// Scrape asks a tracker for the counts of swarms; a swarm that it does not know is not Known.
func (c *Client) Scrape(ctx context.Context, tracker string, hashes ...InfoHash) ([]SwarmStats, error) {
	u, err := scrapeURL(tracker)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	for _, hash := range hashes {
		q.Add("info_hash", string(hash[:]))
	}
	answer, err := c.ask(ctx, u, q)
	if err != nil {
		return nil, fmt.Errorf("scrape %s: %w", u.Host, err)
	}
	files, _ := answer["files"].(dict)
	stats := make([]SwarmStats, 0, len(hashes))
	for _, hash := range hashes {
		file, known := files[string(hash[:])].(dict)
		stats = append(stats, SwarmStats{
			Hash: hash, Known: known,
			Seeders: count(file, "complete"), Leechers: count(file, "incomplete"), Downloaded: count(file, "downloaded"),
		})
	}
	return stats, nil
}

// ask sends one request and reads the dictionary that answers it.
func (c *Client) ask(ctx context.Context, u *url.URL, q url.Values) (dict, error) {
	// A private tracker's URL has a query of its own. Spaces are escaped as RFC 3986 has it: not every tracker reads "+".
	query := strings.ReplaceAll(q.Encode(), "+", "%20")
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // the next request is an interval away
	httpClient := c.HTTP
	if httpClient == nil {
		httpClient = defaultHTTP
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		return nil, plainCause(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read answer: %w", err)
	case len(body) > maxAnswerBytes:
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswerBytes)
	}
	return readAnswer(resp.Status, resp.StatusCode, body)
}

// plainCause drops the URL from net/http's error: its query is escaped bytes that tell a person nothing.
func plainCause(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

func readAnswer(status string, code int, body []byte) (dict, error) {
	v, err := decode(body)
	answer, ok := v.(dict)
	switch {
	case ok && answer["failure reason"] != nil:
		return nil, &Failure{clean(answer.text("failure reason"), maxReason)}
	case code != http.StatusOK:
		return nil, fmt.Errorf("it answers %q", clean(status, maxName))
	case err != nil:
		return nil, fmt.Errorf("the answer is not a tracker's: %w", err)
	case !ok:
		return nil, errors.New("the answer is not a tracker's: not a dictionary")
	}
	return answer, nil
}

func readReply(answer dict) ClientReply {
	peers := append(compactAddrs(answer.text("peers"), 4), compactAddrs(answer.text("peers6"), 16)...)
	peers = append(peers, dictAddrs(answer["peers"])...)
	return ClientReply{
		Peers:    usable(peers),
		Interval: interval(answer, "interval"), MinInterval: interval(answer, "min interval"),
		Seeders: count(answer, "complete"), Leechers: count(answer, "incomplete"),
		Warning: clean(answer.text("warning message"), maxReason),
	}
}

// count reads a number of peers, 0 if it makes no sense.
func count(d dict, key string) int {
	return int(min(max(d.number(key), 0), 1<<31-1))
}

func interval(d dict, key string) time.Duration {
	return time.Duration(min(max(d.number(key), 0), int64(longestInterval/time.Second))) * time.Second
}

// compactAddrs unpacks BEP 23 (ipLen 4) or BEP 7 (ipLen 16) addresses; an odd end is dropped.
func compactAddrs(packed string, ipLen int) []netip.AddrPort {
	var addrs []netip.AddrPort
	for ; len(packed) >= ipLen+2; packed = packed[ipLen+2:] {
		ip, _ := netip.AddrFromSlice([]byte(packed[:ipLen]))
		addrs = append(addrs, netip.AddrPortFrom(ip, binary.BigEndian.Uint16([]byte(packed[ipLen:]))))
	}
	return addrs
}

// dictAddrs reads BEP 3's list of dictionaries. Peers named by a host name instead of an address are passed over.
func dictAddrs(v value) []netip.AddrPort {
	var addrs []netip.AddrPort
	peers, _ := v.(list)
	for _, p := range peers {
		d, _ := p.(dict)
		ip, err := netip.ParseAddr(d.text("ip"))
		if port := d.number("port"); err == nil && port > 0 && port <= 65535 {
			addrs = append(addrs, netip.AddrPortFrom(ip, uint16(port)))
		}
	}
	return addrs
}

// usable keeps each address that can be connected to once, at most maxAnswerPeers.
func usable(addrs []netip.AddrPort) []netip.AddrPort {
	var kept []netip.AddrPort
	seen := map[netip.AddrPort]bool{}
	for _, addr := range addrs {
		addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
		if len(kept) == maxAnswerPeers {
			break
		}
		if checkAddr(addr) == nil && !seen[addr] {
			seen[addr] = true
			kept = append(kept, addr)
		}
	}
	return kept
}
