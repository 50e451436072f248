package p2p

import (
	"log/slog"

	"cheese/coin"
	"cheese/p2p/msg"
)

// onGetHeaders answers with up to 2000 headers of our best chain. Without a locator it asks for the one header named by stop.
func (m *machine) onGetHeaders(p *peer, ask *msg.GetHeaders) {
	var hs []coin.Header
	if len(ask.Hashes) == 0 {
		if e, ok := m.v.ByHash(ask.Stop); ok {
			hs = []coin.Header{e.Header}
		}
	} else {
		hs = m.v.AfterLocator(ask.Hashes, ask.Stop, msg.MaxHeaders)
	}
	if n := len(hs); n > 0 {
		p.sentHeader = hs[n-1].Hash()
	} else {
		p.sentHeader = m.tip
	}
	m.send(p, &msg.Headers{Headers: hs})
}

// onGetBlocks answers with an inv of up to 500 blocks, as nodes want that do not sync by headers.
func (m *machine) onGetBlocks(p *peer, ask *msg.GetBlocks) {
	hs := m.v.AfterLocator(ask.Hashes, ask.Stop, getBlocksAnswer)
	items := make([]msg.Item, len(hs))
	for i := range hs {
		items[i] = msg.Item{Kind: msg.KindBlock, Hash: hs[i].Hash()}
	}
	if len(items) == getBlocksAnswer {
		p.resume = items[len(items)-1].Hash
	}
	if len(items) > 0 {
		m.send(p, &msg.Inv{Items: items})
	}
}

// onGetData queues what a peer asks for. It is served in order, and read only as fast as the peer takes it.
func (m *machine) onGetData(p *peer, ask *msg.GetData) {
	if len(p.queue)+len(ask.Items) > maxServeQueue {
		m.punish(p, "asks for more than %d things at once", maxServeQueue)
		return
	}
	p.queue = append(p.queue, ask.Items...)
	m.serve(p)
}

// serve works through p's queue until there is enough on its way.
func (m *machine) serve(p *peer) {
	for len(p.queue) > 0 && !p.reading && p.unsent < maxUnsent {
		item := p.queue[0]
		p.queue = p.queue[1:]
		switch item.Kind.Base() {
		case msg.KindTx:
			m.serveTx(p, item)
		case msg.KindBlock:
			if e, ok := m.v.ByHash(item.Hash); ok && e.HasBody {
				p.reading = true
				m.act(ReadBlock{ID: p.id, Item: item})
			} else {
				p.outNotFound = append(p.outNotFound, item)
			}
		default: // kinds we do not know get no answer, as in Core
		}
	}
	if len(p.queue) == 0 {
		p.queue = nil
	}
}

func (m *machine) serveTx(p *peer, item msg.Item) {
	tx, ok := m.v.Tx(item.Hash)
	if !ok {
		p.outNotFound = append(p.outNotFound, item)
		return
	}
	p.knownTxs.add(item.Hash)
	m.sendCounted(p, &msg.Tx{Tx: tx, NoWitness: item.Kind&msg.WitnessFlag == 0}, tx.Size())
}

// sendCounted sends something large enough to watch how it drains.
func (m *machine) sendCounted(p *peer, message msg.Message, size int) {
	p.unsent += size
	m.act(Send{ID: p.id, Msg: message, Count: size})
}

func (m *machine) onBlockRead(p *peer, e BlockRead) {
	p.reading = false
	if e.Err != nil {
		m.logBounded(&m.trouble, slog.LevelError, "a block could not be read", "block", e.Item.Hash, "reason", e.Err.Error())
		p.outNotFound = append(p.outNotFound, e.Item)
	} else {
		m.sendCounted(p, &msg.Block{Block: e.Block, NoWitness: e.Item.Kind&msg.WitnessFlag == 0}, e.Block.Size())
		if e.Item.Hash == p.resume {
			p.resume = coin.Hash{}
			m.send(p, &msg.Inv{Items: []msg.Item{{Kind: msg.KindBlock, Hash: m.tip}}})
		}
	}
	m.serve(p)
}
