package p2p

import (
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"cheese/coin"
	"cheese/p2p/msg"
)

// settings are a machine's constants.
type settings struct {
	params      *coin.Params
	agent       string         // our user agent
	listen      netip.AddrPort // where we take connections, zero if we do not
	maxInbound  int
	maxOutbound int
	autoConnect bool
	canPay      bool // we answer payment requests
}

// machine is the protocol. It is driven by one goroutine through step, and reads nothing but step's arguments.
type machine struct {
	settings
	rng   *rand.Rand
	nonce uint64 // in every version message we send: how we recognise ourselves, and how others recognise us

	// Of the current step.
	now time.Time
	v   View
	out []Action

	started  bool
	lastTick time.Time
	tip      coin.Hash // as of the previous step
	peers    []*peer   // oldest first
	byID     map[int64]*peer

	connecting
	download
	transactions
	payments
	chatter
}

// newMachine starts with an address book that may have entries already.
func newMachine(s settings, seed [32]byte, b *book) *machine {
	rng := rand.New(rand.NewChaCha8(seed))
	return &machine{
		settings: s, rng: rng, nonce: rng.Uint64(), byID: map[int64]*peer{},
		connecting:   newConnecting(b),
		download:     newDownload(),
		transactions: newTransactions(),
		payments:     payments{asked: map[uint64]payAsk{}},
	}
}

// step takes one event and returns what is to be done about it, in order. v must be at least as new as in the step before.
func (m *machine) step(now time.Time, v View, e Event) []Action {
	m.now, m.v, m.out = now, v, nil
	m.followTip()
	m.handle(e)
	m.flush()
	out := m.out
	m.v, m.out = nil, nil
	return out
}

func (m *machine) handle(e Event) {
	switch e := e.(type) {
	case Tick:
		m.tick()
	case Connected:
		m.onConnected(e)
	case DialFailed:
		m.onDialFailed(e)
	case Connect:
		m.onConnect(e)
	case Addresses:
		m.learn(e.Addrs, e.Source)
	case PoolAdded:
		m.announceTxs(e.Txs)
	case AskPay:
		m.onAskPay(e)
	case Forget:
		m.forget(e.Ticket)
	case TxChecked:
		m.onTxChecked(e)
	case HeadersChecked:
		m.onHeadersChecked(e)
	case BlockChecked:
		m.onBlockChecked(e)
	case ViewChanged: // followTip has looked already
		m.wantBlocks = true
	default:
		m.handleForPeer(e)
	}
}

// handleForPeer handles events that mean nothing once the connection is gone.
func (m *machine) handleForPeer(e Event) {
	switch e := e.(type) {
	case Received:
		if p := m.byID[e.ID]; p != nil {
			m.onMessage(p, e.Msg)
		}
	case Failed:
		if p := m.byID[e.ID]; p != nil {
			m.onFailed(p, e.Err)
		}
	case Sent:
		if p := m.byID[e.ID]; p != nil {
			p.unsent = max(0, p.unsent-e.Bytes)
			m.serve(p)
		}
	case BlockRead:
		if p := m.byID[e.ID]; p != nil {
			m.onBlockRead(p, e)
		}
	case PayScript:
		if p := m.byID[e.ID]; p != nil {
			m.onPayScript(p, e)
		}
	case Hangup:
		if p := m.byID[e.ID]; p != nil {
			m.drop(p, errHangup)
		}
	}
}

