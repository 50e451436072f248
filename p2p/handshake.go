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
	twin := m.twin(p)
	if p.inbound {
		m.sendVersion(p) // also where no verack follows: it tells the other side whom it has reached
	}
	switch {
	case twin == nil:
		m.agree(p)
	case p.inbound:
		m.drop(p, ErrAlreadyConnected)
	default: // wait for the verack or the end: see twin
	}
}

// agree says that we want the connection.
func (m *machine) agree(p *peer) {
	p.agreed = true
	if m.params.PaymentRequest && m.canPay {
		m.send(p, msg.SendPay{})
	}
	m.send(p, msg.Verack{})
}

// metMyself ends both sides of a connection to ourselves. The dialing side learns of it from the version we send.
func (m *machine) metMyself(p *peer) {
	if p.inbound {
		m.sendVersion(p)
	} else if p.remote.IsValid() {
		m.book.markSelf(p.remote)
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

// twin returns another connection to the node behind p that we have agreed to. Nodes are known by the nonce in their version,
// which is one and the same for all connections of a run of cheese; zero is sent by who does not care. What else a version
// says is not believed: a stranger can name any port as its own.
//
// One connection is left to two nodes, however their dials and messages cross. The dialed side decides by what it knows when
// the dial arrives: it sends version and verack at once, or, where it has agreed to another connection, version alone, and
// hangs up. The dialing side that sees a twin therefore waits for the verack. When that comes both sides have agreed to the
// other's dial, so both apply one rule, outlives, and close the same one.
func (m *machine) twin(p *peer) *peer {
	for _, q := range m.peers {
		if q != p && q.agreed && p.version != nil && p.version.Nonce != 0 && q.version.Nonce == p.version.Nonce {
			return q
		}
	}
	return nil
}

// outlives tells whether p, which we dialed and which now has a verack, stays instead of its twin. A connection in use is
// never given up. Of crossed dials the one stays that the node with the smaller nonce has made. Where we have dialed
// twice, the verack says that the other side has let go of the twin.
func (m *machine) outlives(p, twin *peer) bool {
	return !twin.ready && (!twin.inbound || m.nonce < p.version.Nonce)
}

// settleTwins is called when p's verack comes, and tells whether p stays.
func (m *machine) settleTwins(p *peer) bool {
	if p.agreed {
		return true
	}
	twin := m.twin(p)
	if twin != nil && !m.outlives(p, twin) {
		m.drop(p, ErrAlreadyConnected)
		return false
	}
	m.agree(p)
	if twin != nil {
		m.drop(twin, ErrAlreadyConnected)
	}
	return true
}

func (m *machine) onVerack(p *peer) {
	if !m.settleTwins(p) {
		return
	}
	p.ready = true
	if a := p.listen; a.IsValid() {
		m.book.add(a, p.version.Services, m.now, "peer")
		if !p.inbound {
			m.book.succeeded(a, m.now)
		}
	}
	m.logBounded(m.about(p), slog.LevelInfo, "peer connected", "name", p.name, "addr", p.addr(), "direction", p.direction(), "agent", p.agent, "height", p.version.Height)
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
