package tracker

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Bounds on what one look at the registry shows.
const (
	MaxShownSwarms = 100
	MaxShownPeers  = 200 // of one swarm
)

// State says whether a peer is listed to others.
type State string

// The states of a peer.
const (
	Pending     State = "pending"     // not checked yet
	Listed      State = "listed"      // connected to by a check
	Unreachable State = "unreachable" // its last check failed
)

// PeerInfo is what is known of a peer.
type PeerInfo struct {
	Identity
	ID        PeerID         `json:"peer_id"`
	Addr      netip.AddrPort `json:"addr"`
	State     State          `json:"state"`
	Reason    string         `json:"reason,omitempty"` // why it is unreachable
	Seeder    bool           `json:"seeder"`
	Since     time.Time      `json:"since"` // its first announce
	LastSeen  time.Time      `json:"last_seen"`
	Announces int            `json:"announces"`
}

// SwarmInfo is what is known of a swarm. The counts are of all its peers; at most MaxShownPeers are shown.
type SwarmInfo struct {
	Hash        InfoHash   `json:"info_hash"`
	Listed      int        `json:"listed"`
	Pending     int        `json:"pending"`
	Unreachable int        `json:"unreachable"`
	Downloaded  int        `json:"downloaded"`
	Peers       []PeerInfo `json:"peers"` // listed first, then by name and address
}

// Total is the number of the swarm's peers in any state.
func (s SwarmInfo) Total() int { return s.Listed + s.Pending + s.Unreachable }

// Snapshot gives the largest swarms, at most MaxShownSwarms.
func (r *Registry) Snapshot(_ time.Time) []SwarmInfo {
	r.mu.Lock()
	infos := make([]SwarmInfo, 0, len(r.swarms))
	for hash, s := range r.swarms {
		infos = append(infos, s.info(hash))
	}
	r.mu.Unlock()

	slices.SortFunc(infos, func(a, b SwarmInfo) int {
		return cmp.Or(cmp.Compare(b.Listed, a.Listed), cmp.Compare(b.Total(), a.Total()), bytes.Compare(a.Hash[:], b.Hash[:]))
	})
	infos = infos[:min(len(infos), MaxShownSwarms)]
	for i := range infos {
		infos[i].arrange()
	}
	return infos
}

// Swarm gives one swarm, false if it has no peers.
func (r *Registry) Swarm(_ time.Time, hash InfoHash) (SwarmInfo, bool) {
	r.mu.Lock()
	s := r.swarms[hash]
	if s == nil {
		r.mu.Unlock()
		return SwarmInfo{}, false
	}
	info := s.info(hash)
	r.mu.Unlock()
	info.arrange()
	return info, true
}

// Count gives the number of swarms and of peers in any state.
func (r *Registry) Count() (swarms, peers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.swarms), r.peers
}

// info copies the swarm. Caller holds the registry's mu.
func (s *swarm) info(hash InfoHash) SwarmInfo {
	info := SwarmInfo{Hash: hash, Downloaded: s.downloaded, Listed: len(s.listed), Peers: make([]PeerInfo, 0, len(s.members))}
	for _, m := range s.members {
		switch m.State {
		case Pending:
			info.Pending++
		case Unreachable:
			info.Unreachable++
		}
		info.Peers = append(info.Peers, m.PeerInfo)
	}
	return info
}

// arrange puts the peers in the order of the page and drops those past the bound.
func (s *SwarmInfo) arrange() {
	rank := map[State]int{Listed: 0, Pending: 1, Unreachable: 2}
	slices.SortFunc(s.Peers, func(a, b PeerInfo) int {
		return cmp.Or(cmp.Compare(rank[a.State], rank[b.State]), cmp.Compare(a.Name, b.Name), a.Addr.Compare(b.Addr))
	})
	s.Peers = s.Peers[:min(len(s.Peers), MaxShownPeers)]
}
