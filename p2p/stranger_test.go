package p2p

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cheese/coin"
	"cheese/p2p/msg"
)

// TestStrangersCannotBreakTheMachine is a property: whatever three strangers send, in whatever order and whatever the verdicts on
// it, nothing panics, nothing grows over its limit, and when they are gone nothing of them is left.
func TestStrangersCannotBreakTheMachine(t *testing.T) {
	chainOf := newFakeChain(&world{now: epoch}, coin.Regtest())
	var blocks []*coin.Block
	for s := chainOf.bestState(); len(blocks) < 12; {
		b := mineOn(s, 1)
		blocks, s = append(blocks, b), s.Extend(b.Header)
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		n := w.node("n", func(s *settings) { s.params, s.canPay, s.autoConnect = withPay(), true, true })
		n.m.book.add(netip.MustParseAddrPort("10.0.0.9:1"), 9, w.now, "test")
		for id := int64(1); id <= 3; id++ {
			n.event(Connected{ID: id, Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(id)}), 5)})
		}
		if rapid.Bool().Draw(rt, "shake hands") {
			for id := int64(1); id <= 3; id++ {
				n.event(Received{ID: id, Msg: &msg.Version{Version: 70016, Services: 9, Nonce: uint64(id), Height: int32(id) * 1500}})
				n.event(Received{ID: id, Msg: msg.Verack{}})
			}
		}
		for range rapid.IntRange(1, 60).Draw(rt, "events") {
			w.now = w.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 100, 11_000, 61_000}).Draw(rt, "ms")) * time.Millisecond)
			n.event(drawEvent(rt, blocks))
			if rapid.Bool().Draw(rt, "settle") {
				w.settle()
			}
			checkLimits(rt, n.m)
		}
		w.settle()
		for id := int64(1); id <= 3; id++ {
			n.event(Hangup{ID: id})
		}
		n.event(Tick{})
		w.settle()
		left := fmt.Sprint(len(n.m.peers), len(n.m.byID), len(n.m.inFlight), len(n.m.checking), n.m.checkBytes, len(n.m.atPool), len(n.m.wants), len(n.m.orphans), len(n.m.asked))
		if left != "0 0 0 0 0 0 0 0 0" {
			rt.Fatalf("left over: %s", left)
		}
	})
}

func withPay() *coin.Params {
	p := coin.Regtest()
	p.PaymentRequest = true
	return p
}

func checkLimits(t *rapid.T, m *machine) {
	for _, p := range m.peers {
		if len(p.blocks) > maxBlocksAsked || len(p.late) > maxLate || p.txsAsked > maxTxsAsked || p.txsAsked < 0 || p.unsent < 0 ||
			p.headerChecks < 0 || p.txChecks < 0 || p.pushed < 0 || len(p.queue) > maxServeQueue {
			t.Fatalf("peer out of its limits: %+v", p)
		}
	}
	if len(m.orphans) > maxOrphans || len(m.book.list) > maxBook {
		t.Fatal("machine out of its limits")
	}
}

// drawEvent makes up something a stranger could cause.
func drawEvent(t *rapid.T, blocks []*coin.Block) Event {
	id := rapid.Int64Range(1, 3).Draw(t, "peer")
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		return Tick{}
	case 1:
		return rapid.SampledFrom([]Event{Failed{ID: id, Err: errClosed}, Failed{ID: id, Err: msg.ErrChecksum}, ViewChanged{},
			AskPay{Ticket: id, ID: id}, Forget{Ticket: id}, PayScript{ID: id, Err: errors.New("locked")},
			PoolAdded{Txs: []PoolTx{{ID: coin.Hash{7}}}}}).Draw(t, "event")
	}
	return Received{ID: id, Msg: drawMessage(t, blocks)}
}

func drawMessage(t *rapid.T, blocks []*coin.Block) msg.Message {
	block := rapid.SampledFrom(blocks).Draw(t, "block")
	parent := payment(nil, rapid.IntRange(0, 5).Draw(t, "salt"))
	txs := []*coin.Tx{parent, payment(parent, 9)}
	bad := payment(nil, 6)
	bad.LockTime = 666
	tx := rapid.SampledFrom(append(txs, bad)).Draw(t, "tx")
	items := make([]msg.Item, rapid.IntRange(0, 150).Draw(t, "items"))
	for i := range items {
		items[i] = msg.Item{Kind: msg.KindTx, Hash: coin.Hash{byte(i), byte(len(items))}}
	}
	items = append(items, msg.Item{Kind: msg.KindTx, Hash: tx.ID()}, msg.Item{Kind: msg.KindWitnessBlock, Hash: block.Hash()}, msg.Item{Kind: 77})
	from := rapid.IntRange(0, len(blocks)-1).Draw(t, "from")
	var headers []coin.Header
	for _, b := range blocks[from:rapid.IntRange(from, len(blocks)).Draw(t, "to")] {
		headers = append(headers, b.Header)
	}
	locator := msg.Locator{Hashes: []coin.Hash{block.Prev}, Stop: block.Hash()}
	return rapid.SampledFrom([]msg.Message{
		&msg.Version{Version: 70016, Services: 9, Nonce: 5}, msg.Verack{}, msg.SendPay{}, msg.SendHeaders{}, msg.GetAddr{},
		msg.Ping{}, msg.Pong{}, msg.FeeFilter{Rate: -1}, msg.GetPayAddr{}, &msg.PayAddr{},
		&msg.Inv{Items: items}, &msg.GetData{Items: items}, &msg.NotFound{Items: items},
		&msg.Headers{Headers: headers}, &msg.Block{Block: block}, &msg.Tx{Tx: tx},
		&msg.GetHeaders{Locator: locator}, &msg.GetBlocks{Locator: locator},
		&msg.Addr{Addresses: []msg.Address{{Time: uint32(epoch.Unix()), Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(from)}), 7)}}},
	}).Draw(t, "message")
}
