package tracker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func newRegistry() *Registry {
	return NewRegistry(30*time.Second, 5*time.Second, rand.New(rand.NewPCG(1, 2)))
}

// from is an announcement from an address, whose peer id follows from it.
func from(addr string, hash InfoHash) Announcement {
	a := Announcement{InfoHash: hash, Addr: netip.MustParseAddrPort(addr), Left: 1, Event: EventStarted, NumWant: -1}
	ip := a.Addr.Addr().As16()
	copy(a.PeerID[:], ip[:])
	binary.BigEndian.PutUint16(a.PeerID[16:], a.Addr.Port())
	return a
}

// passAll reports every check that waits as passed.
func passAll(r *Registry, now time.Time) (n int) {
	for c, ok := r.NextCheck(); ok; c, ok = r.NextCheck() {
		r.Checked(now, c, Identity{}, nil)
		n++
	}
	return n
}

func TestBoundsOnStrangers(t *testing.T) {
	hash := func(i int) (h InfoHash) { h[0] = byte(i); return h }
	for _, c := range []struct {
		name   string
		limits limits
		nth    func(i int) Announcement
		fits   int
		want   string
	}{
		{"swarms", limits{swarms: 3, peers: 99, perSwarm: 99, perSource: 99, checks: 99, checksPerSource: 99}, func(i int) Announcement { return from("10.0.0.1:1", hash(i)) }, 3, "limit of 3 networks"},
		{"unlisted swarms of an address", limits{swarms: 99, peers: 99, perSwarm: 99, perSource: 99, unlisted: 3}, func(i int) Announcement { return from("10.0.0.1:1", hash(i)) }, 3, "10.0.0.1/32 has already opened its limit of 3 networks"},
		{"unlisted swarms on this host", limits{swarms: 99, peers: 99, perSwarm: 99, perLoopback: 99, unlisted: 3, unlistedLoopback: 5}, func(i int) Announcement { return from("127.0.0.1:1", hash(i)) }, 5, "limit of 5 networks"},
		{"peers of a swarm", limits{swarms: 99, peers: 99, perSwarm: 3, perSource: 99}, func(i int) Announcement { return from(fmt.Sprintf("10.0.0.%d:1", i+1), cheddar) }, 3, "limit of 3 peers here"},
		{"peers", limits{swarms: 99, peers: 3, perSwarm: 99, perSource: 99}, func(i int) Announcement { return from("10.0.0.1:1", hash(i)) }, 3, "limit of 3 peers"},
		{"peers of an address", limits{swarms: 99, peers: 99, perSwarm: 99, perSource: 3}, func(i int) Announcement { return from(fmt.Sprintf("10.0.0.1:%d", i+1), cheddar) }, 3, "10.0.0.1/32 already has its limit of 3"},
		{"peers of an IPv6 network", limits{swarms: 99, peers: 99, perSwarm: 99, perSource: 3}, func(i int) Announcement { return from(fmt.Sprintf("[2001:db8::%d]:1", i+1), cheddar) }, 3, "2001:db8::/64 already has its limit of 3"},
		{"loopback has room", limits{swarms: 99, peers: 99, perSwarm: 99, perSource: 3, perLoopback: 10}, func(i int) Announcement { return from(fmt.Sprintf("127.0.0.1:%d", i+1), cheddar) }, 10, "limit of 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRegistry()
			r.limits = c.limits
			if c.limits.unlisted == 0 {
				r.limits.unlisted, r.limits.unlistedLoopback = 99, 99
			}
			for i := range c.fits {
				if _, err := r.Announce(noon, c.nth(i)); err != nil {
					t.Fatalf("number %d: %v", i+1, err)
				}
				passAll(r, noon)
			}
			_, err := r.Announce(noon, c.nth(c.fits))
			var refused *RefusedError
			if !errors.As(err, &refused) || !strings.Contains(refused.Reason, c.want) {
				t.Fatalf("number %d: %v, want %q", c.fits+1, err, c.want)
			}
			if _, err := r.Announce(noon, c.nth(0)); err != nil {
				t.Errorf("a peer that is in is refused: %v", err)
			}
			leaving := c.nth(0)
			leaving.Event = EventStopped
			if _, err := r.Announce(noon, leaving); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Announce(noon, c.nth(c.fits)); err != nil {
				t.Errorf("no room after one has left: %v", err)
			}
		})
	}
}

