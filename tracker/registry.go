package tracker

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// Bounds on what strangers can make a registry hold. A source is an IPv4 address or an IPv6 /64 network, since one
// host commonly owns a whole /64.
const (
	MaxSwarms         = 1000
	MaxPeers          = 50_000 // in all swarms together
	MaxPeersPerSwarm  = 10_000
	MaxPeersPerSource = 64
	// Swarms that one source has opened and in which nobody is listed. When there is no room for one more, the oldest of
	// all sources goes: real peers come back with their next announce.
	MaxUnlistedPerSource   = 16
	MaxUnlistedPerLoopback = 256
	// A classroom demo and a test run everything on one machine.
	MaxPeersPerLoopback  = 4096
	MaxChecks            = 1024 // waiting or running
	MaxChecksPerSource   = 8
	MaxChecksPerLoopback = 256
	MaxReplyPeers        = 50
	MaxScrape            = 74 // hashes a scrape may ask for (what one UDP packet of BEP 15 holds)
)

type limits struct {
	swarms, peers, perSwarm                    int
	perSource, perLoopback                     int
	unlisted, unlistedLoopback                 int // swarms of a source
	checks, checksPerSource, checksPerLoopback int
}

var defaultLimits = limits{
	swarms: MaxSwarms, peers: MaxPeers, perSwarm: MaxPeersPerSwarm,
	perSource: MaxPeersPerSource, perLoopback: MaxPeersPerLoopback,
	unlisted: MaxUnlistedPerSource, unlistedLoopback: MaxUnlistedPerLoopback,
	checks: MaxChecks, checksPerSource: MaxChecksPerSource, checksPerLoopback: MaxChecksPerLoopback,
}

// expirySlack is added to two intervals of silence before a peer is forgotten.
const expirySlack = 15 * time.Second

// Event is why a peer announces (BEP 3; the numbers are BEP 15's).
type Event int

// The events of BEP 3.
const (
	EventNone Event = iota
	EventCompleted
	EventStarted
	EventStopped
)

// String gives BEP 3's word, "" for a regular announce.
func (e Event) String() string {
	switch e {
	case EventCompleted:
		return "completed"
	case EventStarted:
		return "started"
	case EventStopped:
		return "stopped"
	}
	return ""
}

// Announcement is what a peer says of itself, whichever door it came through.
type Announcement struct {
	InfoHash InfoHash
	PeerID   PeerID
	Addr     netip.AddrPort // where the peer listens
	Door     netip.Addr     // our own address that the peer reached us by; may be invalid
	Left     int64          // bytes that the peer lacks; 0 makes it a seeder
	Event    Event
	NumWant  int // peers wanted in the reply; negative: as many as a reply holds
}

// Peer is one peer in a reply.
type Peer struct {
	ID   PeerID
	Addr netip.AddrPort
}

// Reply answers an announcement.
type Reply struct {
	Peers                 []Peer
	Interval, MinInterval time.Duration
	Seeders, Leechers     int    // listed peers of the swarm
	Warning               string // why the peer is not listed; "" if all is well
	Joined, Left          bool   // the announcement added or removed a peer
	Who                   PeerInfo
}

// RefusedError says why a well-formed announcement was not taken.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// Registry holds swarms and their peers. A peer is pending until a check has connected to it, and only a checked
// peer is listed to others; whoever owns the registry takes checks by NextCheck and reports them by Checked. It is
// safe for concurrent use.
type Registry struct {
	interval, minInterval time.Duration
	limits                limits
	due                   chan struct{} // holds a token when a check may be waiting

	mu      sync.Mutex
	rand    *rand.Rand
	swarms  map[InfoHash]*swarm
	sources map[netip.Prefix]*source
	peers   int // in all swarms
	queue   []Check
	checks  int    // queued or running
	serial  uint64 // of the latest member
}

type swarm struct {
	members    map[netip.AddrPort]*member
	listed     []*member // in no particular order
	seeders    int       // among the listed
	downloaded int       // "completed" events
	serial     uint64    // of its first member
	opener     netip.Prefix
	charged    bool // it counts among its opener's unlisted
}

// source accounts for what one stranger makes us hold.
type source struct {
	peers, checks int
	unlisted      int // swarms that it opened and in which nobody is listed
}

type member struct {
	PeerInfo
	serial    uint64 // tells this member from an earlier one at its address
	position  int    // in swarm.listed, if State is Listed
	checking  bool   // a check is queued or running
	failures  int    // checks failed in a row
	nextCheck time.Time
}

// NewRegistry makes an empty registry that tells peers to announce every interval, and never more often than
// minInterval unless a person asks.
func NewRegistry(interval, minInterval time.Duration, random *rand.Rand) *Registry {
	return &Registry{
		interval: interval, minInterval: min(minInterval, interval), limits: defaultLimits,
		due: make(chan struct{}, 1), rand: random,
		swarms: map[InfoHash]*swarm{}, sources: map[netip.Prefix]*source{},
	}
}

