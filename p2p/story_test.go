package p2p

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"cheese/coin"
	"cheese/p2p/msg"
)

func TestHandshakeIntroducesBothSides(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.node("alice"), w.node("bob(\x1b[31m)/")
	alice.mustDial(bob)
	w.same("bob's name at alice", alice.m.infos()[0].Name, "bob[31m")
	w.same("alice's name at bob", bob.m.infos()[0].Name, "alice")
	w.same("bob's agent", alice.m.infos()[0].Agent, "/cheese:0.1.0(bob[31m)/")
	w.same("where alice listens, to bob", bob.m.infos()[0].Listen, alice.addr.String())
	w.same("direction", alice.lastLog("peer connected")["direction"], "outbound")
	w.same("at bob", bob.lastLog("peer connected")["direction"], "inbound")
	w.fails(alice.dial(bob), ErrAlreadyConnected)
	w.fails(bob.dial(alice), ErrAlreadyConnected) // bob finds out that it is her
	w.same("connections", []int{alice.ready(), bob.ready()}, []int{1, 1})
}

func TestDialErrorsAreTyped(t *testing.T) {
	w := newWorld(t)
	alice, far := w.node("alice"), w.node("far", func(s *settings) { s.params = coin.Cheese() })
	nobody := &testNode{w: w, name: "nobody", addr: netip.MustParseAddrPort("10.9.9.9:1")}
	w.fails(alice.dial(nobody), ErrRefused)
	w.fails(alice.dial(alice), ErrSelf)
	alice.m.listen = netip.AddrPort{} // and when we do not know our own address
	w.fails(alice.dial(alice), ErrSelf)
	w.fails(alice.dial(alice), ErrSelf)

	mute := w.node("mute")
	mute.mute = func(msg.Message) bool { return true }
	alice.event(Connect{Ticket: 77, Addr: mute.addr.String()})
	w.pass(11 * time.Second)
	w.fails(alice.done[77], ErrTimeout)

	// The frame reader of an edge reports other networks; the machine puts that into Connect's terms.
	alice.event(Connect{Ticket: 78, Addr: far.addr.String()})
	far.mute = mute.mute
	w.settle()
	p := alice.m.peers[len(alice.m.peers)-1]
	alice.event(Failed{ID: p.id, Err: &msg.MagicError{Got: [4]byte{1, 2, 3, 4}, Command: "version"}})
	w.fails(alice.done[78], ErrWrongNetwork)
	w.same("connections", len(alice.m.peers), 0)
}

func TestPeersFindEachOtherByGossip(t *testing.T) {
	w := newWorld(t)
	auto := func(s *settings) { s.autoConnect = true }
	hub := w.node("hub", auto)
	var others []*testNode
	for i := range 5 {
		n := w.node(fmt.Sprint("peer", i), auto)
		n.event(Addresses{Addrs: []netip.AddrPort{hub.addr}, Source: "tracker"})
		others = append(others, n)
	}
	w.pass(20 * time.Second)
	for _, n := range append(others, hub) {
		w.same(n.name+"'s connections", n.ready(), 5)
	}
	before := len(hub.logs)
	w.pass(5 * time.Minute)
	w.same("what changed once all were connected", hub.logs[before:], []Log{})
}

