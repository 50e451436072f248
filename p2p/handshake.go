package p2p

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"cheese/p2p/msg"
)

const (
	// minVersion is the oldest protocol version we talk to: the first whose ping has a nonce (BIP 31).
	minVersion = 60_001
	// clockWarning is how far our clock may be from the peers' median before people are told.
	clockWarning = 60 * time.Second
	// clockWarnEvery keeps that warning from filling the log.
	clockWarnEvery = 10 * time.Minute
)

// onConnected starts a handshake: whoever dialed speaks first.
func (m *machine) onConnected(e Connected) {
	p := newPeer(e, m.now)
	if p.inbound {
		if err := m.admit(p); err != nil {
			m.act(Close{ID: p.id, Reason: err, Now: true})
			return
		}
	} else {
		m.dialed(p)
	}
	m.peers = append(m.peers, p)
	m.byID[p.id] = p
	m.act(PeersChanged{})
	if !p.inbound {
		m.sendVersion(p)
	}
}

// maxPerHost bounds inbound connections from one public address. Many peers on one machine or local network are fine.
const maxPerHost = 5

// admit tells why an inbound connection cannot be taken.
func (m *machine) admit(p *peer) error {
	inbound, sameHost := 0, 0
	for _, q := range m.peers {
		if q.inbound {
			inbound++
			if q.remote.Addr() == p.remote.Addr() {
				sameHost++
			}
		}
	}
	if inbound >= m.maxInbound {
		return errFull
	}
	if sameHost >= maxPerHost && scopeOf(p.remote.Addr()) == scopePublic {
		return fmt.Errorf("%d connections from %v are enough", sameHost, p.remote.Addr())
	}
	return nil
}

func (m *machine) sendVersion(p *peer) {
	m.send(p, &msg.Version{
		Version: msg.Version70016, Services: msg.ServiceNetwork | msg.ServiceWitness, Time: m.now.Unix(),
		To: p.remote, From: m.listen, Nonce: m.nonce, Agent: m.agent, Height: m.v.Tip().Height(),
	})
}

// onEarlyMessage handles what comes before the handshake is done. Core ignores what is out of place after version, and so do we.
func (m *machine) onEarlyMessage(p *peer, message msg.Message) {
	switch t := message.(type) {
	case *msg.Version:
		m.onVersion(p, t)
	case msg.Verack:
		if p.version == nil {
			m.punish(p, "verack before version")
			return
		}
		m.onVerack(p)
	case msg.SendPay:
		if p.version == nil {
			m.punish(p, "sendpay before version")
			return
		}
		p.canPay = m.params.PaymentRequest
	default:
		if p.version == nil {
			m.punish(p, "%s before version", message.Command())
		}
	}
}

func (m *machine) onVersion(p *peer, v *msg.Version) {
	if p.version != nil {
		m.punish(p, "a second version message")
		return
	}
	p.version = v
	p.agent, p.name = printable(v.Agent), agentName(v.Agent)
	p.offset = clockOffset(v.Time, m.now)
	p.listen = listenAddr(p, v)
	if v.Nonce == m.nonce {
		m.metMyself(p)
		return
	}
	if err := m.acceptable(p, v); err != nil {
		m.drop(p, err)
		return
	}
	if !m.resolveDuplicates(p) {
		return
	}
	if p.inbound {
		m.sendVersion(p)
	}
	if m.params.PaymentRequest && m.canPay {
		m.send(p, msg.SendPay{})
	}
	m.send(p, msg.Verack{})
}

// metMyself ends both sides of a connection to ourselves. The dialing side learns of it from the version we send.
func (m *machine) metMyself(p *peer) {
	if p.inbound {
		m.sendVersion(p)
	} else if a := p.bookAddr(); a.IsValid() {
		m.book.markSelf(a)
	}
	m.drop(p, ErrSelf)
}

func (m *machine) acceptable(p *peer, v *msg.Version) error {
	switch {
	case v.Version < minVersion:
		return fmt.Errorf("%w: the peer speaks protocol version %d, at least %d is needed", ErrHandshake, v.Version, minVersion)
	case !p.inbound && !p.servesBlocks():
		return fmt.Errorf("%w: the peer does not serve whole blocks with witnesses (services %#x)", ErrHandshake, v.Services)
	}
	return nil
}

