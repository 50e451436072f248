package tracker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// maxQuery bounds an announce or scrape query, in bytes: MaxScrape hashes with every byte escaped fit.
const maxQuery = 8 << 10

// RequestError says which parameter of an announce or scrape is wrong, and why.
type RequestError struct{ Param, Reason string }

func (e *RequestError) Error() string { return e.Param + " " + e.Reason }

// announceQuery is an announcement and the shape of answer that it wants.
type announceQuery struct {
	Announcement
	compact  bool // BEP 23
	noPeerID bool // dictionary answer without peer ids
}

// parseAnnounce reads the query of an announce (BEP 3, 7, 23) that came from remote to our address door. Errors are
// *RequestError.
func parseAnnounce(rawQuery string, remote, door netip.Addr) (announceQuery, error) {
	q, err := parseQuery(rawQuery)
	if err != nil {
		return announceQuery{}, err
	}
	a := announceQuery{compact: q.Get("compact") == "1", noPeerID: q.Get("no_peer_id") == "1"}
	a.Door = door
	if a.InfoHash, err = id20(q, "info_hash"); err != nil {
		return announceQuery{}, err
	}
	if a.PeerID, err = id20(q, "peer_id"); err != nil {
		return announceQuery{}, err
	}
	port, err := strconv.ParseUint(q.Get("port"), 10, 16)
	if err != nil || port == 0 {
		return announceQuery{}, wrong(q, "port", "must be a number from 1 to 65535")
	}
	a.Addr = netip.AddrPortFrom(announcedIP(q, remote), uint16(port))
	for _, param := range []string{"uploaded", "downloaded", "left"} {
		// Peers that do not say what they lack count as lacking something.
		n, err := strconv.ParseInt(orDefault(q.Get(param), "1"), 10, 64)
		if err != nil || n < 0 {
			return announceQuery{}, wrong(q, param, "must be a number of bytes")
		}
		if param == "left" {
			a.Left = n
		}
	}
	if a.NumWant, err = strconv.Atoi(orDefault(q.Get("numwant"), "-1")); err != nil {
		return announceQuery{}, wrong(q, "numwant", "must be a number of peers")
	}
	if a.Event, err = parseEvent(q); err != nil {
		return announceQuery{}, err
	}
	return a, nil
}

// parseQuery reads a query string, in which info_hash and peer_id are escaped bytes.
func parseQuery(rawQuery string) (url.Values, error) {
	if len(rawQuery) > maxQuery {
		return nil, &RequestError{"query", fmt.Sprintf("is %d bytes long, at most %d are read", len(rawQuery), maxQuery)}
	}
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, &RequestError{"query", "is malformed: " + clean(err.Error(), maxReason)}
	}
	return q, nil
}

func wrong(q url.Values, param, must string) error {
	if !q.Has(param) {
		return &RequestError{param, "is missing: it " + must}
	}
	return &RequestError{param, fmt.Sprintf("%s, not %q", must, clean(q.Get(param), maxName))}
}

func orDefault(s, missing string) string {
	if s == "" {
		return missing
	}
	return s
}

func id20(q url.Values, param string) (id [20]byte, err error) {
	s := q.Get(param)
	switch {
	case !q.Has(param):
		return id, &RequestError{param, "is missing: it must be 20 bytes, percent-encoded"}
	case len(s) == 2*len(id):
		return id, &RequestError{param, "must be 20 bytes, not 40: send the bytes percent-encoded, not as hex digits"}
	case len(s) != len(id):
		return id, &RequestError{param, fmt.Sprintf("must be 20 bytes, not %d", len(s))}
	}
	copy(id[:], s)
	return id, nil
}

func parseEvent(q url.Values) (Event, error) {
	switch s := q.Get("event"); s {
	case "", "empty":
		return EventNone, nil
	case "started":
		return EventStarted, nil
	case "completed":
		return EventCompleted, nil
	case "stopped":
		return EventStopped, nil
	}
	return 0, wrong(q, "event", "must be started, completed or stopped")
}

// announcedIP is the address a peer announces from. A peer speaks for itself only; peers on this machine may say
// which of its loopback addresses they listen on, since all of them connect from the same one.
func announcedIP(q url.Values, remote netip.Addr) netip.Addr {
	remote = remote.Unmap()
	if ip, err := netip.ParseAddr(q.Get("ip")); err == nil && remote.IsLoopback() && ip.Unmap().IsLoopback() {
		return ip.Unmap()
	}
	return remote
}