// TestInventedNetworksGiveWay fills a tracker with networks in which nobody can be connected to.
func TestInventedNetworksGiveWay(t *testing.T) {
	r := newRegistry()
	r.limits.checks, r.limits.checksPerSource = 9*MaxSwarms, 99
	if _, err := r.Announce(noon, from("10.0.0.1:1", cheddar)); err != nil {
		t.Fatal(err)
	}
	passAll(r, noon)
	invented := 0
	for source := 0; invented < 2*MaxSwarms; source++ {
		for range MaxUnlistedPerSource {
			var hash InfoHash
			binary.BigEndian.PutUint32(hash[:], uint32(invented+1))
			if _, err := r.Announce(noon, from(fmt.Sprintf("10.1.%d.%d:1", source/256, source%256), hash)); err != nil {
				t.Fatalf("number %d: %v", invented, err)
			}
			invented++
		}
	}
	if swarms, peers := r.Count(); swarms != MaxSwarms || peers != MaxSwarms {
		t.Errorf("%d swarms, %d peers", swarms, peers)
	}
	if _, ok := r.Swarm(noon, cheddar); !ok {
		t.Error("the network that had a peer is gone")
	}
	if _, err := r.Announce(noon, from("10.0.0.2:1", gouda)); err != nil {
		t.Fatalf("a new network: %v", err)
	}
	var first, last InfoHash
	binary.BigEndian.PutUint32(first[:], uint32(invented-MaxSwarms+2))
	binary.BigEndian.PutUint32(last[:], uint32(invented))
	for hash, want := range map[InfoHash]bool{gouda: true, first: false, last: true} {
		if _, ok := r.Swarm(noon, hash); ok != want {
			t.Errorf("network %v is there: %v, want %v", hash, ok, want)
		}
	}
	passAll(r, noon) // now nobody gives way
	var refused *RefusedError
	if _, err := r.Announce(noon, from("10.0.0.3:1", InfoHash{99})); !errors.As(err, &refused) {
		t.Errorf("one network too many: %v", err)
	}
}

func TestChecksAreBounded(t *testing.T) {
	r := newRegistry()
	r.limits.checks, r.limits.checksPerSource = 5, 2
	for i := range 4 {
		r.Announce(noon, from(fmt.Sprintf("10.0.0.1:%d", i+1), cheddar))
	}
	if r.checks != 2 {
		t.Errorf("one address has %d checks, want 2", r.checks)
	}
	for i := range 9 {
		r.Announce(noon, from(fmt.Sprintf("10.0.1.%d:1", i+1), cheddar))
	}
	if r.checks != 5 {
		t.Errorf("%d checks, want 5", r.checks)
	}
	// The others get theirs when there is room again.
	listed := 0
	for now := noon; listed < 13 && now.Before(noon.Add(10*time.Second)); now = now.Add(time.Second) {
		listed += passAll(r, now)
		r.Expire(now)
	}
	if got := r.Scrape(noon, []InfoHash{cheddar})[0].Leechers; got != 13 {
		t.Errorf("%d peers are listed in the end, want 13", got)
	}
}

func TestStopAndStartBuysNoExtraChecks(t *testing.T) {
	r := newRegistry()
	a := from("10.0.0.1:1", cheddar)
	for range 100 {
		a.Event = EventStarted
		r.Announce(noon, a)
		a.Event = EventStopped
		r.Announce(noon, a)
	}
	if r.checks > MaxChecksPerSource || len(r.queue) > MaxChecksPerSource {
		t.Errorf("%d checks", r.checks)
	}
	if n := passAll(r, noon); n != 0 {
		t.Errorf("%d checks of a peer that has left", n)
	}
	if len(r.sources)+len(r.swarms)+r.checks+r.peers != 0 {
		t.Errorf("something is left over: %+v", r)
	}
}