// Announce takes one announcement. The error is a *RefusedError.
func (r *Registry) Announce(now time.Time, a Announcement) (Reply, error) {
	a.Addr = netip.AddrPortFrom(a.Addr.Addr().Unmap(), a.Addr.Port())
	a.Door = a.Door.Unmap()
	if err := checkAddr(a.Addr); err != nil {
		return Reply{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.Event == EventStopped {
		return r.leave(a), nil
	}
	m, joined, err := r.enter(now, a)
	if err != nil {
		return Reply{}, err
	}
	s := r.swarms[a.InfoHash]
	reply := r.reply(s)
	reply.Joined, reply.Who = joined, m.PeerInfo
	reply.Peers = r.sample(s, a)
	if pause, young := youngPause(now.Sub(m.Since)); young {
		reply.Interval, reply.MinInterval = pause, time.Second
	}
	if m.State == Unreachable {
		reply.Warning = fmt.Sprintf("your address %v could not be connected to, so you are not listed to others: %s", m.Addr, m.Reason)
	}
	return reply, nil
}

func checkAddr(addr netip.AddrPort) error {
	ip := addr.Addr()
	switch {
	case !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast():
		return &RefusedError{fmt.Sprintf("%v is not an address that others could connect to", ip)}
	case ip.Is6() && ip.IsLinkLocalUnicast():
		return &RefusedError{fmt.Sprintf("the link-local address %v means nothing to other hosts: announce over another address", ip)}
	case addr.Port() == 0:
		return &RefusedError{"port 0 cannot be connected to"}
	}
	return nil
}

// youngPause is how soon a peer that joined so long ago should ask again. Peers that start together find each other
// only by a second announce, after they have been checked.
func youngPause(age time.Duration) (time.Duration, bool) {
	switch {
	case age < time.Second:
		return time.Second, true
	case age < 3*time.Second:
		return 2 * time.Second, true
	case age < 7*time.Second:
		return 4 * time.Second, true
	}
	return 0, false
}

// reply gives what every reply about s holds; s may be nil. Caller holds mu.
func (r *Registry) reply(s *swarm) Reply {
	// Jitter keeps peers that joined together from announcing together forever.
	jitter := time.Duration(r.rand.Int64N(int64(r.interval/10) + 1))
	reply := Reply{Interval: r.interval + jitter, MinInterval: r.minInterval}
	if s != nil {
		reply.Seeders, reply.Leechers = s.seeders, len(s.listed)-s.seeders
	}
	return reply
}

// lifetime is how long a peer may be silent.
func (r *Registry) lifetime() time.Duration { return 2*(r.interval+r.interval/10) + expirySlack }

// leave removes the peer, if it is the one that announces: another peer id on the same host cannot end it. Caller
// holds mu.
func (r *Registry) leave(a Announcement) Reply {
	s := r.swarms[a.InfoHash]
	if s == nil || s.members[a.Addr] == nil || s.members[a.Addr].ID != a.PeerID {
		return r.reply(s)
	}
	m := s.members[a.Addr]
	r.remove(a.InfoHash, m)
	reply := r.reply(s)
	reply.Left, reply.Who = true, m.PeerInfo
	return reply
}

// enter finds or makes the member that announces, and notes the announcement. Caller holds mu.
func (r *Registry) enter(now time.Time, a Announcement) (m *member, joined bool, err error) {
	s := r.swarms[a.InfoHash]
	if s != nil {
		m = s.members[a.Addr]
	}
	if m != nil && m.ID != a.PeerID {
		// Another run of the program has taken the address over.
		r.remove(a.InfoHash, m)
		m = nil
	}
	if m == nil {
		if m, err = r.add(now, a); err != nil {
			return nil, false, err
		}
		s, joined = r.swarms[a.InfoHash], true
	}
	m.LastSeen = now
	m.Announces++
	s.setSeeder(m, a.Left == 0)
	if a.Event == EventCompleted {
		s.downloaded++
	}
	return m, joined, nil
}

// add makes a pending member and asks for its check. Caller holds mu.
func (r *Registry) add(now time.Time, a Announcement) (*member, error) {
	src := sourceOf(a.Addr.Addr())
	s := r.swarms[a.InfoHash]
	if err := r.room(s, src); err != nil {
		return nil, err
	}
	r.serial++
	if s == nil {
		s = r.open(a.InfoHash, src)
	}
	m := &member{serial: r.serial, nextCheck: now, PeerInfo: PeerInfo{ID: a.PeerID, Addr: a.Addr, State: Pending, Since: now}}
	s.members[a.Addr] = m
	r.peers++
	r.source(src).peers++
	r.charge(s)
	r.enqueue(a.InfoHash, m)
	return m, nil
}

// room refuses a new member that would pass a bound. Caller holds mu.
func (r *Registry) room(s *swarm, src netip.Prefix) error {
	perSource := r.limits.perSource
	if src.Addr().IsLoopback() {
		perSource = r.limits.perLoopback
	}
	if s == nil {
		if err := r.roomToOpen(src); err != nil {
			return err
		}
	}
	switch {
	case s != nil && len(s.members) >= r.limits.perSwarm:
		return &RefusedError{fmt.Sprintf("this network already has its limit of %d peers here", r.limits.perSwarm)}
	case r.peers >= r.limits.peers:
		return &RefusedError{fmt.Sprintf("this tracker already serves its limit of %d peers", r.limits.peers)}
	case r.sources[src] != nil && r.sources[src].peers >= perSource:
		return &RefusedError{fmt.Sprintf("your address %v already has its limit of %d peers here", src, perSource)}
	}
	return nil
}

// remove forgets a member, and its swarm with the last one. Caller holds mu.
func (r *Registry) remove(hash InfoHash, m *member) {
	s := r.swarms[hash]
	s.unlist(m)
	delete(s.members, m.Addr)
	if len(s.members) == 0 {
		delete(r.swarms, hash)
	}
	r.charge(s)
	r.peers--
	src := sourceOf(m.Addr.Addr())
	r.source(src).peers--
	r.tidySource(src)
}

// sourceOf gives the stranger that answers for an address.
func sourceOf(ip netip.Addr) netip.Prefix {
	bits := ip.BitLen()
	if ip.Is6() && !ip.IsLoopback() {
		bits = 64
	}
	return netip.PrefixFrom(ip.WithZone(""), bits).Masked()
}

// source gives the account of src, opening it if need be. Caller holds mu.
func (r *Registry) source(src netip.Prefix) *source {
	if r.sources[src] == nil {
		r.sources[src] = &source{}
	}
	return r.sources[src]
}

// tidySource closes an account that holds nothing. Caller holds mu.
func (r *Registry) tidySource(src netip.Prefix) {
	if *r.source(src) == (source{}) {
		delete(r.sources, src)
	}
}

// sample draws listed peers for the asker: never itself, and only addresses that mean something where it is.
// Caller holds mu.
func (r *Registry) sample(s *swarm, asker Announcement) []Peer {
	want := MaxReplyPeers
	if asker.NumWant >= 0 {
		want = min(want, asker.NumWant)
	}
	var peers []Peer
	for i := 0; i < len(s.listed) && len(peers) < want; i++ {
		s.swap(i, i+r.rand.IntN(len(s.listed)-i))
		m := s.listed[i]
		if addr, ok := seenFrom(m.Addr, asker); ok && m.ID != asker.PeerID && m.Addr != asker.Addr {
			peers = append(peers, Peer{ID: m.ID, Addr: addr})
		}
	}
	return peers
}

// seenFrom gives the address by which the asker can reach a peer. A peer known by the loopback address runs on this
// host, so from elsewhere it is where the asker found us; another loopback address is of use on this host only.
func seenFrom(addr netip.AddrPort, asker Announcement) (netip.AddrPort, bool) {
	ip := addr.Addr()
	if !ip.IsLoopback() || asker.Addr.Addr().IsLoopback() {
		return addr, true
	}
	usual := ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || ip == netip.IPv6Loopback()
	if !usual || !asker.Door.IsValid() || asker.Door.IsLoopback() || asker.Door.IsUnspecified() {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(asker.Door.WithZone(""), addr.Port()), true
}

// list adds m to the listed peers.
func (s *swarm) list(m *member) {
	m.State, m.position = Listed, len(s.listed)
	s.listed = append(s.listed, m)
	if m.Seeder {
		s.seeders++
	}
}

// unlist takes m from the listed peers, if it is there; the caller sets its next state.
func (s *swarm) unlist(m *member) {
	if m.State != Listed {
		return
	}
	last := len(s.listed) - 1
	s.swap(m.position, last)
	s.listed[last] = nil
	s.listed = s.listed[:last]
	if m.Seeder {
		s.seeders--
	}
}

func (s *swarm) swap(i, j int) {
	s.listed[i], s.listed[j] = s.listed[j], s.listed[i]
	s.listed[i].position, s.listed[j].position = i, j
}

func (s *swarm) setSeeder(m *member, seeder bool) {
	if m.State == Listed && m.Seeder != seeder {
		if seeder {
			s.seeders++
		} else {
			s.seeders--
		}
	}
	m.Seeder = seeder
}

// SwarmStats is one swarm's answer to a scrape (BEP 48). Only listed peers count.
type SwarmStats struct {
	Hash                          InfoHash
	Known                         bool
	Seeders, Leechers, Downloaded int
}

// Scrape gives the counts of each asked swarm, in order; unknown swarms count nothing. No hashes at all ask for any
// MaxScrape swarms; more hashes than that are cut off.
func (r *Registry) Scrape(_ time.Time, hashes []InfoHash) []SwarmStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(hashes) == 0 {
		for hash := range r.swarms {
			hashes = append(hashes, hash)
			if len(hashes) == MaxScrape {
				break
			}
		}
	}
	stats := make([]SwarmStats, 0, min(len(hashes), MaxScrape))
	for _, hash := range hashes[:min(len(hashes), MaxScrape)] {
		st := SwarmStats{Hash: hash}
		if s := r.swarms[hash]; s != nil {
			st.Known, st.Seeders, st.Leechers, st.Downloaded = true, s.seeders, len(s.listed)-s.seeders, s.downloaded
		}
		stats = append(stats, st)
	}
	return stats
}