// parseScrape reads the query of a scrape (BEP 48). Errors are *RequestError.
func parseScrape(rawQuery string) ([]InfoHash, error) {
	q, err := parseQuery(rawQuery)
	if err != nil {
		return nil, err
	}
	if n := len(q["info_hash"]); n > MaxScrape {
		return nil, &RequestError{"info_hash", fmt.Sprintf("is given %d times, at most %d are answered", n, MaxScrape)}
	}
	hashes := make([]InfoHash, 0, len(q["info_hash"]))
	for _, s := range q["info_hash"] {
		hash, err := id20(url.Values{"info_hash": {s}}, "info_hash")
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

func (s *Server) serveAnnounce(w http.ResponseWriter, r *http.Request) {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		s.refuse(r.Context(), w, fmt.Errorf("connection has no address: %w", err))
		return
	}
	q, err := parseAnnounce(r.URL.RawQuery, remote.Addr(), localAddr(r.Context()))
	if err != nil {
		s.refuse(r.Context(), w, err)
		return
	}
	reply, err := s.announce(r.Context(), q.Announcement)
	if err != nil {
		s.refuse(r.Context(), w, err)
		return
	}
	writeBencode(w, announceAnswer(reply, q))
}

func (s *Server) serveScrape(w http.ResponseWriter, r *http.Request) {
	hashes, err := parseScrape(r.URL.RawQuery)
	if err != nil {
		s.refuse(r.Context(), w, err)
		return
	}
	files := dict{}
	for _, st := range s.registry.Scrape(s.now(), hashes) {
		if st.Known {
			files[string(st.Hash[:])] = dict{
				"complete": number(st.Seeders), "incomplete": number(st.Leechers), "downloaded": number(st.Downloaded),
			}
		}
	}
	writeBencode(w, dict{"files": files})
}

// localAddr is our own address that a request came to; invalid if that is unknown.
func localAddr(ctx context.Context) netip.Addr {
	addr, ok := ctx.Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return addr.AddrPort().Addr().Unmap()
}

// refuse answers with BEP 3's failure reason.
func (s *Server) refuse(ctx context.Context, w http.ResponseWriter, err error) {
	level := slog.LevelDebug
	var request *RequestError
	var refused *RefusedError
	if !errors.As(err, &request) && !errors.As(err, &refused) {
		level = slog.LevelError
	}
	s.logger.Log(ctx, level, "request refused", "reason", err)
	writeBencode(w, dict{"failure reason": text(err.Error())})
}

func writeBencode(w http.ResponseWriter, v value) {
	w.Header().Set("Content-Type", "text/plain; charset=iso-8859-1")
	w.Write(encode(v)) // an asker that has gone needs no answer
}

// announceAnswer gives the answer of BEP 3, 7 and 23. Intervals are whole seconds, rounded up.
func announceAnswer(reply Reply, q announceQuery) dict {
	answer := dict{
		"interval": seconds(reply.Interval), "min interval": seconds(reply.MinInterval),
		"complete": number(reply.Seeders), "incomplete": number(reply.Leechers),
	}
	if reply.Warning != "" {
		answer["warning message"] = text(reply.Warning)
	}
	if !q.compact {
		answer["peers"] = peerDicts(reply.Peers, q.noPeerID)
		return answer
	}
	v4, v6 := compactPeers(reply.Peers)
	answer["peers"] = text(v4)
	if len(v6) > 0 {
		answer["peers6"] = text(v6)
	}
	return answer
}

func seconds(d time.Duration) number { return number((d + time.Second - 1) / time.Second) }

func peerDicts(peers []Peer, noPeerID bool) list {
	l := make(list, 0, len(peers))
	for _, p := range peers {
		d := dict{"ip": text(p.Addr.Addr().String()), "port": number(p.Addr.Port())}
		if !noPeerID {
			d["peer id"] = text(p.ID[:])
		}
		l = append(l, d)
	}
	return l
}

// compactPeers packs addresses: 4 or 16 bytes and a big-endian port each.
func compactPeers(peers []Peer) (v4, v6 []byte) {
	for _, p := range peers {
		dst := &v6
		if p.Addr.Addr().Is4() {
			dst = &v4
		}
		*dst = binary.BigEndian.AppendUint16(append(*dst, p.Addr.Addr().AsSlice()...), p.Addr.Port())
	}
	return v4, v6
}
