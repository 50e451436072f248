package p2p

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"cheese/p2p/msg"
)

// TestDialsThatCrossLeaveOneConnection has alice and bob dial each other, one of them perhaps twice, with all messages in any
// order: one connection is left, and no other was ever in use.
func TestDialsThatCrossLeaveOneConnection(t *testing.T) {
	for seed := range uint64(2000) {
		w := newWorld(t)
		alice, bob := w.node("alice"), w.node("bob")
		bob.more = []string{"bob.example:18444"}
		rng := rand.New(rand.NewPCG(seed, 1))
		alice.m.nonce, bob.m.nonce = rng.Uint64(), rng.Uint64()
		dials := []func(){
			func() { alice.event(Connect{Ticket: 1, Addr: bob.addr.String()}) },
			func() { bob.event(Connect{Ticket: 2, Addr: alice.addr.String()}) },
			func() { alice.event(Connect{Ticket: 3, Addr: bob.more[0]}) },
		}[:2+seed%2]
		for _, i := range rng.Perm(len(dials)) { // alice and bob each do one thing at a time
			w.later(nil, dials[i])
			for range rng.IntN(4) {
				w.later(nil, func() {})
			}
		}
		w.mix(rng)
		w.same(fmt.Sprintf("seed %d: connections", seed), []int{alice.ready(), bob.ready()}, []int{1, 1})
		w.same("the same one", alice.links[alice.m.peers[0].id].other, bob.m.peers[0].id)
		w.same("connections lost", alice.said("peer disconnected")+bob.said("peer disconnected"), 0)
		answers := maps.Clone(alice.done)
		maps.Copy(answers, bob.done)
		w.same("answers", len(answers), len(dials))
		made := 0
		for ticket, err := range answers {
			if err == nil {
				made++
			} else if !errors.Is(err, ErrAlreadyConnected) && (len(dials) < 3 || !errors.Is(err, ErrHandshake)) { // of two dials to one the first's answer may be late
				t.Fatalf("seed %d: dial %d: %v", seed, ticket, err)
			}
		}
		w.same(fmt.Sprintf("seed %d: dials that made it", seed), made, 1)
	}
}

// TestSecondDialLosesToAConnectionInUse is about two that are connected, whoever has dialed and whoever's nonce is smaller.
func TestSecondDialLosesToAConnectionInUse(t *testing.T) {
	for _, nonces := range [][2]uint64{{1, 2}, {2, 1}} {
		w := newWorld(t)
		alice, bob := w.node("alice"), w.node("bob")
		alice.m.nonce, bob.m.nonce = nonces[0], nonces[1]
		bob.more = []string{"bob.example:18444"}
		alice.mustDial(bob)
		for range 3 {
			w.fails(bob.dial(alice), ErrAlreadyConnected)
			w.fails(alice.dial(&testNode{w: w, addr: bob.addr}), ErrAlreadyConnected)
		}
		w.same("versions by bob: one to agree, one to learn who alice is", bob.sent["version"], 2)
		alice.event(Connect{Ticket: 1000, Addr: bob.more[0]})
		w.settle()
		w.fails(alice.done[1000], ErrAlreadyConnected)
		w.same("connections", []int{alice.ready(), bob.ready()}, []int{1, 1})
		w.same("connections lost", alice.said("peer disconnected")+bob.said("peer disconnected"), 0)

		alice.event(Hangup{ID: alice.m.peers[0].id})
		w.settle()
		w.same("addresses remembered", len(alice.m.aliases)+len(bob.m.aliases), 0)
		bob.mustDial(alice)
	}
}

// TestNobodyTakesAnothersAddress has mallory on bob's machine claim bob's port.
func TestNobodyTakesAnothersAddress(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.node("alice"), w.node("bob")
	mallory := w.node("mallory", func(s *settings) { s.listen = bob.addr })
	mallory.addr = netip.AddrPortFrom(bob.addr.Addr(), 1)
	alice.event(Addresses{Addrs: []netip.AddrPort{bob.addr}, Source: "tracker"})
	mallory.mustDial(alice)
	w.same("mallory's claim", alice.m.infos()[0].Listen, bob.addr.String())

	alice.inject(&msg.Version{Version: 70016}) // mallory misbehaves
	w.same("connections", alice.ready(), 0)
	w.same("bob is left alone until", alice.m.book.byAddr[bob.addr].ban, time.Time{})

	mallory.mustDial(alice)
	alice.mustDial(bob)
	w.same("connections", alice.ready(), 2)

	// And while alice's dial is on its way.
	bob.event(Hangup{ID: bob.m.peers[0].id})
	w.settle()
	for nonce := range uint64(2) {
		mallory.m.nonce = nonce * (1<<64 - 1)
		mallory.event(Hangup{ID: mallory.m.peers[0].id})
		w.settle()
		bob.mute = func(msg.Message) bool { return true }
		alice.event(Connect{Ticket: 900, Addr: bob.addr.String()})
		w.settle()
		mallory.mustDial(alice)
		_, answered := alice.done[900]
		w.same("alice's dial was ended by mallory", answered, false)
		w.pass(11 * time.Second)
		w.fails(alice.done[900], ErrTimeout)
		delete(alice.done, 900)
	}
}