func TestSyncThreeThousandHeadersFromTwoPeers(t *testing.T) {
	w := newWorld(t)
	old, twin, young := w.node("old"), w.node("twin"), w.node("young")
	for _, b := range old.mine(3000, 1) {
		if err := twin.chain.addBlock(b); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range []*testNode{old, twin} {
		young.event(Connect{Ticket: int64(i), Addr: n.addr.String()})
	}
	w.pass(time.Second)
	w.same("young's tip", young.chain.tip, old.chain.tip)
	if old.sent["block"] < 1000 || twin.sent["block"] < 1000 {
		t.Fatalf("blocks from old: %d, from twin: %d: should be shared", old.sent["block"], twin.sent["block"])
	}
	w.same("blocks sent", old.sent["block"]+twin.sent["block"], 3000)
	w.same("what is left in flight", len(young.m.inFlight)+len(young.m.checking)+young.m.checkBytes, 0)
}

func TestStallingPeerIsReplaced(t *testing.T) {
	w := newWorld(t)
	good, lazy, young := w.node("good"), w.node("lazy"), w.node("young")
	for _, b := range good.mine(100, 1) {
		if err := lazy.chain.addBlock(b); err != nil {
			t.Fatal(err)
		}
	}
	lazy.mute = func(m msg.Message) bool { return m.Command() == "block" }
	young.mustDial(lazy, good)
	w.pass(5 * time.Second)
	if young.chain.tip == good.chain.tip {
		t.Fatal("nothing was asked of the lazy peer: the test shows nothing")
	}
	w.pass(10 * time.Second)
	w.same("young's tip", young.chain.tip, good.chain.tip)
	w.pass(time.Minute)
	w.same("connections left", young.ready(), 1)
	w.same("who is left", young.m.infos()[0].Name, "good")
	if reason := young.lastLog("peer disconnected")["reason"].(string); !strings.Contains(reason, "stalled") {
		t.Fatalf("reason %q", reason)
	}
}

func TestSyncResumesWhenTheOnlySourceGoes(t *testing.T) {
	w := newWorld(t)
	old, young, other := w.node("old"), w.node("young"), w.node("other")
	for _, b := range old.mine(300, 1) {
		if err := other.chain.addBlock(b); err != nil {
			t.Fatal(err)
		}
	}
	sent := 0
	old.mute = func(m msg.Message) bool {
		if m.Command() == "block" {
			sent++
		}
		return sent > 40 && m.Command() == "block"
	}
	young.mustDial(old)
	w.pass(time.Second)
	old.event(Hangup{ID: old.m.peers[0].id})
	w.settle()
	young.mustDial(other)
	w.pass(time.Second)
	w.same("young's tip", young.chain.tip, other.chain.tip)
}

func TestNewBlockReachesEveryoneByHeaders(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.node("a"), w.node("b"), w.node("c")
	a.mustDial(b)
	b.mustDial(c)
	a.mine(1, 1)
	w.settle()
	w.same("c's tip", c.chain.tip, a.chain.tip)
	a.mustDial(c)
	w.same("inv messages", a.sent["inv"]+b.sent["inv"], 0)
	// A race: both ends find one. Both blocks get everywhere; first seen wins until the next block.
	a.mine(1, 2)
	c.mine(1, 3)
	w.settle()
	if a.chain.tip == c.chain.tip {
		t.Fatal("no race")
	}
	if _, ok := a.chain.bodies[c.chain.tip]; !ok {
		t.Fatal("a has not got the losing block")
	}
	c.mine(1, 3)
	w.settle()
	w.same("a's tip after c has won", a.chain.tip, c.chain.tip)
	w.same("b's", b.chain.tip, c.chain.tip)
}

func TestBlocksOutOfOrderAreTaken(t *testing.T) {
	w := newWorld(t)
	old, young := w.node("old"), w.node("young")
	old.mine(10, 1)
	var held []msg.Message
	old.mute = func(m msg.Message) bool {
		if m.Command() == "block" {
			held = append(held, m)
			return true
		}
		return false
	}
	young.mustDial(old)
	w.same("blocks asked for at once", len(held), 10)
	for _, m := range slices.Backward(held) {
		young.inject(m)
	}
	w.same("young's tip", young.chain.tip, old.chain.tip)
	w.same("connections", young.ready(), 1)
}

func TestTransactionReachesEveryoneOnce(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.node("a"), w.node("b"), w.node("c")
	a.mustDial(b, c)
	b.mustDial(c)
	tx := payment(nil, 1)
	a.submit(tx)
	w.settle()
	for _, n := range w.nodes {
		if n.pool[tx.ID()] == nil {
			t.Fatalf("%s has not got it", n.name)
		}
	}
	w.same("times it was sent", a.sent["tx"]+b.sent["tx"]+c.sent["tx"], 2)
	w.same("announcements by a", a.sent["inv"], 2)
	a.event(PoolAdded{Txs: []PoolTx{{ID: tx.ID(), FeeRate: 1000}}}) // the wallet says it again
	w.settle()
	w.same("announcements by a to those who know", a.sent["inv"], 2)
}

func TestBlocksForThoseWhoAskByInventory(t *testing.T) {
	w := newWorld(t)
	a, old := w.node("a"), w.node("old")
	a.mine(600, 1)
	var invs []*msg.Inv
	a.mute = func(m msg.Message) bool {
		inv, ok := m.(*msg.Inv)
		if ok {
			invs = append(invs, inv)
		}
		return ok
	}
	old.mute = func(m msg.Message) bool { return m.Command() == "getheaders" }
	old.mustDial(a)
	a.inject(&msg.GetBlocks{Locator: msg.Locator{Hashes: []coin.Hash{coin.Regtest().Genesis.Hash()}}})
	w.same("blocks named", len(invs[0].Items), 500)
	a.inject(&msg.GetData{Items: invs[0].Items[:499]})
	w.same("announcements before the last is asked for", len(invs), 1)
	a.inject(&msg.GetData{Items: invs[0].Items[499:]})
	w.same("what follows the last", invs[1].Items, []msg.Item{{Kind: msg.KindBlock, Hash: a.chain.tip}})
}

// TestSyncFromAPeerThatIsSilentAboutHeaders plays a btcd whose last block is old.
func TestSyncFromAPeerThatIsSilentAboutHeaders(t *testing.T) {
	w := newWorld(t)
	old, young := w.node("old"), w.node("young")
	old.mine(1300, 1)
	old.mute = func(m msg.Message) bool { return m.Command() == "headers" }
	young.mustDial(old)
	w.pass(9 * time.Second)
	w.same("height while waiting for headers", young.chain.entries[young.chain.tip].Height, int32(0))
	w.pass(2 * time.Second)
	w.same("young's tip", young.chain.tip, old.chain.tip)
	w.pass(3 * time.Minute)
	w.same("connections", young.ready(), 1)
	w.same("left over", []int{len(young.m.inFlight), len(young.m.peers[0].invBlocks)}, []int{0, 0})
}

func TestServingWaitsForTheReader(t *testing.T) {
	w := newWorld(t)
	a, b := w.node("a"), w.node("b")
	a.mustDial(b)
	var items []msg.Item
	for i := range 50 {
		tx := payment(nil, i)
		tx.Out[0].Script = make([]byte, 100_000)
		a.pool[tx.ID()] = tx
		items = append(items, msg.Item{Kind: msg.KindWitnessTx, Hash: tx.ID()})
	}
	a.event(Received{ID: a.m.peers[0].id, Msg: &msg.GetData{Items: items}})
	w.same("sent before any is written", a.sent["tx"], 11)
	w.settle()
	w.same("sent in the end", a.sent["tx"], 50)
}

func TestAddressOfANewPeerGetsAround(t *testing.T) {
	w := newWorld(t)
	var line []*testNode
	for i := range 4 {
		line = append(line, w.node(fmt.Sprint("n", i)))
		if i > 0 {
			line[i].mustDial(line[i-1])
		}
	}
	for _, n := range line[:3] {
		if n.m.book.byAddr[line[3].addr] == nil {
			t.Errorf("%s has not heard of the last", n.name)
		}
	}
}

func TestSilentAnnouncerIsReplacedByTheNext(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.node("a"), w.node("b"), w.node("c")
	c.mustDial(a, b)
	tx := payment(nil, 1)
	a.mute = func(m msg.Message) bool { return m.Command() == "tx" }
	a.submit(tx)
	w.settle()
	b.submit(tx)
	w.pass(10 * time.Second)
	w.same("c's pool before the timeout", len(c.pool), 0)
	w.pass(11 * time.Second)
	w.same("c's pool after it", len(c.pool), 1)

	// An announcer that goes away is replaced at once.
	tx = payment(nil, 2)
	a.submit(tx)
	w.settle()
	b.submit(tx)
	a.event(Hangup{ID: a.m.peers[0].id})
	w.settle()
	w.same("c's pool", len(c.pool), 2)
}

func TestNotFoundTurnsToTheNextAnnouncer(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.node("a"), w.node("b"), w.node("c")
	c.mustDial(a, b)
	tx := payment(nil, 1)
	a.event(PoolAdded{Txs: []PoolTx{{ID: tx.ID()}}}) // announced, and gone when it is asked for
	b.submit(tx)
	w.settle()
	w.same("c's pool", len(c.pool), 1)

	a.mine(5, 1)
	a.chain.bodies, b.chain.bodies = b.chain.bodies, a.chain.bodies // a has lost its blocks on disk
	for _, e := range a.chain.entries {
		e.HasBody = false
	}
	w.settle()
	w.same("c's height without the blocks", c.chain.entries[c.chain.tip].Height, int32(0))
	w.same("what c waits for", len(c.m.inFlight), 0)
}

// TestQueueOfAPeerThatLeavesIsTakenOver has more announced by two peers than may be asked of one at once.
func TestQueueOfAPeerThatLeavesIsTakenOver(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.node("a"), w.node("b"), w.node("c")
	c.mustDial(a, b)
	silent := func(m msg.Message) bool { return m.Command() == "tx" }
	a.mute = silent
	for i := range 3 * maxTxsAsked {
		tx := payment(nil, i)
		a.submit(tx)
		w.settle()
		b.pool[tx.ID()] = tx
	}
	w.same("c's pool while a is silent", len(c.pool), 0)
	var txs []PoolTx
	for id := range b.pool {
		txs = append(txs, PoolTx{ID: id})
	}
	b.event(PoolAdded{Txs: txs})
	w.settle()
	a.event(Hangup{ID: a.m.peers[0].id})
	w.settle()
	w.same("c's pool when a is gone", len(c.pool), 3*maxTxsAsked)
	w.same("left over", []int{len(c.m.wants), c.m.peers[0].txsAsked, len(c.m.peers[0].txsWaiting)}, []int{0, 0, 0})
}

func TestOrphanWaitsForItsParents(t *testing.T) {
	w := newWorld(t)
	a, b := w.node("a"), w.node("b")
	grand := payment(nil, 1)
	parent := payment(grand, 2)
	child := payment(parent, 3)
	for _, tx := range []*coin.Tx{grand, parent} {
		a.submit(tx)
	}
	b.mustDial(a) // too late to hear of the two
	a.submit(child)
	w.settle()
	w.same("b's pool", len(b.pool), 3)
	w.same("orphans left", len(b.m.orphans), 0)

	lone := payment(payment(payment(nil, 9), 10), 11) // its parents nobody has
	b.inject(&msg.Tx{Tx: lone})
	w.same("orphans", len(b.m.orphans), 1)
	w.pass(6 * time.Minute)
	w.same("orphans after a while", len(b.m.orphans), 0)
	for i := range 300 {
		b.inject(&msg.Tx{Tx: payment(lone, 100+i)})
	}
	if n := len(b.m.orphans); n > maxOrphans {
		t.Fatalf("%d orphans are kept", n)
	}
}

// TestEarlyTransactionWaitsForBlocks: a peer that lacks the newest blocks may get a payment that needs them.
func TestEarlyTransactionWaitsForBlocks(t *testing.T) {
	w := newWorld(t)
	a, b := w.node("a"), w.node("b")
	a.mine(3, 1)
	b.mustDial(a)
	early := payment(nil, 1)
	early.LockTime = 4
	b.inject(&msg.Tx{Tx: early})
	w.same("b's pool before the block", len(b.pool), 0)
	b.inject(&msg.Tx{Tx: early}) // again: it is kept once
	w.same("kept for later", len(b.m.early), 1)
	a.mine(1, 1)
	w.settle()
	w.same("b's pool after it", len(b.pool), 1)
	w.same("still kept", len(b.m.early), 0)
	for i := range 300 {
		never := payment(nil, 100+i)
		never.LockTime = 600
		b.inject(&msg.Tx{Tx: never})
	}
	if n := len(b.m.early); n > maxEarly {
		t.Fatalf("%d early transactions are kept", n)
	}
}

func TestInvFloodIsBounded(t *testing.T) {
	w := newWorld(t)
	a, evil := w.node("a"), w.node("evil")
	a.mustDial(evil)
	evil.mute = func(m msg.Message) bool { return m.Command() != "pong" && m.Command() != "ping" }
	for round := range 4 {
		items := make([]msg.Item, msg.MaxItems)
		for i := range items {
			items[i] = msg.Item{Kind: msg.KindTx, Hash: coin.DoubleSHA([]byte(fmt.Sprint(round, i)))}
		}
		a.inject(&msg.Inv{Items: items})
	}
	p := a.m.peers[0]
	if p.txsAsked > maxTxsAsked || len(p.txsWaiting) > maxTxsWaiting || len(a.m.wants) > maxTxsAsked+maxTxsWaiting {
		t.Fatalf("asked %d, waiting %d, wanted %d", p.txsAsked, len(p.txsWaiting), len(a.m.wants))
	}
	for range 60 { // every answer times out, and the queue moves on without growing
		w.pass(21 * time.Second)
	}
	w.same("requests left over", []int{len(a.m.wants), p.txsAsked, len(a.m.deadlines)}, []int{0, 0, 0})
}

func TestPaymentRequest(t *testing.T) {
	w := newWorld(t)
	pays := func(s *settings) { s.params, s.canPay = coin.Cheese(), true }
	a, b, c := w.node("a", pays), w.node("b", pays), w.node("c", func(s *settings) { s.params = coin.Cheese() })
	a.mustDial(b, c)
	ask := func(ticket, id int64) PayAnswer {
		a.event(AskPay{Ticket: ticket, ID: id})
		w.settle()
		return a.paid[ticket]
	}
	w.same("script", string(ask(1, a.m.peers[0].id).Script), "script of b")
	w.fails(ask(2, a.m.peers[1].id).Err, ErrCannotPay)
	w.fails(ask(3, 999).Err, ErrNoPeer)
	b.event(Hangup{ID: b.m.peers[0].id})
	w.settle()
	w.fails(ask(4, 1).Err, ErrNoPeer)
}

func TestPaymentRequestsAreAnsweredAsFastAsAPersonClicks(t *testing.T) {
	w := newWorld(t)
	pays := func(s *settings) { s.params, s.canPay = coin.Cheese(), true }
	a, b := w.node("a", pays), w.node("b", pays)
	a.mustDial(b)
	ticket := int64(0)
	click := func() {
		ticket++
		a.event(AskPay{Ticket: ticket, ID: a.m.peers[0].id})
		w.settle()
	}
	for range 100 {
		click()
	}
	for range 60 {
		w.pass(time.Second)
		click()
	}
	w.same("answers", b.sent["payaddr"], 160)
	for range 200 {
		click()
	}
	w.same("answers to a flood", b.sent["payaddr"], 160)
	w.fails(a.paid[ticket].Err, ErrBusy) // the first of the unanswered still wait
	b.event(Hangup{ID: b.m.peers[0].id})
	w.settle()
	w.fails(a.paid[161].Err, ErrNoPeer)
}

func TestClockOffsetIsTheMedian(t *testing.T) {
	w := newWorld(t)
	a := w.node("a")
	for i, ahead := range []time.Duration{-time.Hour, 2 * time.Minute, 3 * time.Minute} {
		n := w.node(fmt.Sprint("peer", i))
		p := newPeer(Connected{ID: int64(100 + i), Remote: n.addr}, w.now)
		p.ready, p.offset, p.version = true, clockOffset(w.now.Add(ahead).Unix(), w.now), &msg.Version{}
		a.m.peers = append(a.m.peers, p)
	}
	offset, n := a.m.clockOffsets()
	w.same("median", offset, 2*time.Minute)
	w.same("of", n, 3)
	a.m.now = w.now
	a.m.warnOfClock()
	a.m.warnOfClock()
	w.same("warnings", len(a.m.out), 1)
	for _, lie := range []int64{-1 << 63, 1<<63 - 1} {
		if got := clockOffset(lie, w.now); got.Abs() > 24*time.Hour {
			t.Fatalf("a clock at %d is taken for %v off", lie, got)
		}
	}
}

func TestSilentPeerIsDroppedAndASleepingMachineBlamesNobody(t *testing.T) {
	w := newWorld(t)
	a, b := w.node("a"), w.node("b")
	a.mustDial(b)
	w.pass(10 * time.Minute)
	w.same("connections of peers that answer pings", a.ready(), 1)
	b.mute = func(m msg.Message) bool { return m.Command() == "pong" }
	w.pass(pingEvery) // now a ping is on its way
	w.same("waiting for a pong", a.m.peers[0].pinging, true)
	w.now = w.now.Add(8 * time.Hour) // the lid was closed
	w.pass(time.Second)
	w.same("connections after a sleep", a.ready(), 1)
	w.pass(4 * time.Minute)
	w.same("connections to a peer that does not answer pings", a.ready(), 0)
}

func TestSameEventsAndSeedGiveTheSameActions(t *testing.T) {
	run := func() []string {
		w := newWorld(t)
		w.on = true
		auto := func(s *settings) { s.autoConnect = true }
		var nodes []*testNode
		for i := range 4 {
			nodes = append(nodes, w.node(fmt.Sprint("n", i), auto))
		}
		nodes[0].mine(50, 1)
		for _, n := range nodes[1:] {
			n.event(Addresses{Addrs: []netip.AddrPort{nodes[0].addr}, Source: "test"})
		}
		w.pass(5 * time.Second)
		nodes[3].submit(payment(nil, 1))
		nodes[2].mine(2, 7)
		w.pass(11 * time.Minute)
		return w.trace
	}
	first, second := run(), run()
	if len(first) < 500 {
		t.Fatalf("only %d actions: nothing happened", len(first))
	}
	for i := range first {
		if i >= len(second) || first[i] != second[i] {
			t.Fatalf("action %d differs:\n%s\n%s", i, first[i], second[min(i, len(second)-1)])
		}
	}
}
