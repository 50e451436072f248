package p2p

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"cheese/coin"
	"cheese/p2p/msg"
)

// TestWhoBreaksTheProtocolIsDropped has one row an offence: what the other side does, and the reason it is told.
func TestWhoBreaksTheProtocolIsDropped(t *testing.T) {
	failed := func(err error) func(*testNode, *testNode) {
		return func(a, _ *testNode) { a.event(Failed{ID: a.m.peers[0].id, Err: err}) }
	}
	sends := func(m msg.Message) func(*testNode, *testNode) {
		return func(a, _ *testNode) { a.inject(m) }
	}
	orphanHeaders := func(n int) []coin.Header {
		far := newFakeChain(&world{now: epoch}, coin.Regtest())
		s := far.bestState()
		for range 5 {
			s = s.Extend(mineOn(s, 99).Header)
		}
		var hs []coin.Header
		for range n {
			b := mineOn(s, 99)
			hs, s = append(hs, b.Header), s.Extend(b.Header)
		}
		return hs
	}
	rows := []struct {
		name   string
		does   func(a, evil *testNode)
		reason string // "" where it is forgiven
	}{
		{"wrong magic", failed(&msg.MagicError{}), "wrong network magic"},
		{"wrong checksum", failed(fmt.Errorf("%w of inv", msg.ErrChecksum)), "wrong checksum of inv"},
		{"oversized", failed(fmt.Errorf("%w: inv", msg.ErrOversize)), "message too long"},
		{"malformed", failed(fmt.Errorf("%w inv: x", msg.ErrMalformed)), "malformed message inv"},
		{"slow reader", failed(errSlowReader), "does not read"},
		{"second version", sends(&msg.Version{Version: 70016}), "second version"},
		{"late sendpay", sends(msg.SendPay{}), "sendpay after verack"},
		{"late offers", sends(msg.WtxidRelay{}), ""},
		{"gap in headers", func(a, _ *testNode) {
			hs := orphanHeaders(3)
			a.inject(&msg.Headers{Headers: []coin.Header{hs[0], hs[2]}})
		}, "do not follow one another"},
		{"unconnecting headers", func(a, _ *testNode) {
			for range 11 {
				a.inject(&msg.Headers{Headers: orphanHeaders(2)})
			}
		}, "parent is not known"},
		{"some unconnecting headers", func(a, _ *testNode) {
			for range 10 {
				a.inject(&msg.Headers{Headers: orphanHeaders(2)})
			}
		}, ""},
		{"invalid header", func(a, _ *testNode) {
			h := mineOn(a.chain.bestState(), 1).Header
			h.Bits--
			for !coin.MeetsTarget(h.Hash(), coin.Target(h.Bits)) {
				h.Nonce++
			}
			a.inject(&msg.Headers{Headers: []coin.Header{h}})
		}, "an invalid header: bad-diffbits"},
		{"header without work", func(a, _ *testNode) {
			h := mineOn(a.chain.bestState(), 1).Header
			for coin.MeetsTarget(h.Hash(), coin.Target(h.Bits)) {
				h.Nonce++
			}
			a.inject(&msg.Headers{Headers: []coin.Header{h}})
		}, "an invalid header: high-hash"},
		{"header from the future", func(a, _ *testNode) {
			h := mineOn(a.chain.bestState(), 1).Header
			h.Time = uint32(a.w.now.Add(3 * time.Hour).Unix())
			for !coin.MeetsTarget(h.Hash(), coin.Target(h.Bits)) {
				h.Nonce++
			}
			a.inject(&msg.Headers{Headers: []coin.Header{h}})
		}, ""},
		{"invalid block", func(a, evil *testNode) {
			b := mineOn(a.chain.bestState(), 1)
			a.chain.bad[b.Hash()] = true
			evil.chain.addBlock(b)
			evil.event(ViewChanged{})
			a.w.settle()
		}, "an invalid block"},
		{"block from nowhere, once", func(a, _ *testNode) { a.inject(&msg.Block{Block: nowhere(1)}) }, ""},
		{"blocks from nowhere", func(a, _ *testNode) {
			for i := range 11 {
				a.inject(&msg.Block{Block: nowhere(i)})
			}
		}, "blocks that nobody asked for"},
		{"pushes its next block", func(a, _ *testNode) { a.inject(&msg.Block{Block: mineOn(a.chain.bestState(), 1)}) }, ""},
		{"finds blocks faster than we check them", func(a, evil *testNode) {
			for _, b := range evil.mine(200, 3) {
				a.event(Received{ID: a.m.peers[0].id, Msg: &msg.Headers{Headers: []coin.Header{b.Header}}})
			}
			a.w.settle()
			a.w.same("tip", a.chain.tip, evil.chain.tip)
		}, ""},
		{"answers nobody asked for", func(a, _ *testNode) {
			for i := range uint64(11) {
				a.inject(&msg.PayAddr{Nonce: i})
			}
		}, "answers to questions nobody asked"},
		{"asks for too much at once", func(a, _ *testNode) {
			a.m.peers[0].reading = true // the disk is slow
			for range 2 {
				a.inject(&msg.GetData{Items: slices.Repeat([]msg.Item{{Kind: msg.KindBlock, Hash: a.chain.tip}}, 30_000)})
			}
		}, "asks for more than 50000 things"},
		{"bad transaction", func(a, _ *testNode) {
			tx := payment(nil, 1)
			tx.LockTime = 666
			a.inject(&msg.Tx{Tx: tx})
		}, ""},
		{"pong nobody asked for", sends(msg.Pong{Nonce: 1}), ""},
		{"claims headers it does not send", func(a, _ *testNode) {
			a.m.peers[0].version.Height = 50
			a.inject(&msg.Inv{Items: []msg.Item{{Kind: msg.KindBlock, Hash: coin.Hash{1}}}})
			a.w.pass(62 * time.Second)
		}, "does not send their headers"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			a, evil := w.node("a"), w.node("evil")
			a.mine(3, 5)
			evil.event(Addresses{})
			a.event(Addresses{Addrs: nil})
			a.m.book.add(evil.addr, 9, w.now, "test")
			a.mustDial(evil)
			evil.mute = func(m msg.Message) bool {
				return m.Command() == "headers" && len(m.(*msg.Headers).Headers) == 0
			}
			row.does(a, evil)
			w.settle()
			if row.reason == "" {
				w.same("connections", a.ready(), 1)
				return
			}
			w.same("connections", a.ready(), 0)
			reason, _ := a.lastLog("peer disconnected")["reason"].(string)
			if !strings.Contains(reason, row.reason) {
				t.Fatalf("reason %q, want %q", reason, row.reason)
			}
			if strings.HasPrefix(reason, "broke the protocol") {
				banned := a.m.book.byAddr[evil.addr].ban
				w.same("left alone until", banned, w.now.Add(banFor))
			}
		})
	}
}

