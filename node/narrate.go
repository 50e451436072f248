package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/mempool"
	"cheese/miner"
	"cheese/wallet"
)

// The words of the story, which windows tell lines apart by.
const (
	SayMined      = "cheese mined"
	SayAdded      = "new cheese added"
	SayLost       = "lost the race"
	SayReorg      = "reorg"
	SayCreated    = "transaction created"
	SayPaid       = "payment received"
	SayIncoming   = "transaction received"
	SayCatchingUp = "catching up"
)

// narrateAtOnce bounds how many blocks are told of one by one; a longer run is a download and gets a line in all.
const narrateAtOnce = 10

// onFound hears from the miner of each block it found, and the chain's verdict. A block that another one of its height
// was ahead of never joins the best chain, so that no reorg tells of its loss.
func (n *Node) onFound(b *coin.Block, verdict error) {
	if verdict != nil {
		return // the miner has said so
	}
	if e, ok := n.Chain.View().ByHash(b.Hash()); ok && e.Status == chain.Stored {
		n.tellLost(b, e.Height)
	}
}

func (n *Node) tellLost(b *coin.Block, height int32) {
	n.log.Warn(SayLost, "height", height, "smell", short(b.Hash()), "reward lost", n.Money(b.Txs[0].Out[0].Value))
}

// narrate follows chain and pool by cursor and says in log lines what happens.
func (n *Node) narrate(ctx context.Context) error {
	tell := narrator{Node: n, at: n.Chain.View().Position()}
	seq := n.Pool.View().Seq()
	for {
		chainBell, poolBell := n.Chain.Changed(), n.Pool.Changed()
		if err := tell.chain(); err != nil {
			return err
		}
		seq = n.narratePool(seq)
		select {
		case <-ctx.Done():
			return nil
		case <-chainBell:
		case <-poolBell:
		}
	}
}

// narrator tells of the best chain from a cursor on. It belongs to one goroutine.
type narrator struct {
	*Node
	at       chain.Position
	progress time.Time // when a download was last told of
}

// progressEvery is how often a download gets a line.
const progressEvery = time.Second

// chain tells what has happened since the cursor, as one view has it.
func (n *narrator) chain() error {
	v := n.Chain.View()
	var (
		left, came int
		fork       int32
		lost, last []chain.Update // the newest narrateAtOnce of each
	)
	for {
		updates, err := v.Updates(n.at, 100)
		if err != nil {
			return fmt.Errorf("follow the chain: %w", err)
		}
		if len(updates) == 0 {
			break
		}
		for _, u := range updates {
			n.at = u.Next()
			if !u.Revert {
				came++
				last = keepNewest(last, u)
				continue
			}
			left, fork = left+1, n.at.Height
			if n.Ours(u.Block.Txs[0]) {
				lost = keepNewest(lost, u)
			}
		}
	}
	for _, u := range lost {
		n.tellLost(u.Block, u.Height)
	}
	if left > 0 {
		n.log.Warn(SayReorg, "left", left, "came", came, "fork", fork)
	}
	ahead := v.BestHeader().Height()
	behind := ahead-n.at.Height > narrateAtOnce
	if came > narrateAtOnce && !n.Ours(last[len(last)-1].Block.Txs[0]) || came > 0 && behind {
		n.tellProgress(ahead)
	}
	if behind { // news of the past is no news
		return nil
	}
	for _, u := range last {
		n.tellAdded(u.Block, u.Height)
	}
	return nil
}

func keepNewest(kept []chain.Update, u chain.Update) []chain.Update {
	if len(kept) == narrateAtOnce {
		kept = slices.Delete(kept, 0, 1)
	}
	return append(kept, u)
}

func (n *narrator) tellProgress(of int32) {
	if now := n.now(); now.Sub(n.progress) >= progressEvery {
		n.progress = now
		n.log.Info(SayCatchingUp, "height", n.at.Height, "of", of, "smell", short(n.at.Hash))
	}
}

func (n *Node) tellAdded(b *coin.Block, height int32) {
	attrs := []any{"height", height, "smell", short(b.Hash()), "txs", len(b.Txs) - 1}
	if n.Ours(b.Txs[0]) {
		n.log.Info(SayMined, append(attrs, "reward", n.Money(b.Txs[0].Out[0].Value))...)
		return
	}
	who := miner.MinerName(b.Txs[0])
	n.log.Info(SayAdded, append(attrs, "miner", cmp.Or(who, "unknown"))...)
}

// Ours tells whether this peer won the block of that coinbase: all that it pays goes to this wallet.
func (n *Node) Ours(coinbase *coin.Tx) bool {
	if n.Wallet == nil {
		return false
	}
	ours := false
	for _, out := range coinbase.Out {
		if out.Value > 0 && !n.Wallet.Mine(out.Script) {
			return false
		}
		ours = ours || out.Value > 0
	}
	return ours
}

func (n *Node) narratePool(seq uint64) uint64 {
	for {
		changes, next, lost := n.Pool.Since(seq, 100)
		if lost {
			return n.Pool.View().Seq()
		}
		for _, c := range changes {
			if c.Removed {
				continue
			}
			n.tellTx(c.Entry)
		}
		if len(changes) == 0 {
			return next
		}
		seq = next
	}
}

func (n *Node) tellTx(e *mempool.Entry) {
	tx := e.Tx
	if n.Wallet != nil {
		net, kind, _ := n.Wallet.Describe(tx)
		if kind == wallet.KindReceived {
			n.log.Info(SayPaid, "amount", n.Money(net), "txid", short(tx.ID()))
		}
		if kind != "" { // what is ours was told when it was made
			return
		}
	}
	n.log.Info(SayIncoming, "outputs", n.Money(tx.OutputSum()), "fee", n.Small(e.Fee), "txid", short(tx.ID()))
}

// maxClockOffset is how far the clock may be off before the user is told.
const maxClockOffset = time.Minute

// ClockWarning says by how much this machine's clock is off from its peers', or "" where it is not or no peer is
// there to tell.
func (n *Node) ClockWarning() string {
	offset, peers := n.P2P.ClockOffset()
	if peers == 0 || offset.Abs() <= maxClockOffset {
		return ""
	}
	side := "behind"
	if offset < 0 {
		side = "ahead of"
	}
	return fmt.Sprintf("this machine's clock is %v %s its peers' (%d asked): set it right, or its cheeses will be refused",
		offset.Abs().Round(time.Second), side, peers)
}

// short abbreviates a hash for a line on a terminal, from its end where proof of work leaves digits that differ.
func short(h coin.Hash) string {
	s := h.String()
	return s[:8] + "…" + s[56:]
}

func trimZeros(s string) string { return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") }
