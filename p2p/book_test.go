package p2p

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

func addrN(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{20, byte(i >> 16), byte(i >> 8), byte(i)}), 8333)
}

func TestBookIsBoundedAndKeepsWhatWorked(t *testing.T) {
	b := newBook()
	for i := range 3 * maxBook {
		b.add(addrN(i), 9, epoch.Add(time.Duration(i)*time.Second), "test")
		if i == 0 {
			b.succeeded(addrN(0), epoch)
		}
	}
	if len(b.list) != maxBook || len(b.byAddr) != maxBook {
		t.Fatalf("%d entries, %d by address", len(b.list), len(b.byAddr))
	}
	if b.byAddr[addrN(0)] == nil {
		t.Fatal("the one address that had worked is gone")
	}
	for i, e := range b.list {
		if e.at != i {
			t.Fatalf("entry %d believes to be at %d", i, e.at)
		}
	}
}

func TestBackoffGrowsAndIsForgotten(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	b, now := newBook(), epoch
	b.add(addrN(1), 9, now, "test")
	all := func(netip.AddrPort) bool { return true }
	var last time.Duration
	for range 20 {
		a, ok := b.pick(now, rng, all)
		if !ok {
			t.Fatal("nothing to dial when it is due")
		}
		b.failed(a, now, rng)
		wait := b.byAddr[a].next.Sub(now)
		if wait > backoffMax*5/4 || last < backoffMax/4 && wait < last {
			t.Fatalf("waits %v after %v", wait, last)
		}
		last, now = wait, now.Add(wait)
	}
	b.succeeded(addrN(1), now)
	b.lost(addrN(1), now, rng)
	if wait := b.byAddr[addrN(1)].next.Sub(now); wait > backoffMin*5/4 {
		t.Fatalf("waits %v after a connection that worked", wait)
	}
	b.ban(addrN(1), now)
	if _, ok := b.pick(now.Add(banFor-1), rng, all); ok {
		t.Fatal("a banned address is dialed")
	}
}

func TestBookSurvivesItsFile(t *testing.T) {
	b := newBook()
	for i := range 10 {
		b.add(addrN(i), 9, epoch, "tracker")
	}
	b.succeeded(addrN(3), epoch)
	back, err := parseBook(b.marshal())
	if err != nil {
		t.Fatal(err)
	}
	if len(back.list) != 10 || !back.byAddr[addrN(3)].Success.Equal(epoch) || back.dirty {
		t.Fatalf("read back %+v", back)
	}
	for _, text := range []string{"", "{", `{"a":1}`, `[{"addr":"nonsense"}]`} {
		if _, err := parseBook([]byte(text)); err == nil {
			t.Fatalf("%q is taken for an address book", text)
		}
	}
	if b, err := parseBook([]byte(`[{"addr":"0.0.0.0:1","seen":"2026-01-01T00:00:00Z"},{"addr":"1.2.3.4:0","seen":"2026-01-01T00:00:00Z"}]`)); err != nil || len(b.list) != 0 {
		t.Fatalf("undialable addresses: %v, %v", b, err)
	}
}

func TestAddressesStayWhereTheyMeanSomething(t *testing.T) {
	loop, lan, wan := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.168.1.5"), netip.MustParseAddr("8.8.8.8")
	for _, row := range []struct {
		peer, addr netip.Addr
		want       bool
	}{{loop, loop, true}, {loop, lan, true}, {loop, wan, true}, {lan, loop, false}, {lan, lan, true}, {wan, lan, false}, {wan, loop, false}, {wan, wan, true}} {
		if got := mayTell(row.peer, row.addr); got != row.want {
			t.Errorf("tell %v of %v: %v", row.peer, row.addr, got)
		}
	}
}

func TestNamesAreMadeHarmless(t *testing.T) {
	for _, row := range []struct{ agent, name string }{
		{"/cheese:0.1.0(Peer1)/", "Peer1"},
		{"/Satoshi:28.1.0/", ""},
		{"/a:1(x; y)/", "x"},
		{"/a:1(\x1b[2Jevil\u202e)/", "[2Jevil"},
		{"/a:1(unclosed/", ""},
		{"\xff\xfe(\xff)", ""},
		{UserAgent("1", "a/b:c(d);e"), "abcde"},
		{UserAgent("1", "Käse"), "Käse"},
	} {
		if got := agentName(printable(row.agent)); got != row.name {
			t.Errorf("name in %q: %q, want %q", row.agent, got, row.name)
		}
	}
}