// TestConnectionInUseIsNotGivenUpForAClaim has mallory send the nonce that bob has told her.
func TestConnectionInUseIsNotGivenUpForAClaim(t *testing.T) {
	for _, nonces := range [][2]uint64{{1, 2}, {2, 1}} {
		w := newWorld(t)
		alice, bob, mallory := w.node("alice"), w.node("bob"), w.node("mallory")
		alice.m.nonce, bob.m.nonce, mallory.m.nonce = nonces[0], nonces[1], nonces[1]
		bob.mustDial(alice)
		w.fails(alice.dial(mallory), ErrAlreadyConnected)
		w.fails(mallory.dial(alice), ErrHandshake)
		w.same("who is connected", alice.m.infos()[0].Name, "bob")
		w.same("connections lost", alice.said("peer disconnected"), 0)
	}
}

// TestInboundPeerIsDialedOnceToLearnWhoItIs is about the address where an inbound peer listens, which it tells but which
// we believe only once we have met it there.
func TestInboundPeerIsDialedOnceToLearnWhoItIs(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.node("alice"), w.node("bob", func(s *settings) { s.autoConnect = true })
	alice.mustDial(bob)
	w.pass(5 * time.Minute)
	w.same("dials by bob", bob.sent["version"], 2)
	w.same("connections", []int{alice.ready(), bob.ready()}, []int{1, 1})
	w.same("connections lost", alice.said("peer disconnected")+bob.said("peer disconnected"), 0)
	alice.event(Hangup{ID: alice.m.peers[0].id})
	w.pass(10 * time.Second)
	w.same("connections, again", []int{alice.ready(), bob.ready()}, []int{1, 1})
	w.same("dialed by bob", bob.m.peers[0].inbound, false)
}

// TestMeshGrowsToMaxOutbound: nothing else bounds how many others a peer connects to by itself.
func TestMeshGrowsToMaxOutbound(t *testing.T) {
	const peers = 20
	w := newWorld(t)
	wide := func(s *settings) { s.autoConnect, s.maxInbound, s.maxOutbound = true, 117, peers-1 }
	hub := w.node("hub", wide)
	for i := range peers - 1 {
		hub.event(Addresses{Addrs: []netip.AddrPort{w.node(fmt.Sprint("n", i), wide).addr}, Source: "tracker"})
	}
	hub.event(Tick{})
	w.same("dials at once", len(hub.m.dialing), maxAutoDials)
	w.pass(30 * time.Second)
	for _, n := range w.nodes {
		w.same(n.name+"'s connections", n.ready(), peers-1)
		w.same(n.name+"'s lost connections", n.said("peer disconnected"), 0)
	}

	lone := w.node("lone", wide) // whom nobody dials
	lone.m.listen = netip.AddrPort{}
	for _, n := range w.nodes[:peers] {
		lone.event(Addresses{Addrs: []netip.AddrPort{n.addr}})
	}
	w.pass(10 * time.Second)
	w.same("outbound connections of one whom nobody dials", lone.ready(), peers-1)
}

func TestBothPressConnectOverSockets(t *testing.T) {
	a, b := start(t, "alice", loopback(t)), start(t, "bob", loopback(t))
	for range 20 {
		var answers [2]error
		var presses sync.WaitGroup
		presses.Go(func() { answers[0] = a.Connect(t.Context(), b.addr) })
		presses.Go(func() { answers[1] = b.Connect(t.Context(), a.addr) })
		presses.Wait()
		for _, err := range answers {
			if err != nil && !errors.Is(err, ErrAlreadyConnected) {
				t.Fatal(err)
			}
		}
		until(t, "one connection is left", func() bool {
			return len(a.Peers()) == 1 && len(b.Peers()) == 1 && a.ready() == 1 && b.ready() == 1
		})
		if err := b.Connect(t.Context(), a.addr); !errors.Is(err, ErrAlreadyConnected) {
			t.Fatal(err)
		}
		a.Disconnect(a.Peers()[0].ID)
		until(t, "both have hung up", func() bool { return len(a.Peers())+len(b.Peers()) == 0 })
	}
}