// nowhere returns a block whose parent nobody has.
func nowhere(i int) *coin.Block {
	b := mineOn(newFakeChain(&world{now: epoch}, coin.Regtest()).bestState(), byte(i))
	b.Prev = coin.Hash{byte(i), 1}
	return b
}

func TestHandshakeOffences(t *testing.T) {
	good := func() *msg.Version {
		return &msg.Version{Version: 70016, Services: 9, Time: epoch.Unix(), Nonce: 42, Agent: "/x:1/"}
	}
	rows := []struct {
		name   string
		sends  []msg.Message
		reason string // "" where the handshake goes on
	}{
		{"verack first", []msg.Message{msg.Verack{}}, "verack before version"},
		{"ping first", []msg.Message{msg.Ping{}}, "ping before version"},
		{"sendpay first", []msg.Message{msg.SendPay{}}, "sendpay before version"},
		{"version twice", []msg.Message{good(), good()}, "second version"},
		{"obsolete", []msg.Message{&msg.Version{Version: 209, Nonce: 1}}, "speaks protocol version 209"},
		{"offers and unknown things in between", []msg.Message{good(), msg.WtxidRelay{}, msg.SendAddrV2{}, msg.Ping{}}, ""},
		{"silence", nil, "no handshake within"},
		{"version, then silence", []msg.Message{good()}, "no handshake within"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			a := w.node("a")
			a.event(Connected{ID: 1})
			for _, m := range row.sends {
				a.inject(m)
			}
			if strings.HasPrefix(row.reason, "no handshake") {
				w.pass(61 * time.Second)
			}
			if row.reason == "" {
				a.inject(msg.Verack{})
				w.same("ready", a.ready(), 1)
				return
			}
			w.same("connections", len(a.m.peers), 0)
			reason, _ := a.lastLog("handshake failed")["reason"].(string)
			if !strings.Contains(reason, row.reason) {
				t.Fatalf("reason %q, want %q", reason, row.reason)
			}
		})
	}
}

