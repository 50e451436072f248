package tracker

import (
	"net/netip"
	"time"
)

// When a peer is checked again.
const (
	recheckListed   = 60 * time.Second // finds peers that died, and brings the note up to date
	retryFirst      = 2 * time.Second  // after a failure, doubling …
	retryLongest    = 30 * time.Second // … up to this
	retryNoRoom     = time.Second      // after the queue of checks was full
	retryDoublesMax = 4                // retryFirst << 4 is past retryLongest
)

// Check is one connect-back check that waits to be made.
type Check struct {
	Hash   InfoHash
	Addr   netip.AddrPort
	serial uint64
}

// Verdict is what a check changed.
type Verdict struct {
	Changed bool // the peer became listed or unreachable
	Who     PeerInfo
	Listed  int // peers of the swarm that are listed now
}

// Departed is a peer that was silent for too long.
type Departed struct {
	Hash   InfoHash
	Who    PeerInfo
	Listed int // peers of its swarm that are still listed
}

// Due rings when a check may be waiting. It has room for one reader.
func (r *Registry) Due() <-chan struct{} { return r.due }

// NextCheck takes the check that has waited longest; the taker must report it by Checked.
func (r *Registry) NextCheck() (Check, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 {
		c := r.queue[0]
		r.queue = r.queue[1:]
		if r.memberOf(c) != nil {
			return c, true
		}
		r.release(c)
	}
	r.queue = nil
	return Check{}, false
}

// Checked reports the outcome of a check: err nil lists the peer. A peer that has meanwhile gone or been replaced is
// left alone.
func (r *Registry) Checked(now time.Time, c Check, id Identity, err error) Verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.release(c)
	m := r.memberOf(c)
	if m == nil {
		return Verdict{}
	}
	s, before := r.swarms[c.Hash], m.State
	m.checking = false
	if err == nil {
		m.Identity, m.Reason, m.failures = id.clean(), "", 0
		m.nextCheck = now.Add(recheckListed + time.Duration(r.rand.Int64N(int64(recheckListed/10))))
		if before != Listed {
			s.list(m)
		}
	} else {
		s.unlist(m)
		m.State, m.Reason = Unreachable, clean(err.Error(), maxReason)
		m.nextCheck = now.Add(min(retryFirst<<min(m.failures, retryDoublesMax), retryLongest))
		m.failures++
	}
	r.charge(s)
	return Verdict{Changed: m.State != before, Who: m.PeerInfo, Listed: len(s.listed)}
}

// Expire forgets peers that have missed their announces and asks for the checks that are due. It is to be called
// about every second.
func (r *Registry) Expire(now time.Time) []Departed {
	r.mu.Lock()
	defer r.mu.Unlock()
	var gone []Departed
	for hash, s := range r.swarms {
		for _, m := range s.members {
			switch {
			case now.Sub(m.LastSeen) > r.lifetime():
				who := m.PeerInfo
				r.remove(hash, m)
				gone = append(gone, Departed{Hash: hash, Who: who, Listed: len(s.listed)})
			case !m.checking && !now.Before(m.nextCheck):
				if !r.enqueue(hash, m) {
					m.nextCheck = now.Add(retryNoRoom)
				}
			}
		}
	}
	return gone
}

// enqueue asks for a check of m, if the bounds allow one more. Caller holds mu.
func (r *Registry) enqueue(hash InfoHash, m *member) bool {
	src := sourceOf(m.Addr.Addr())
	perSource := r.limits.checksPerSource
	if m.Addr.Addr().IsLoopback() {
		perSource = r.limits.checksPerLoopback
	}
	if r.checks >= r.limits.checks || r.source(src).checks >= perSource {
		return false
	}
	r.checks++
	r.source(src).checks++
	m.checking = true
	r.queue = append(r.queue, Check{Hash: hash, Addr: m.Addr, serial: m.serial})
	select {
	case r.due <- struct{}{}:
	default:
	}
	return true
}

// release gives back the room that a check took. Caller holds mu.
func (r *Registry) release(c Check) {
	src := sourceOf(c.Addr.Addr())
	r.checks--
	r.source(src).checks--
	r.tidySource(src)
}

// memberOf gives the member that a check is about, nil if it is gone. Caller holds mu.
func (r *Registry) memberOf(c Check) *member {
	s := r.swarms[c.Hash]
	if s == nil || s.members[c.Addr] == nil || s.members[c.Addr].serial != c.serial {
		return nil
	}
	return s.members[c.Addr]
}
