package p2p

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"cheese/p2p/msg"
)

const (
	maxDialing   = 32               // dials under way at once
	maxAutoDials = 16               // of those, by AutoConnect: a person who connects finds room
	maxAliases   = 2000             // addresses known to lead to peers that are connected otherwise
	maxTickets   = 1024             // callers that wait for a connection or a payment script
	dialTimeout  = 10 * time.Second // of one dial
	dialEvery    = 50 * time.Millisecond
	saveEvery    = 10 * time.Minute
	maxAddrBurst = 1000 // addresses taken from a peer at once, as Core
	addrRate     = 0.1  // and a second after that
	relayFresh   = 10 * time.Minute
	relayUpTo    = 10 // a longer addr message is an answer, not news to pass on
	relayTo      = 2
)

// connecting is the state of making connections.
type connecting struct {
	book        *book
	dialing     map[string]*dial
	aliases     map[string]int64 // addresses that we dialed and where we met a peer that is connected otherwise: its connection
	nextDial    time.Time
	nextSave    time.Time
	clockWarned time.Time
}

// dial is a connection on its way, from Dial to the end of the handshake.
type dial struct {
	manual  bool
	tickets []int64 // callers to answer
}

func newConnecting(b *book) connecting {
	return connecting{book: b, dialing: map[string]*dial{}, aliases: map[string]int64{}}
}

// onConnect handles a person's wish to connect.
func (m *machine) onConnect(e Connect) {
	answer := func(err error) { m.act(Connecting{Ticket: e.Ticket, Err: err}) }
	ap, err := netip.ParseAddrPort(e.Addr)
	if err == nil { // one spelling for each address
		ap = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
		e.Addr = ap.String()
	}
	switch {
	case ap.IsValid() && m.isSelf(ap):
		answer(ErrSelf)
		return
	case m.connectedTo(e.Addr, ap):
		answer(ErrAlreadyConnected)
		return
	}
	d := m.dialing[e.Addr]
	if d == nil {
		if len(m.dialing) >= maxDialing {
			answer(ErrBusy)
			return
		}
		d = m.dial(e.Addr)
	}
	d.manual = true
	if len(d.tickets) < maxTickets {
		d.tickets = append(d.tickets, e.Ticket)
	}
	for _, p := range m.peers {
		if p.dialed == e.Addr {
			p.manual = true
		}
	}
}

func (m *machine) isSelf(a netip.AddrPort) bool { return m.book.isSelf(a) || a == m.listen }

// dial starts one; the entry in m.dialing stays until the handshake is over.
func (m *machine) dial(addr string) *dial {
	d := &dial{}
	m.dialing[addr] = d
	m.act(Dial{Addr: addr, Timeout: dialTimeout})
	return d
}

// dialed takes note that a socket is open.
func (m *machine) dialed(p *peer) {
	if d := m.dialing[p.dialed]; d != nil {
		p.manual = d.manual
	}
}

func (m *machine) onDialFailed(e DialFailed) {
	if a, err := netip.ParseAddrPort(e.Dialed); err == nil {
		m.book.failed(a, m.now, m.rng)
	}
	m.answerDial(e.Dialed, e.Err)
}

// endConnecting follows up on a connection that ended.
func (m *machine) endConnecting(p *peer, reason error) {
	if p.inbound {
		return
	}
	if p.ready {
		m.book.lost(p.remote, m.now, m.rng)
		return
	}
	if twin := m.twin(p); twin != nil && (errors.Is(reason, errClosed) || errors.Is(reason, ErrAlreadyConnected)) {
		if len(m.aliases) < maxAliases {
			m.aliases[p.dialed] = twin.id
		}
		m.answerDial(p.dialed, ErrAlreadyConnected)
		return
	}
	m.book.failed(p.remote, m.now, m.rng)
	m.answerDial(p.dialed, handshakeError(reason))
}

// forgetAliases: where p could be reached somebody else may be next.
func (m *machine) forgetAliases(p *peer) {
	maps.DeleteFunc(m.aliases, func(_ string, id int64) bool { return id == p.id })
}

// handshakeError puts a reason into the terms of Connect's typed errors.
func handshakeError(reason error) error {
	for _, typed := range []error{ErrAlreadyConnected, ErrSelf, ErrWrongNetwork, ErrTimeout, ErrHandshake} {
		if errors.Is(reason, typed) {
			return reason
		}
	}
	return fmt.Errorf("%w: %w", ErrHandshake, reason)
}

func (m *machine) answerDial(addr string, err error) {
	d := m.dialing[addr]
	if d == nil {
		return
	}
	delete(m.dialing, addr)
	for _, t := range d.tickets {
		m.act(Connecting{Ticket: t, Err: err})
	}
}

// connectedTo tells whether an address, also as netip has it where it is one, is known to lead to a ready peer. What counts
// is what we met where we dialed, not what a peer claims that dialed us.
func (m *machine) connectedTo(addr string, a netip.AddrPort) bool {
	if p := m.byID[m.aliases[addr]]; p != nil && p.ready {
		return true
	}
	return slices.ContainsFunc(m.peers, func(p *peer) bool {
		return p.ready && !p.inbound && (p.dialed == addr || a.IsValid() && p.remote == a)
	})
}

