package tracker

import (
	"fmt"
	"net/netip"
)

// roomToOpen refuses one more swarm that would pass a bound. Caller holds mu.
func (r *Registry) roomToOpen(src netip.Prefix) error {
	unlisted := r.limits.unlisted
	if src.Addr().IsLoopback() {
		unlisted = r.limits.unlistedLoopback
	}
	if r.sources[src] != nil && r.sources[src].unlisted >= unlisted {
		return &RefusedError{fmt.Sprintf("your address %v has already opened its limit of %d networks whose peers could not be connected to yet", src, unlisted)}
	}
	if len(r.swarms) >= r.limits.swarms {
		if _, ok := r.oldestUnlisted(); !ok {
			return &RefusedError{fmt.Sprintf("this tracker already serves its limit of %d networks", r.limits.swarms)}
		}
	}
	return nil
}

// open makes a swarm, where need be in the place of the oldest in which nobody is listed: whoever invents networks does
// not keep out those that have peers. roomToOpen has been asked. Caller holds mu.
func (r *Registry) open(hash InfoHash, opener netip.Prefix) *swarm {
	if len(r.swarms) >= r.limits.swarms {
		if oldest, ok := r.oldestUnlisted(); ok {
			for _, m := range r.swarms[oldest].members {
				r.remove(oldest, m)
			}
		}
	}
	s := &swarm{members: map[netip.AddrPort]*member{}, serial: r.serial, opener: opener}
	r.swarms[hash] = s
	return s
}

// oldestUnlisted finds the swarm without a listed member that was opened first. Caller holds mu.
func (r *Registry) oldestUnlisted() (oldest InfoHash, ok bool) {
	for hash, s := range r.swarms {
		if len(s.listed) == 0 && (!ok || s.serial < r.swarms[oldest].serial) {
			oldest, ok = hash, true
		}
	}
	return oldest, ok
}

// charge keeps the account of s's opener right after s has changed. Caller holds mu.
func (r *Registry) charge(s *swarm) {
	unlisted := len(s.members) > 0 && len(s.listed) == 0
	if unlisted == s.charged {
		return
	}
	s.charged = unlisted
	if unlisted {
		r.source(s.opener).unlisted++
		return
	}
	r.source(s.opener).unlisted--
	r.tidySource(s.opener)
}
