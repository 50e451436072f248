package p2p

import (
	"time"

	"cheese/coin"
	"cheese/p2p/msg"
)

// Some nodes keep silent when asked for headers while they believe to be behind: btcd does whenever its last block is a day
// old, as after a night's sleep of a regtest network. They still answer getblocks with an inventory, the way Bitcoin
// synced before headers came first, and so that is what a silent peer with more blocks than ours is asked in the end.

const (
	headersPatience = 10 * time.Second // for an answer to getheaders before a peer is asked by inventory
	maxInvBlocks    = getBlocksAnswer  // announced blocks that wait to be asked for
)

// askInventory starts, or goes on with, a download by inventory.
func (m *machine) askInventory(p *peer) {
	p.byInventory = true
	p.invAskedAt = m.v.Tip().Height()
	m.send(p, &msg.GetBlocks{Locator: msg.Locator{Version: msg.Version70016, Hashes: m.v.Locator(m.v.Tip().Hash())}})
}

// queueInventory remembers a block to ask for whose header nobody has shown.
func (m *machine) queueInventory(p *peer, h coin.Hash) {
	if p.byInventory && len(p.invBlocks) < maxInvBlocks {
		p.invBlocks = append(p.invBlocks, h)
	}
}

// fetchInventory asks for queued blocks in their order and, once they are checked and there are more, for the next batch.
func (m *machine) fetchInventory(p *peer) {
	for len(p.invBlocks) > 0 && len(p.blocks) < maxBlocksAsked && m.roomToCheck() {
		h := p.invBlocks[0]
		p.invBlocks = p.invBlocks[1:]
		if e, ok := m.v.ByHash(h); !(ok && e.HasBody) && !m.underWay(h) {
			m.askBlock(p, h)
		}
	}
	if done := len(p.invBlocks)+len(p.blocks)+len(m.checking) == 0; done && m.v.Tip().Height() > p.invAskedAt {
		if p.byInventory = m.v.Tip().Height() < p.height(); p.byInventory {
			m.askInventory(p)
		}
	}
}