// tickConnecting keeps outbound connections up and saves the address book.
func (m *machine) tickConnecting() {
	if m.autoConnect && !m.now.Before(m.nextDial) {
		m.dialMore()
	}
	if m.nextSave.IsZero() {
		m.nextSave = m.now.Add(saveEvery)
	}
	if !m.now.Before(m.nextSave) {
		m.nextSave = m.now.Add(saveEvery)
		m.saveBook()
	}
}

func (m *machine) saveBook() {
	if m.book.dirty {
		m.act(SaveBook{JSON: m.book.marshal()})
	}
}

func (m *machine) dialMore() {
	have := len(m.dialing) // dials and outbound handshakes
	for _, p := range m.peers {
		if !p.inbound && p.ready {
			have++
		}
	}
	for ; have < m.maxOutbound && len(m.dialing) < maxAutoDials; have++ {
		a, ok := m.book.pick(m.now, m.rng, m.wanted)
		if !ok {
			return
		}
		m.book.tried(a, m.now)
		m.nextDial = m.now.Add(dialEvery)
		m.dial(a.String())
	}
}

// wanted tells whether an address of the book may be dialed now.
func (m *machine) wanted(a netip.AddrPort) bool {
	if m.isSelf(a) || slices.ContainsFunc(m.peers, func(p *peer) bool { return !p.inbound && p.remote == a }) {
		return false
	}
	addr := a.String()
	_, led := m.aliases[addr]
	return !led && m.dialing[addr] == nil
}

// learn puts addresses into the book.
func (m *machine) learn(addrs []netip.AddrPort, source string) {
	for _, a := range addrs {
		if a != m.listen {
			m.book.add(a, msg.ServiceNetwork|msg.ServiceWitness, m.now, source)
		}
	}
}

// advertise tells a peer where we take connections, as far as we know: at the listener's address or, where that is every
// address, at the one the peer sees.
func (m *machine) advertise(p *peer) {
	a := m.listen
	if !a.IsValid() || a.Port() == 0 {
		return
	}
	if a.Addr().IsUnspecified() {
		a = netip.AddrPortFrom(p.version.To.Addr(), a.Port())
	}
	if dialable(a) && mayTell(p.remote.Addr(), a.Addr()) {
		p.outAddr = append(p.outAddr, msg.Address{Time: uint32(m.now.Unix()), Services: msg.ServiceNetwork | msg.ServiceWitness, Addr: a})
	}
}

// onGetAddr answers once a connection, and only who dialed us, so that nobody can map our book by asking everywhere.
func (m *machine) onGetAddr(p *peer) {
	if !p.inbound || p.askedAddrs {
		return
	}
	p.askedAddrs = true
	for _, e := range m.book.sample(msg.MaxAddresses, m.now, m.rng) {
		if mayTell(p.remote.Addr(), e.Addr.Addr()) && e.Addr != p.listen {
			p.outAddr = append(p.outAddr, msg.Address{Time: uint32(e.Seen.Unix()), Services: e.Services, Addr: e.Addr})
		}
	}
}

// onAddr learns addresses and passes fresh ones on.
func (m *machine) onAddr(p *peer, list *msg.Addr) {
	for _, a := range list.Addresses {
		p.knownAddrs.add(a.Addr)
		if !p.addrTokens.take(m.now, addrRate, maxAddrBurst) {
			return
		}
		if m.isSelf(a.Addr) || !mayTell(p.remote.Addr(), a.Addr.Addr()) {
			continue
		}
		seen := time.Unix(int64(a.Time), 0)
		if seen.After(m.now.Add(relayFresh)) || seen.Before(m.now.Add(-maxAddrAge)) {
			seen = m.now.Add(-5 * 24 * time.Hour) // as Core takes times that make no sense
		}
		m.book.add(a.Addr, a.Services, seen, "gossip")
		if len(list.Addresses) <= relayUpTo && m.now.Sub(seen) < relayFresh {
			m.relayAddr(p, a)
		}
	}
}

// relayAddr passes an address on to a few peers. It ends by itself: over no connection does it go twice.
func (m *machine) relayAddr(from *peer, a msg.Address) {
	var to []*peer
	for _, q := range m.peers {
		if q != from && q.ready && !q.knownAddrs.has(a.Addr) && mayTell(q.remote.Addr(), a.Addr.Addr()) && len(q.outAddr) < msg.MaxAddresses {
			to = append(to, q)
		}
	}
	m.rng.Shuffle(len(to), func(i, j int) { to[i], to[j] = to[j], to[i] })
	for _, q := range to[:min(relayTo, len(to))] {
		q.knownAddrs.add(a.Addr)
		q.outAddr = append(q.outAddr, a)
	}
}

// forget withdraws a ticket.
func (m *machine) forget(ticket int64) {
	for _, d := range m.dialing { // order does not matter: a ticket is in one place
		d.tickets = slices.DeleteFunc(d.tickets, func(t int64) bool { return t == ticket })
	}
	m.forgetPay(ticket)
}
