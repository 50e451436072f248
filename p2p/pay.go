package p2p

import (
	"log/slog"
	"slices"

	"cheese/p2p/msg"
)

// Our one extension of the protocol: on networks whose Params.PaymentRequest is set a peer can be asked for an address to pay
// to. A node that answers says so with sendpay, before its verack; then getpayaddr asks and payaddr answers.

// payments is the state of asking for addresses to pay to.
type payments struct{ asked map[uint64]payAsk }

// payAsk is a getpayaddr that waits for its answer.
type payAsk struct{ ticket, peer int64 }

const (
	payBurst     = 100 // requests a peer may make at once; each costs little: the answer is the same until it is paid
	payRate      = 1.0 // and a second after that
	maxPaysAsked = 16  // our requests that wait for one peer's answer
)

func (m *machine) onAskPay(e AskPay) {
	p := m.byID[e.ID]
	var err error
	switch {
	case p == nil || !p.ready:
		err = ErrNoPeer
	case !p.canPay:
		err = ErrCannotPay
	case m.paysAsked(p) >= maxPaysAsked:
		err = ErrBusy
	}
	if err != nil {
		m.act(PayAnswer{Ticket: e.Ticket, Err: err})
		return
	}
	nonce := m.rng.Uint64()
	m.asked[nonce] = payAsk{ticket: e.Ticket, peer: p.id}
	m.send(p, msg.GetPayAddr{Nonce: nonce})
}

func (m *machine) paysAsked(p *peer) int {
	n := 0
	for _, a := range m.asked {
		if a.peer == p.id {
			n++
		}
	}
	return n
}

// onGetPayAddr asks the wallet for a script, unless p asks too often: that is simply not answered.
func (m *machine) onGetPayAddr(p *peer, ask msg.GetPayAddr) {
	if m.params.PaymentRequest && m.canPay && p.payTokens.take(m.now, payRate, payBurst) {
		m.act(PayTo{ID: p.id, Nonce: ask.Nonce})
	}
}

func (m *machine) onPayScript(p *peer, e PayScript) {
	switch {
	case e.Err != nil:
		m.logBounded(&m.trouble, slog.LevelWarn, "no address for a payment request", "name", p.name, "addr", p.addr(), "reason", e.Err.Error())
	case len(e.Script) <= msg.MaxPayScript:
		m.send(p, &msg.PayAddr{Nonce: e.Nonce, Script: e.Script})
	}
}

func (m *machine) onPayAddr(p *peer, answer *msg.PayAddr) {
	a, ok := m.asked[answer.Nonce]
	if !ok || a.peer != p.id {
		if p.unrequested++; p.unrequested > maxUnrequested {
			m.punish(p, "answers to questions nobody asked")
		}
		return
	}
	delete(m.asked, answer.Nonce)
	m.act(PayAnswer{Ticket: a.ticket, Script: slices.Clone(answer.Script)})
}

func (m *machine) forgetPay(ticket int64) {
	for nonce, a := range m.asked {
		if a.ticket == ticket {
			delete(m.asked, nonce)
		}
	}
}

func (m *machine) endPayments(p *peer) {
	var tickets []int64
	for nonce, a := range m.asked {
		if a.peer == p.id {
			tickets = append(tickets, a.ticket)
			delete(m.asked, nonce)
		}
	}
	slices.Sort(tickets) // map order must not show in the actions
	for _, t := range tickets {
		m.act(PayAnswer{Ticket: t, Err: ErrNoPeer})
	}
}
