package p2p

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

const (
	maxBook     = 2000                // addresses kept
	maxSelf     = 64                  // addresses known to be our own
	maxAddrAge  = 30 * 24 * time.Hour // older ones are not passed on
	banFor      = 10 * time.Minute    // for which a peer that broke the protocol is not dialed
	backoffMin  = 2 * time.Second     // doubled with every failure
	backoffMax  = 10 * time.Minute
	maxBookFile = 1 << 20 // bytes of peers.json that are read
)

// bookEntry is an address and how it went with it.
type bookEntry struct {
	Addr     netip.AddrPort `json:"addr"`
	Services uint64         `json:"services,omitempty"`
	Seen     time.Time      `json:"seen"`              // last heard of
	Success  time.Time      `json:"success,omitzero"`  // last handshake
	Fails    int            `json:"failures,omitzero"` // since then
	Source   string         `json:"source,omitempty"`

	next time.Time // not dialed before
	ban  time.Time // nor before this
	at   int       // index in book.list
}

// book is a bounded list of addresses. It is ordinary data: time and randomness are passed in.
type book struct {
	byAddr map[netip.AddrPort]*bookEntry
	list   []*bookEntry
	self   *recent[netip.AddrPort]
	dirty  bool // changed since it was last saved
}

func newBook() *book {
	return &book{byAddr: map[netip.AddrPort]*bookEntry{}, self: newRecent[netip.AddrPort](maxSelf)}
}

// dialable tells whether a could be a peer's address at all.
func dialable(a netip.AddrPort) bool {
	ip := a.Addr()
	return a.IsValid() && a.Port() != 0 && !ip.IsUnspecified() && !ip.IsMulticast() && ip.Zone() == "" && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// scope says how far an address reaches.
type scope int

const (
	scopeLoopback scope = iota
	scopePrivate
	scopePublic
)

func scopeOf(ip netip.Addr) scope {
	switch ip = ip.Unmap(); {
	case !ip.IsValid(), ip.IsLoopback():
		return scopeLoopback
	case ip.IsPrivate(), ip.IsLinkLocalUnicast():
		return scopePrivate
	}
	return scopePublic
}

// mayTell tells whether an address makes sense to a peer: a loopback address means something only on the machine itself and a
// private one only on the local network.
func mayTell(peer, addr netip.Addr) bool { return scopeOf(addr) >= scopeOf(peer) }

// add puts an address in, or freshens it, and tells whether it is new. A full book gives up the entry that is worst
// among a few looked at.
func (b *book) add(a netip.AddrPort, services uint64, seen time.Time, source string) bool {
	if !dialable(a) || b.self.has(a) {
		return false
	}
	if e := b.byAddr[a]; e != nil {
		if seen.After(e.Seen) {
			e.Seen, e.Services, b.dirty = seen, services, true
		}
		return false
	}
	if len(b.list) >= maxBook {
		b.evict()
	}
	e := &bookEntry{Addr: a, Services: services, Seen: seen, Source: source, at: len(b.list)}
	b.byAddr[a], b.list, b.dirty = e, append(b.list, e), true
	return true
}

// evict removes the least promising entry.
func (b *book) evict() {
	worst := b.list[0]
	for _, e := range b.list[1:] {
		if e.worse(worst) {
			worst = e
		}
	}
	b.remove(worst.Addr)
}

func (e *bookEntry) worse(o *bookEntry) bool {
	if e.Success.IsZero() != o.Success.IsZero() {
		return e.Success.IsZero()
	}
	if e.Fails != o.Fails {
		return e.Fails > o.Fails
	}
	return e.Seen.Before(o.Seen)
}

func (b *book) remove(a netip.AddrPort) {
	e := b.byAddr[a]
	if e == nil {
		return
	}
	last := b.list[len(b.list)-1]
	b.list[e.at], last.at = last, e.at
	b.list = b.list[:len(b.list)-1]
	delete(b.byAddr, a)
	b.dirty = true
}

func (b *book) isSelf(a netip.AddrPort) bool { return b.self.has(a) }

// markSelf takes note that an address is our own.
func (b *book) markSelf(a netip.AddrPort) {
	b.self.add(a)
	b.remove(a)
}

// pick chooses at random among the addresses that are due and wanted, those with fewer failures first.
func (b *book) pick(now time.Time, rng *rand.Rand, wanted func(netip.AddrPort) bool) (netip.AddrPort, bool) {
	var best []*bookEntry
	for _, e := range b.list {
		if now.Before(e.next) || now.Before(e.ban) || len(best) > 0 && e.Fails > best[0].Fails || !wanted(e.Addr) {
			continue
		}
		if len(best) > 0 && e.Fails < best[0].Fails {
			best = best[:0]
		}
		best = append(best, e)
	}
	if len(best) == 0 {
		return netip.AddrPort{}, false
	}
	return best[rng.IntN(len(best))].Addr, true
}

// tried holds an address back while a dial is under way.
func (b *book) tried(a netip.AddrPort, now time.Time) {
	if e := b.byAddr[a]; e != nil {
		e.next = now.Add(backoffMin)
	}
}

func (b *book) succeeded(a netip.AddrPort, now time.Time) {
	if e := b.byAddr[a]; e != nil {
		e.Success, e.Seen, e.Fails, b.dirty = now, now, 0, true
	}
}

func (b *book) failed(a netip.AddrPort, now time.Time, rng *rand.Rand) {
	if e := b.byAddr[a]; e != nil {
		e.next = now.Add(backoff(e.Fails, rng))
		e.Fails, b.dirty = e.Fails+1, true
	}
}

// lost holds an address back for a moment after a connection that worked has ended.
func (b *book) lost(a netip.AddrPort, now time.Time, rng *rand.Rand) {
	if e := b.byAddr[a]; e != nil {
		e.next = now.Add(backoff(0, rng))
	}
}

// ban keeps an address from being dialed for a while.
func (b *book) ban(a netip.AddrPort, now time.Time) {
	if e := b.byAddr[a]; e != nil {
		e.ban = now.Add(banFor)
	}
}

// backoff doubles with every failure and varies by a quarter either way, so that peers do not retry in step.
func backoff(fails int, rng *rand.Rand) time.Duration {
	d := min(backoffMax, backoffMin<<min(fails, 16))
	return time.Duration(float64(d) * (0.75 + rng.Float64()/2))
}

// sample returns up to max entries worth telling others, in random order.
func (b *book) sample(max int, now time.Time, rng *rand.Rand) []*bookEntry {
	var good []*bookEntry
	for _, e := range b.list {
		if now.Sub(e.Seen) < maxAddrAge && !now.Before(e.ban) && (e.Fails < 3 || !e.Success.IsZero()) {
			good = append(good, e)
		}
	}
	rng.Shuffle(len(good), func(i, j int) { good[i], good[j] = good[j], good[i] })
	return good[:min(max, len(good))]
}

// marshal returns the book as JSON and takes it for saved.
func (b *book) marshal() []byte {
	b.dirty = false
	text, err := json.MarshalIndent(b.list, "", " ")
	if err != nil {
		panic(err) // a list of plain values
	}
	return text
}

// parseBook reads what marshal wrote. Entries that make no sense are left out.
func parseBook(text []byte) (*book, error) {
	var list []bookEntry
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read address book: %w", err)
	}
	b := newBook()
	for _, e := range list[:min(len(list), maxBook)] {
		if b.add(e.Addr, e.Services, e.Seen, e.Source) {
			kept := b.byAddr[e.Addr]
			kept.Success, kept.Fails = e.Success, min(max(e.Fails, 0), 1000)
		}
	}
	b.dirty = false
	return b, nil
}
