package msg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"reflect"
	"testing"
	"testing/iotest"

	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"cheese/coin"
)

var magic = coin.Regtest().Magic

// samples has one message of each command.
func samples() []Message {
	h := coin.Regtest().Genesis.Header
	addr := netip.MustParseAddrPort("10.1.2.3:18444")
	items := []Item{{KindTx, coin.Hash{1}}, {KindWitnessBlock, coin.Hash{2}}}
	return []Message{
		&Version{Version: 70016, Services: 9, Time: 1700000000, To: addr, From: netip.MustParseAddrPort("[2001:db8::1]:5"), Nonce: 7, Agent: "/cheese:1(x)/", Height: 3},
		&Version{Version: 70016, To: addr, From: addr, NoRelay: true},
		Verack{}, SendHeaders{}, WtxidRelay{}, SendAddrV2{}, SendPay{}, GetAddr{}, MemPool{},
		Ping{Nonce: 1 << 63}, Pong{Nonce: 5}, FeeFilter{Rate: 1000}, GetPayAddr{Nonce: 9}, &PayAddr{Nonce: 9, Script: []byte{1, 2}},
		&Addr{Addresses: []Address{{Time: 5, Services: 9, Addr: addr}}},
		&Inv{Items: items}, &GetData{Items: items}, &NotFound{Items: items},
		&GetHeaders{Locator{Version: 70016, Hashes: []coin.Hash{{1}, {2}}, Stop: coin.Hash{3}}},
		&GetBlocks{Locator{Version: 70016, Hashes: []coin.Hash{}}},
		&Headers{Headers: []coin.Header{h, h}},
		&Block{Block: coin.Regtest().Genesis}, &Tx{Tx: coin.Regtest().Genesis.Txs[0]},
	}
}

func TestEveryMessageComesBackAsItWas(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range samples() {
		seen[m.Command()] = true
		frame := Frame(magic, m)
		command, payload, err := Read(iotest.OneByteReader(bytes.NewReader(frame)), magic)
		if err != nil || command != m.Command() {
			t.Fatalf("%s: read %q, %v", m.Command(), command, err)
		}
		back, err := Decode(command, payload)
		if err != nil {
			t.Fatal(err)
		}
		if again := Frame(magic, back); !bytes.Equal(frame, again) {
			t.Errorf("%s: came back as %x, was %x", command, again, frame)
		}
		switch m.(type) {
		case *Block, *Tx: // ids are cached or not
		default:
			if !reflect.DeepEqual(m, back) {
				t.Errorf("%s: came back as %+v, was %+v", command, back, m)
			}
		}
	}
	for command := range decoders {
		if !seen[command] {
			t.Errorf("no sample of %s", command)
		}
	}
}

// TestWireAgrees has btcd's codec read what we write and write what it read.
func TestWireAgrees(t *testing.T) {
	for _, m := range samples() {
		switch m.(type) {
		case WtxidRelay, SendPay, GetPayAddr, *PayAddr:
			continue // not known to wire, or to nobody else
		}
		frame := Frame(magic, m)
		_, theirs, _, err := wire.ReadMessageN(bytes.NewReader(frame), 70016, wire.BitcoinNet(binary.LittleEndian.Uint32(magic[:])))
		if err != nil {
			t.Errorf("%s: %v", m.Command(), err)
			continue
		}
		var back bytes.Buffer
		if err := wire.WriteMessage(&back, theirs, 70016, wire.BitcoinNet(binary.LittleEndian.Uint32(magic[:]))); err != nil {
			t.Errorf("%s: %v", m.Command(), err)
		}
		if !bytes.Equal(back.Bytes(), frame) {
			t.Errorf("%s: wire writes %x, we write %x", m.Command(), back.Bytes(), frame)
		}
	}
}

func TestBrokenFrames(t *testing.T) {
	good := Frame(magic, Ping{Nonce: 1})
	change := func(at int, to ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], to)
		return b
	}
	for _, row := range []struct {
		name string
		b    []byte
		want error
	}{
		{"magic", change(0, 0), ErrMagic},
		{"command not text", change(4, 7), ErrCommand},
		{"command with a hole", change(6, 0), ErrCommand},
		{"no command", change(4, 0, 0, 0, 0), ErrCommand},
		{"length over the limit", change(16, 0, 9, 0x3d, 0x00), io.ErrUnexpectedEOF},
		{"oversize", change(16, 1, 9, 0x3d, 0x00), ErrOversize},
		{"checksum", change(20, 0, 0), ErrChecksum},
		{"payload", change(24, 0xff), ErrChecksum},
		{"cut off", good[:30], io.ErrUnexpectedEOF},
		{"no payload", good[:24], io.ErrUnexpectedEOF},
		{"half a header", good[:10], io.ErrUnexpectedEOF},
		{"nothing", nil, io.EOF},
	} {
		if _, _, err := Read(bytes.NewReader(row.b), magic); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
	var other *MagicError
	_, _, err := Read(bytes.NewReader(Frame([4]byte{1, 2, 3, 4}, &Version{})), magic)
	if !errors.As(err, &other) || other.Command != "version" || other.Got != [4]byte{1, 2, 3, 4} {
		t.Errorf("another network's version: %v", err)
	}
}

