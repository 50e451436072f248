package p2p

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"cheese/coin"
	"cheese/p2p/msg"
)

// Per-peer limits.
const (
	maxKnownTxs      = 5_000 // transactions remembered as known to the peer
	maxKnownAddrs    = 1_000
	maxBlocksAsked   = 16    // blocks asked for and not here yet
	maxTxsAsked      = 100   // transactions asked for and not here yet, as Core
	maxTxsWaiting    = 5_000 // announced ones that wait for their turn, as Core
	maxTxsChecking   = 150   // handed to the pool and not answered
	maxHeaderChecks  = 8     // header messages handed to the chain and not answered; more are asked for again later
	maxUnconnecting  = 10    // header messages in a row whose parent nobody knows, as Core
	maxUnrequested   = 10    // blocks and answers nobody asked for
	maxServeQueue    = 50_000
	maxUnsent        = 1 << 20 // bytes of served blocks and transactions that wait to be written before the next is read
	maxLate          = 64      // blocks asked for elsewhere meanwhile, that may still come
	maxPushedBlocks  = 2       // unrequested blocks in the hands of the chain
	pingEvery        = 30 * time.Second
	pingTimeout      = 2 * time.Minute
	handshakeTimeout = 60 * time.Second
	manualTimeout    = 10 * time.Second // for a connection that a person waits for
)

// peer is the machine's side of one connection.
type peer struct {
	id      int64
	remote  netip.AddrPort
	dialed  string         // as given to Dial; "" for an inbound connection
	listen  netip.AddrPort // where the peer itself takes connections, zero if unknown; only a claim where it dialed us
	inbound bool
	manual  bool
	since   time.Time
	gone    bool // dropped during this step

	// The handshake.
	version *msg.Version // nil until it comes
	agreed  bool         // we have sent verack
	ready   bool         // theirs came too
	name    string
	agent   string
	offset  time.Duration
	canPay  bool

	pingNonce   uint64
	pingAt      time.Time
	pinging     bool
	ping        time.Duration
	minPing     time.Duration
	askedAddrs  bool // it has had its one getaddr answer
	addrTokens  bucket
	knownAddrs  *recent[netip.AddrPort]
	payTokens   bucket
	unrequested int

	peerSync
	peerTxs
	peerServe

	// Gathered during a step and sent at its end.
	outInv, outGetData, outNotFound []msg.Item
	outAddr                         []msg.Address
}

// peerSync is what the download of headers and blocks keeps of a peer.
type peerSync struct {
	best          chainPoint // the best block it is known to have
	announced     coin.Hash  // the last block it announced that we had no header of
	sentHeader    coin.Hash  // the last block we announced to it
	wantsHeaders  bool       // BIP 130
	askedOnce     bool       // we have asked it for headers since the handshake
	headersAsked  time.Time  // of the getheaders that waits for an answer, else zero
	headersRetry  time.Time  // when to ask again after a header too new for our clock, else zero
	headerChecks  int
	unconnecting  int
	blocks        []coin.Hash // asked for and not here, oldest first
	late          []coin.Hash // taken away from it, but it may still send them
	pushed        int         // unrequested blocks in the hands of the chain
	blockProgress time.Time   // when it last sent a block we asked for, or was first asked
	stalled       bool

	byInventory bool        // it is silent when asked for headers
	invBlocks   []coin.Hash // announced, and not asked for yet
	invAskedAt  int32       // our height when it was last asked for an inventory
}

// chainPoint is a block a peer is known to have; the zero value is none.
type chainPoint struct {
	hash   coin.Hash
	height int32
	known  bool
}

// peerTxs is what transaction relay keeps of a peer.
type peerTxs struct {
	knownTxs   *recent[coin.Hash]
	feeFilter  coin.Amount
	txsAsked   int
	txsWaiting []coin.Hash
	txChecks   int
}

// peerServe is what the peer asked for and has not got yet.
type peerServe struct {
	queue   []msg.Item
	reading bool      // a ReadBlock is under way
	unsent  int       // bytes
	resume  coin.Hash // last block of a full getblocks answer: when the peer asks for it, we tell it our tip
}

func newPeer(e Connected, now time.Time) *peer {
	if a, err := netip.ParseAddrPort(e.Dialed); err == nil {
		e.Remote = a // a proxy or a shaped link may show its own
	}
	return &peer{id: e.ID, remote: e.Remote, dialed: e.Dialed, inbound: e.Dialed == "", since: now,
		addrTokens: fullBucket(maxAddrBurst, now), payTokens: fullBucket(payBurst, now),
		knownAddrs: newRecent[netip.AddrPort](maxKnownAddrs),
		peerTxs:    peerTxs{knownTxs: newRecent[coin.Hash](maxKnownTxs)}}
}

// addr returns the address to show.
func (p *peer) addr() string {
	if p.inbound && p.remote.IsValid() || p.dialed == "" {
		return p.remote.String()
	}
	return p.dialed
}

func (p *peer) direction() string {
	if p.inbound {
		return "inbound"
	}
	return "outbound"
}

