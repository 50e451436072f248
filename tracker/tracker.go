// Package tracker is a BitTorrent announce tracker and its client: peers of a network (a swarm, named by
// a 20-byte info hash) announce themselves and are told of each other.
//
// It speaks BEP 3 (announce over HTTP), BEP 7 (IPv6), BEP 23 (compact answers) and BEP 48 (scrape). The
// [Registry] holds the swarms and knows nothing of HTTP, so that another transport is a second door onto the
// same swarms; the [Server] is the HTTP door, the checks and the page; the [Client] asks any tracker; the
// [Announcer] keeps one peer announced at several. What a swarm is for is unknown here: the check that an
// announced peer is really there is a [Checker] handed in from above.
package tracker

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// InfoHash names a swarm (BEP 3: 20 bytes).
type InfoHash [20]byte

// PeerID names one run of one peer (BEP 3: 20 bytes, chosen by the peer).
type PeerID [20]byte

// String gives 40 hex digits.
func (h InfoHash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText gives 40 hex digits.
func (h InfoHash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 40 hex digits.
func (h *InfoHash) UnmarshalText(text []byte) (err error) {
	*h, err = ParseInfoHash(string(text))
	return err
}

// ParseInfoHash reads 40 hex digits.
func ParseInfoHash(s string) (InfoHash, error) {
	id, err := parseID(s)
	if err != nil {
		return InfoHash{}, fmt.Errorf("info hash %q: %w", clean(s, 60), err)
	}
	return id, nil
}

// String gives 40 hex digits.
func (id PeerID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText gives 40 hex digits.
func (id PeerID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads 40 hex digits.
func (id *PeerID) UnmarshalText(text []byte) (err error) {
	*id, err = ParsePeerID(string(text))
	return err
}

// ParsePeerID reads 40 hex digits.
func ParsePeerID(s string) (PeerID, error) {
	id, err := parseID(s)
	if err != nil {
		return PeerID{}, fmt.Errorf("peer id %q: %w", clean(s, 60), err)
	}
	return id, nil
}

// peerIDPrefix is the client code and version of an Azureus-style peer id (BEP 20).
const peerIDPrefix = "-CZ0001-"

// NewPeerID draws a peer id: the program's BEP 20 prefix and 12 bytes from random.
func NewPeerID(random io.Reader) (PeerID, error) {
	var id PeerID
	n := copy(id[:], peerIDPrefix)
	if _, err := io.ReadFull(random, id[n:]); err != nil {
		return PeerID{}, fmt.Errorf("draw peer id: %w", err)
	}
	return id, nil
}

func parseID(s string) (id [20]byte, err error) {
	if len(s) != 2*len(id) {
		return id, fmt.Errorf("want %d hex digits, got %d characters", 2*len(id), len(s))
	}
	_, err = hex.Decode(id[:], []byte(s))
	return id, err
}

// Longest texts that are kept of what a stranger says, in characters.
const (
	maxName   = 32
	maxAgent  = 128
	maxNote   = 64
	maxReason = 200
)

// Identity is what a Checker learned about a peer by connecting to it. All of it is the peer's own claim.
type Identity struct {
	Name  string `json:"name,omitempty"`  // what the peer calls itself
	Agent string `json:"agent,omitempty"` // its program
	Note  string `json:"note,omitempty"`  // anything worth showing, such as a height
}

func (id Identity) clean() Identity {
	return Identity{Name: clean(id.Name, maxName), Agent: clean(id.Agent, maxAgent), Note: clean(id.Note, maxNote)}
}

// clean makes a stranger's text fit to show in a terminal or a page: valid UTF-8, printable characters only (so no
// escape sequences, line breaks or direction marks), at most limit of them.
func clean(s string, limit int) string {
	if len(s) > limit*utf8.UTFMax {
		s = s[:limit*utf8.UTFMax]
	}
	var b strings.Builder
	count := 0
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = ' '
		}
		if count++; count > limit {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