// onMessage dispatches what a peer sent: one case a message.
func (m *machine) onMessage(p *peer, message msg.Message) {
	if !p.ready {
		m.onEarlyMessage(p, message)
		return
	}
	switch t := message.(type) {
	case *msg.Version:
		m.punish(p, "a second version message")
	case msg.Verack, msg.WtxidRelay, msg.SendAddrV2, msg.MemPool:
		// Nothing to do: a repeated verack is harmless, the offers come too late, and BIP 35 is not served.
	case msg.SendPay:
		m.punish(p, "sendpay after verack")
	case msg.SendHeaders:
		p.wantsHeaders = true
	case msg.FeeFilter:
		p.feeFilter = t.Rate
	case msg.Ping:
		m.send(p, msg.Pong{Nonce: t.Nonce})
	case msg.Pong:
		m.onPong(p, t)
	case msg.GetAddr:
		m.onGetAddr(p)
	case *msg.Addr:
		m.onAddr(p, t)
	case *msg.Inv:
		m.onInv(p, t)
	case *msg.GetData:
		m.onGetData(p, t)
	case *msg.NotFound:
		m.onNotFound(p, t)
	case *msg.GetHeaders:
		m.onGetHeaders(p, t)
	case *msg.GetBlocks:
		m.onGetBlocks(p, t)
	case *msg.Headers:
		m.onHeaders(p, t)
	case *msg.Block:
		m.onBlock(p, t.Block)
	case *msg.Tx:
		m.onTx(p, t.Tx)
	case msg.GetPayAddr:
		m.onGetPayAddr(p, t)
	case *msg.PayAddr:
		m.onPayAddr(p, t)
	}
}

// maxTickGap is how far apart ticks may be before we take it that the clock was set or the machine slept, for which no
// peer is to blame.
const maxTickGap = 20 * time.Second

// tick does whatever time alone brings about.
func (m *machine) tick() {
	if gap := m.now.Sub(m.lastTick); !m.lastTick.IsZero() && (gap > maxTickGap || gap < 0) {
		m.shiftDeadlines(gap)
	}
	m.lastTick = m.now
	for _, p := range slices.Clone(m.peers) { // a check may drop p
		m.checkPeer(p)
	}
	m.expireTxs()
	m.tickConnecting()
	m.startHeaders()
	m.countLines()
}

// checkPeer looks at a connection's deadlines, of which each may close it.
func (m *machine) checkPeer(p *peer) {
	if !p.ready {
		m.checkHandshake(p)
		return
	}
	for _, check := range []func(*peer){m.checkPing, m.checkHeaders, m.checkBlocks} {
		if check(p); p.gone {
			return
		}
	}
}

// shiftDeadlines moves everything that waits for a peer by gap.
func (m *machine) shiftDeadlines(gap time.Duration) {
	for _, p := range m.peers {
		if !p.ready {
			p.since = p.since.Add(gap)
		}
		for _, at := range []*time.Time{&p.pingAt, &p.headersAsked, &p.blockProgress, &p.headersRetry} {
			if !at.IsZero() {
				*at = at.Add(gap)
			}
		}
	}
	for i := range m.deadlines {
		m.deadlines[i].at = m.deadlines[i].at.Add(gap)
	}
}

func (m *machine) act(a Action) { m.out = append(m.out, a) }

func (m *machine) send(p *peer, message msg.Message) {
	m.act(Send{ID: p.id, Msg: message})
}

func (m *machine) log(level slog.Level, text string, args ...any) {
	m.act(Log{Level: level, Text: text, Args: args})
}

// flush sends what the step has gathered for each peer, so that one message does for many announcements.
func (m *machine) flush() {
	if m.wantBlocks {
		m.wantBlocks = false
		m.fetchBlocks()
	}
	for _, p := range m.peers {
		for chunk := range slices.Chunk(p.outInv, msg.MaxItems) {
			m.send(p, &msg.Inv{Items: chunk})
		}
		for chunk := range slices.Chunk(p.outGetData, msg.MaxItems) {
			m.send(p, &msg.GetData{Items: chunk})
		}
		for chunk := range slices.Chunk(p.outNotFound, msg.MaxItems) {
			m.send(p, &msg.NotFound{Items: chunk})
		}
		for chunk := range slices.Chunk(p.outAddr, msg.MaxAddresses) {
			m.send(p, &msg.Addr{Addresses: chunk})
		}
		p.outInv, p.outGetData, p.outNotFound, p.outAddr = nil, nil, nil, nil
	}
}