func TestUnreachablePeerIsRetriedLessAndLess(t *testing.T) {
	r := newRegistry()
	a := from("10.0.0.1:1", cheddar)
	now := noon
	var pauses []time.Duration
	last := now
	for range 200 {
		r.Announce(now, a)
		r.Expire(now)
		if c, ok := r.NextCheck(); ok {
			pauses = append(pauses, now.Sub(last))
			last = now
			r.Checked(now, c, Identity{}, errors.New("refused"))
		}
		now = now.Add(time.Second)
	}
	want := "[0s 2s 4s 8s 16s 30s 30s 30s 30s 30s]"
	if got := fmt.Sprint(pauses); got != want {
		t.Errorf("checked after %v, want %v", got, want)
	}
}

func TestListedPeerThatDiesIsUnlisted(t *testing.T) {
	r := newRegistry()
	r.Announce(noon, from("10.0.0.1:1", cheddar))
	passAll(r, noon)
	r.Announce(noon.Add(70*time.Second), from("10.0.0.1:1", cheddar))
	r.Expire(noon.Add(70 * time.Second))
	c, ok := r.NextCheck()
	if !ok {
		t.Fatal("not checked again")
	}
	v := r.Checked(noon, c, Identity{}, errors.New("connection\x1b[2J refused"))
	if !v.Changed || v.Who.State != Unreachable || v.Listed != 0 || strings.Contains(v.Who.Reason, "\x1b") {
		t.Errorf("verdict %+v", v)
	}
	if reply, _ := r.Announce(noon, from("10.0.0.2:1", cheddar)); len(reply.Peers) != 0 {
		t.Errorf("still listed: %v", reply.Peers)
	}
}

func TestLateVerdictIsNotAboutTheNextPeer(t *testing.T) {
	r := newRegistry()
	a := from("10.0.0.1:1", cheddar)
	r.Announce(noon, a)
	c, _ := r.NextCheck()
	a.PeerID[0]++
	r.Announce(noon, a)
	if v := r.Checked(noon, c, Identity{}, nil); v.Changed {
		t.Errorf("the check of the peer that was there before lists the new one: %+v", v)
	}
	if n := passAll(r, noon); n != 1 {
		t.Errorf("the new peer has %d checks", n)
	}
}

func TestLoopbackPeersAreSeenWhereTheAskerFoundUs(t *testing.T) {
	r := newRegistry()
	for _, addr := range []string{"127.0.0.1:1", "127.0.0.2:2", "[::1]:3", "192.168.1.7:4"} {
		r.Announce(noon, from(addr, cheddar))
	}
	passAll(r, noon)
	for _, c := range []struct{ asker, door, want string }{
		{"127.0.0.1:9", "127.0.0.1", "127.0.0.1:1 127.0.0.2:2 192.168.1.7:4 [::1]:3"},
		{"192.168.1.8:9", "192.168.1.7", "192.168.1.7:1 192.168.1.7:3 192.168.1.7:4"},
		{"192.168.1.8:9", "", "192.168.1.7:4"},
	} {
		a := from(c.asker, cheddar)
		a.Door, _ = netip.ParseAddr(c.door)
		reply, err := r.Announce(noon, a)
		var got []netip.AddrPort
		for _, p := range reply.Peers {
			got = append(got, p.Addr)
		}
		sameAddrs(got) // sorts
		if s := strings.Trim(fmt.Sprint(got), "[]"); err != nil || s != strings.Trim(c.want, "[]") {
			t.Errorf("%s, by the door %q, sees %v, want %v (%v)", c.asker, c.door, s, c.want, err)
		}
	}
}

func TestAddressesOfNoUse(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:1": "could connect to", "[::]:1": "could connect to", "224.0.0.1:1": "could connect to",
		"[fe80::1%eth0]:1": "link-local", "10.0.0.1:0": "port 0", "[::ffff:0.0.0.0]:1": "could connect to",
	} {
		if _, err := newRegistry().Announce(noon, from(addr, cheddar)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", addr, err, want)
		}
	}
}

func TestSampleIsFair(t *testing.T) {
	r := newRegistry()
	for i := range 100 {
		r.Announce(noon, from(fmt.Sprintf("127.0.0.1:%d", i+1), cheddar))
		passAll(r, noon)
	}
	times := map[netip.AddrPort]int{}
	for range 1000 {
		reply, _ := r.Announce(noon, from("127.0.0.1:1", cheddar))
		if len(reply.Peers) != MaxReplyPeers {
			t.Fatalf("%d peers, want %d", len(reply.Peers), MaxReplyPeers)
		}
		for _, p := range reply.Peers {
			times[p.Addr]++
		}
	}
	for addr, n := range times {
		if n < 400 || n > 610 { // about 505, six deviations around
			t.Errorf("%v is named %d times of 1000", addr, n)
		}
	}
	if len(times) != 99 {
		t.Errorf("%d peers are named, want all 99 others", len(times))
	}
}