// height returns that of the best block the peer has, as it claims until it has shown one.
func (p *peer) height() int32 {
	if p.version == nil {
		return 0
	}
	return max(p.best.height, p.version.Height)
}

// servesBlocks tells whether p has whole blocks with witnesses.
func (p *peer) servesBlocks() bool {
	const all = msg.ServiceNetwork | msg.ServiceWitness
	return p.version != nil && p.version.Services&all == all
}

var (
	errHangup = errors.New("closed by us")
	errFull   = errors.New("all places for inbound connections are taken")
)

// violation is the reason for dropping a peer that broke the protocol.
type violation struct{ what string }

func (v *violation) Error() string { return "broke the protocol: " + v.what }

// punish drops p for breaking the protocol. The address where we dialed it is left alone for a while; that of a peer that
// dialed us is not known, and the one it claims may be another's.
func (m *machine) punish(p *peer, format string, args ...any) {
	if !p.inbound {
		m.book.ban(p.remote, m.now)
	}
	m.drop(p, &violation{what: fmt.Sprintf(format, args...)})
}

// drop closes a connection and hands what it was doing to others.
func (m *machine) drop(p *peer, reason error) {
	if p.gone {
		return
	}
	p.gone = true
	delete(m.byID, p.id)
	m.peers = slices.DeleteFunc(m.peers, func(q *peer) bool { return q == p })
	m.act(Close{ID: p.id, Reason: reason})
	if p.ready {
		m.logBounded(m.about(p), slog.LevelInfo, "peer disconnected", "name", p.name, "addr", p.addr(), "reason", reason.Error())
	} else {
		m.log(slog.LevelDebug, "handshake failed", "addr", p.addr(), "direction", p.direction(), "reason", reason.Error())
	}
	m.act(PeersChanged{})
	m.forgetAliases(p)
	m.endConnecting(p, reason)
	m.endDownload(p)
	m.endTxs(p)
	m.endPayments(p)
}

// onFailed handles a connection that broke, or that carried something that cannot be decoded.
func (m *machine) onFailed(p *peer, err error) {
	var magic *msg.MagicError
	switch {
	case errors.As(err, &magic) && !p.ready:
		if magic.Command == "version" && p.inbound { // our version lets the other side see that the networks differ
			m.sendVersion(p)
		}
		m.drop(p, fmt.Errorf("%w: its messages start with %x", ErrWrongNetwork, magic.Got))
	case errors.Is(err, msg.ErrMagic), errors.Is(err, msg.ErrChecksum), errors.Is(err, msg.ErrOversize),
		errors.Is(err, msg.ErrCommand), errors.Is(err, msg.ErrMalformed):
		m.punish(p, "%v", err)
	default:
		m.drop(p, err)
	}
}

// checkPing asks for a sign of life now and then.
func (m *machine) checkPing(p *peer) {
	switch idle := m.now.Sub(p.pingAt); {
	case p.pinging && idle > pingTimeout:
		m.drop(p, fmt.Errorf("%w to a ping", ErrTimeout))
	case !p.pinging && idle > pingEvery:
		m.sendPing(p)
	}
}

func (m *machine) sendPing(p *peer) {
	p.pinging, p.pingAt, p.pingNonce = true, m.now, m.rng.Uint64()
	m.send(p, msg.Ping{Nonce: p.pingNonce})
}

// onPong takes the time of a round trip. A pong nobody asked for means nothing, as in Core.
func (m *machine) onPong(p *peer, pong msg.Pong) {
	if !p.pinging || pong.Nonce != p.pingNonce {
		return
	}
	p.pinging, p.ping = false, max(1, m.now.Sub(p.pingAt))
	if p.minPing == 0 || p.ping < p.minPing {
		p.minPing = p.ping
	}
	m.act(PeersChanged{})
}

// bucket is a token bucket.
type bucket struct {
	tokens float64
	at     time.Time
}

func fullBucket(burst float64, now time.Time) bucket { return bucket{tokens: burst, at: now} }

// take takes a token where there is one, after adding those that came in since the last call. A clock that was set back adds none.
func (b *bucket) take(now time.Time, perSecond, burst float64) bool {
	b.tokens = min(burst, b.tokens+max(0, now.Sub(b.at).Seconds())*perSecond)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// infos describes the connections; the edge adds what it alone knows.
func (m *machine) infos() []PeerInfo {
	infos := make([]PeerInfo, len(m.peers))
	for i, p := range m.peers {
		info := PeerInfo{ID: p.id, Addr: p.addr(), Name: p.name, Agent: p.agent, Inbound: p.inbound, Manual: p.manual,
			State: Handshaking, Height: p.height(), BestKnown: p.best.hash, Ping: p.ping, MinPing: p.minPing,
			Since: p.since, TimeOffset: p.offset, CanPay: p.canPay, InFlight: len(p.blocks)}
		if p.listen.IsValid() {
			info.Listen = p.listen.String()
		}
		if p.ready {
			info.State = Ready
		}
		if p.version != nil {
			info.Services, info.Version, info.Nonce = p.version.Services, p.version.Version, p.version.Nonce
		}
		infos[i] = info
	}
	return infos
}