// listenAddr works out where a peer takes connections: where we dialed it, or the port it names at the address it comes from.
func listenAddr(p *peer, v *msg.Version) netip.AddrPort {
	switch {
	case !p.inbound:
		return p.remote
	case p.remote.IsValid() && v.From.Port() != 0:
		return netip.AddrPortFrom(p.remote.Addr(), v.From.Port())
	}
	return netip.AddrPort{}
}

// clockOffset returns a peer's clock minus ours, kept within a day for sanity.
func clockOffset(theirs int64, now time.Time) time.Duration {
	const day = 24 * 60 * 60
	ours := now.Unix()
	return time.Duration(max(-day, min(day, max(0, min(theirs, ours+day))-ours))) * time.Second
}

// resolveDuplicates leaves one connection to the node behind p, and tells whether p is it. Nodes are known by the nonce in
// their version, which is one and the same for all connections of a run of cheese.
//
// Where both sides have dialed, the connection survives that the node with the smaller nonce has dialed: both can tell, so
// both close the same one, however the messages cross. Where one side has dialed twice, the side that was dialed keeps
// the first version it got and never answers the other; so the dialing side keeps the one that was answered last.
func (m *machine) resolveDuplicates(p *peer) bool {
	for _, q := range slices.Clone(m.peers) {
		if q == p || !m.sameNode(p, q) {
			continue
		}
		if m.survives(p, q) {
			m.drop(q, ErrAlreadyConnected)
			continue
		}
		m.drop(p, ErrAlreadyConnected)
		return false
	}
	return true
}

// sameNode tells whether q leads to the node behind p, whose version is here. A dial of ours that has no answer yet counts by
// its address: the other side's dial has crossed it.
func (m *machine) sameNode(p, q *peer) bool {
	if q.version != nil {
		return q.version.Nonce == p.version.Nonce && p.version.Nonce != 0 // zero is sent by who does not care
	}
	return p.inbound && !q.inbound && p.listen.IsValid() && q.remote == p.listen
}

func (m *machine) survives(p, q *peer) bool {
	if p.inbound == q.inbound {
		return !p.inbound
	}
	weDial := m.nonce < p.version.Nonce
	return p.inbound != weDial
}

func (m *machine) onVerack(p *peer) {
	p.ready = true
	if a := p.listen; a.IsValid() {
		m.book.add(a, p.version.Services, m.now, "peer")
		if !p.inbound {
			m.book.succeeded(a, m.now)
		}
	}
	m.log(slog.LevelInfo, "peer connected", "name", p.name, "addr", p.addr(), "direction", p.direction(), "agent", p.agent, "height", p.version.Height)
	m.act(PeersChanged{})
	m.send(p, msg.SendHeaders{})
	m.sendPing(p)
	if !p.inbound {
		m.send(p, msg.GetAddr{})
	}
	m.advertise(p)
	m.startHeaders()
	m.warnOfClock()
	if !p.inbound {
		m.answerDial(p.dialed, nil)
	}
}

func (m *machine) checkHandshake(p *peer) {
	limit := handshakeTimeout
	if p.manual {
		limit = manualTimeout
	}
	if m.now.Sub(p.since) > limit {
		m.drop(p, fmt.Errorf("%w: no handshake within %v", ErrTimeout, limit))
	}
}

// clockOffsets returns the median of the ready peers' clocks minus ours, and how many peers there are.
func (m *machine) clockOffsets() (time.Duration, int) {
	var offsets []time.Duration
	for _, p := range m.peers {
		if p.ready {
			offsets = append(offsets, p.offset)
		}
	}
	if len(offsets) == 0 {
		return 0, 0
	}
	slices.Sort(offsets)
	return offsets[len(offsets)/2], len(offsets)
}

// warnOfClock tells people when this machine's clock seems wrong.
func (m *machine) warnOfClock() {
	offset, n := m.clockOffsets()
	if offset.Abs() <= clockWarning || !m.clockWarned.IsZero() && m.now.Sub(m.clockWarned) < clockWarnEvery {
		return
	}
	m.clockWarned = m.now
	m.log(slog.LevelWarn, "this machine's clock differs from its peers': please check it", "peers_ahead_by", offset, "peers", n)
}