// TestRegistryKeepsItsBooks does anything in any order and counts everything again afterwards.
func TestRegistryKeepsItsBooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRegistry()
		r.limits = limits{swarms: 3, peers: 12, perSwarm: 8, perSource: 6, perLoopback: 7, unlisted: 2, unlistedLoopback: 3, checks: 8, checksPerSource: 3, checksPerLoopback: 4}
		now := noon
		var taken []Check
		addrs := rapid.SampledFrom([]string{"127.0.0.1:%d", "10.0.0.1:%d", "[2001:db8::1]:%d", "[2001:db8::2]:%d"})
		t.Repeat(map[string]func(*rapid.T){
			"announce": func(t *rapid.T) {
				addr := fmt.Sprintf(addrs.Draw(t, "addr"), rapid.IntRange(1, 5).Draw(t, "port"))
				a := from(addr, InfoHash{rapid.Byte().Draw(t, "hash") % 5})
				a.PeerID[19] = byte(rapid.IntRange(0, 1).Draw(t, "run"))
				a.Left = int64(rapid.IntRange(0, 1).Draw(t, "left"))
				a.Event = Event(rapid.IntRange(0, 3).Draw(t, "event"))
				reply, err := r.Announce(now, a)
				for _, p := range reply.Peers {
					if p.Addr == a.Addr || p.ID == a.PeerID || err != nil {
						t.Fatalf("asker %v is told of %v, %v", a.Addr, p, err)
					}
				}
			},
			"take": func(*rapid.T) {
				if c, ok := r.NextCheck(); ok {
					taken = append(taken, c)
				}
			},
			"report": func(t *rapid.T) {
				if len(taken) == 0 {
					t.Skip()
				}
				err := errors.New("refused")
				if rapid.Bool().Draw(t, "passed") {
					err = nil
				}
				r.Checked(now, taken[0], Identity{}, err)
				taken = taken[1:]
			},
			"pass time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "seconds")) * time.Second)
				r.Expire(now)
			},
			"": func(t *rapid.T) { recount(t, r, len(taken)) },
		})
	})
}

func recount(t *rapid.T, r *Registry, running int) {
	peers, sources := 0, map[netip.Prefix]source{}
	for hash, s := range r.swarms {
		seeders := 0
		for i, m := range s.listed {
			if m.State != Listed || m.position != i || s.members[m.Addr] != m {
				t.Fatalf("listed[%d] is %+v", i, m)
			}
			if m.Seeder {
				seeders++
			}
		}
		listed := 0
		for addr, m := range s.members {
			if m.State == Listed {
				listed++
			}
			src := sources[sourceOf(addr.Addr())]
			src.peers++
			sources[sourceOf(addr.Addr())] = src
		}
		if listed == 0 {
			src := sources[s.opener]
			src.unlisted++
			sources[s.opener] = src
		}
		if seeders != s.seeders || listed != len(s.listed) || len(s.members) == 0 || len(s.members) > r.limits.perSwarm {
			t.Fatalf("swarm %v: %d seeders, %d listed of %d; counted %d and %d", hash, s.seeders, len(s.listed), len(s.members), seeders, listed)
		}
		peers += len(s.members)
	}
	checks := 0
	for src, got := range r.sources {
		if got.peers != sources[src].peers || got.unlisted != sources[src].unlisted || *got == (source{}) {
			t.Fatalf("source %v: %+v, counted %+v", src, got, sources[src])
		}
		checks += got.checks
	}
	if peers != r.peers || peers > r.limits.peers || len(r.swarms) > r.limits.swarms {
		t.Fatalf("%d peers in %d swarms, counted %d", r.peers, len(r.swarms), peers)
	}
	if checks != r.checks || checks != len(r.queue)+running || checks > r.limits.checks {
		t.Fatalf("%d checks, by source %d, waiting %d, running %d", r.checks, checks, len(r.queue), running)
	}
}