func TestLimits(t *testing.T) {
	count := func(n uint64, each int) []byte {
		return append(coin.AppendCompactSize(nil, n), make([]byte, int(min(n, 60_000))*each)...)
	}
	for _, row := range []struct {
		command string
		payload []byte
		ok      bool
	}{
		{"inv", count(MaxItems, itemSize), true},
		{"inv", count(MaxItems+1, itemSize), false},
		{"inv", coin.AppendCompactSize(nil, 1<<24), false},
		{"headers", count(MaxHeaders, 81), true},
		{"headers", count(MaxHeaders+1, 81), false},
		{"headers", append(append([]byte{1}, make([]byte, 80)...), 1), false},
		{"addr", count(MaxAddresses, addressSize), true},
		{"addr", count(MaxAddresses+1, addressSize), false},
		{"getheaders", append([]byte{0, 0, 0, 0}, append(count(MaxLocator, 32), make([]byte, 32)...)...), true},
		{"getheaders", append([]byte{0, 0, 0, 0}, append(count(MaxLocator+1, 32), make([]byte, 32)...)...), false},
		{"version", (&Version{Agent: string(make([]byte, MaxAgent))}).Append(nil), true},
		{"version", (&Version{Agent: string(make([]byte, MaxAgent+1))}).Append(nil), false},
		{"version", (&Version{}).Append(nil)[:40], false},
		{"payaddr", (&PayAddr{Script: make([]byte, MaxPayScript)}).Append(nil), true},
		{"payaddr", (&PayAddr{Script: make([]byte, MaxPayScript+1)}).Append(nil), false},
		{"ping", nil, false},
		{"ping", make([]byte, 9), false},
		{"verack", []byte{0}, false},
		{"block", make([]byte, 80), false},
	} {
		_, err := Decode(row.command, row.payload)
		if (err == nil) != row.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s of %d bytes: %v", row.command, len(row.payload), err)
		}
	}
	if _, err := Decode("sendcmpct", nil); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown command: %v", err)
	}
}

// TestInventoryRoundTrips is a property: whatever list goes out comes in again, in our codec and in btcd's.
func TestInventoryRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Item {
			var h coin.Hash
			copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
			return Item{Kind: Kind(rapid.Uint32().Draw(t, "kind")), Hash: h}
		}), 0, 300).Draw(t, "items")
		if items == nil {
			items = []Item{}
		}
		m, err := Decode("inv", (&Inv{Items: items}).Append(nil))
		if err != nil || !reflect.DeepEqual(m.(*Inv).Items, items) {
			t.Fatalf("%v: %v", m, err)
		}
		var theirs wire.MsgInv
		if err := theirs.BtcDecode(bytes.NewReader((&Inv{Items: items}).Append(nil)), 70016, wire.WitnessEncoding); err != nil || len(theirs.InvList) != len(items) {
			t.Fatalf("wire: %v", err)
		}
	})
}

// TestVersionRoundTrips is the same for the message with the most fields.
func TestVersionRoundTrips(t *testing.T) {
	addr := rapid.Custom(func(t *rapid.T) netip.AddrPort {
		ip, _ := netip.AddrFromSlice(rapid.SampledFrom([][]byte{{10, 0, 0, 1}, make([]byte, 16), append(make([]byte, 15), 1)}).Draw(t, "ip"))
		return netip.AddrPortFrom(ip, rapid.Uint16().Draw(t, "port"))
	})
	rapid.Check(t, func(t *rapid.T) {
		m := &Version{Version: rapid.Uint32Range(70001, 80000).Draw(t, "version"), Services: rapid.Uint64().Draw(t, "services"),
			Time: rapid.Int64Range(0, 1<<40).Draw(t, "time"), To: addr.Draw(t, "to"), From: addr.Draw(t, "from"), Nonce: rapid.Uint64().Draw(t, "nonce"),
			Agent: rapid.StringN(0, 60, MaxAgent).Draw(t, "agent"), Height: rapid.Int32().Draw(t, "height"), NoRelay: rapid.Bool().Draw(t, "relay")}
		back, err := Decode("version", m.Append(nil))
		if err != nil || !reflect.DeepEqual(back, m) {
			t.Fatalf("%+v became %+v: %v", m, back, err)
		}
		var theirs wire.MsgVersion
		if err := theirs.BtcDecode(bytes.NewBuffer(m.Append(nil)), 70016, wire.BaseEncoding); err != nil {
			t.Fatal(err)
		}
		if theirs.Nonce != m.Nonce || theirs.UserAgent != m.Agent || theirs.LastBlock != m.Height || theirs.DisableRelayTx != m.NoRelay ||
			theirs.Timestamp.Unix() != m.Time || theirs.AddrMe.Port != m.From.Port() || uint64(theirs.Services) != m.Services {
			t.Fatalf("wire reads %+v from %+v", theirs, m)
		}
	})
}

// FuzzFrame feeds arbitrary bytes to the frame reader and to every decoder: nothing may panic, and what is decoded must
// survive a second trip.
func FuzzFrame(f *testing.F) {
	for _, m := range samples() {
		f.Add(m.Command(), m.Append(nil))
	}
	f.Fuzz(func(t *testing.T, command string, payload []byte) {
		Read(bytes.NewReader(payload), magic)
		m, err := Decode(command, payload)
		if err != nil {
			return
		}
		once := m.Append(nil)
		again, err := Decode(command, once)
		if err != nil {
			t.Fatalf("%s decoded from %x, but not from its own encoding %x: %v", command, payload, once, err)
		}
		if !bytes.Equal(once, again.Append(nil)) {
			t.Fatalf("%s: %x becomes %x", command, once, again.Append(nil))
		}
	})
}