func TestInboundPlacesAreBounded(t *testing.T) {
	w := newWorld(t)
	a := w.node("a", func(s *settings) { s.maxInbound = 3 })
	for i := range 4 {
		n := w.node(fmt.Sprint("n", i))
		if err := n.dial(a); (err != nil) != (i == 3) {
			t.Fatalf("connection %d: %v", i, err)
		} else if err != nil && !errors.Is(err, ErrHandshake) {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
}

// TestStrangersCannotFillTheLog has them shake hands and hang up, again and again.
func TestStrangersCannotFillTheLog(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.node("alice"), w.node("bob")
	flood := func(first int64) {
		for id := first; id < first+300; id++ {
			alice.event(Connected{ID: id, Remote: netip.MustParseAddrPort("10.0.9.9:1")})
			alice.event(Received{ID: id, Msg: &msg.Version{Version: 70016, Time: w.now.Unix(), Nonce: uint64(id)}})
			alice.event(Received{ID: id, Msg: msg.Verack{}})
			alice.event(Failed{ID: id, Err: errClosed})
		}
	}
	flood(10_000)
	w.same("lines", len(alice.logs), linesBurst)
	alice.mustDial(bob)
	w.same("line about alice's own connection", alice.lastLog("peer connected")["name"], "bob")
	w.pass(countAfter + time.Second)
	w.same("count of what was left out", alice.lastLog("more connections of others came and went")["lines"], 600-linesBurst)

	w.now = w.now.Add(-time.Hour) // the clock is set back
	flood(20_000)
	w.pass(time.Second)
	w.same("counts", alice.said("more connections of others came and went"), 1)
	w.pass(10 * time.Second)
	w.same("counts", alice.said("more connections of others came and went"), 2)
	carol := w.node("carol")
	carol.mustDial(alice)
	w.same("line about one who comes later", alice.lastLog("peer connected")["name"], "carol")
}

func TestTooNewHeaderIsAskedForAgain(t *testing.T) {
	w := newWorld(t)
	a, b := w.node("a"), w.node("b")
	a.mustDial(b)
	s := b.chain.bestState()
	blk := mineOn(s, 1)
	blk.Time = uint32(w.now.Add(2*time.Hour + 8*time.Second).Unix())
	for !coin.MeetsTarget(blk.Hash(), coin.Target(blk.Bits)) {
		blk.Nonce++
	}
	w.now = w.now.Add(time.Minute) // b's clock is ahead
	if err := b.chain.addBlock(blk); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(-time.Minute)
	b.event(ViewChanged{})
	w.pass(4 * time.Second)
	if a.chain.tip == b.chain.tip {
		t.Fatal("a block from the future was taken")
	}
	w.pass(12 * time.Second)
	w.same("a's tip when its time has come", a.chain.tip, b.chain.tip)
}
