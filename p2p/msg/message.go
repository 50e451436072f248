package msg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"cheese/coin"
)

// Limits on what one message may hold, Bitcoin Core's.
const (
	MaxItems     = 50_000 // inv, getdata, notfound
	MaxHeaders   = 2_000
	MaxAddresses = 1_000
	MaxLocator   = 101
	MaxAgent     = 256 // bytes of user agent
	MaxPayScript = 128 // bytes of script in payaddr: every standard script that pays one party fits
)

// Protocol facts.
const (
	Version70016 = 70016 // the protocol version spoken here (BIP 339's)

	// Services a node offers, bits of Version.Services.
	ServiceNetwork uint64 = 1 << 0 // the whole chain
	ServiceWitness uint64 = 1 << 3 // with witness data (BIP 144)
)

// Message is one message's payload.
type Message interface {
	Command() string
	Append(b []byte) []byte // appends the encoding
}

// What Decode can say, for errors.Is.
var (
	ErrUnknown   = errors.New("unknown command") // the message is to be ignored
	ErrMalformed = errors.New("malformed message")
)

// decoders maps each command to a function that reads its payload.
var decoders = map[string]func(*coin.Reader) Message{
	"version":     readVersion,
	"verack":      func(*coin.Reader) Message { return Verack{} },
	"sendheaders": func(*coin.Reader) Message { return SendHeaders{} },
	"wtxidrelay":  func(*coin.Reader) Message { return WtxidRelay{} },
	"sendaddrv2":  func(*coin.Reader) Message { return SendAddrV2{} },
	"sendpay":     func(*coin.Reader) Message { return SendPay{} },
	"getaddr":     func(*coin.Reader) Message { return GetAddr{} },
	"mempool":     func(*coin.Reader) Message { return MemPool{} },
	"ping":        func(r *coin.Reader) Message { return Ping{Nonce: r.Uint64()} },
	"pong":        func(r *coin.Reader) Message { return Pong{Nonce: r.Uint64()} },
	"feefilter":   func(r *coin.Reader) Message { return FeeFilter{Rate: coin.Amount(r.Uint64())} },
	"addr":        readAddr,
	"inv":         func(r *coin.Reader) Message { return &Inv{Items: readItems(r)} },
	"getdata":     func(r *coin.Reader) Message { return &GetData{Items: readItems(r)} },
	"notfound":    func(r *coin.Reader) Message { return &NotFound{Items: readItems(r)} },
	"getheaders":  func(r *coin.Reader) Message { return &GetHeaders{readLocator(r)} },
	"getblocks":   func(r *coin.Reader) Message { return &GetBlocks{readLocator(r)} },
	"headers":     readHeaders,
	"block":       func(r *coin.Reader) Message { return &Block{Block: coin.ReadBlock(r)} },
	"tx":          func(r *coin.Reader) Message { return &Tx{Tx: coin.ReadTx(r)} },
	"getpayaddr":  func(r *coin.Reader) Message { return GetPayAddr{Nonce: r.Uint64()} },
	"payaddr":     readPayAddr,
}

// Decode reads the payload of a command, which must fill it (a version may be longer, as later protocols make it). The
// message keeps aliases into payload.
func Decode(command string, payload []byte) (Message, error) {
	read, ok := decoders[command]
	if !ok {
		return nil, fmt.Errorf("%w %q", ErrUnknown, command)
	}
	r := coin.NewReader(payload)
	m := read(r)
	err := r.Err()
	if err == nil && command != "version" {
		err = r.Finish()
	}
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrMalformed, command, err)
	}
	return m, nil
}

// Version opens the handshake.
type Version struct {
	Version  uint32
	Services uint64
	Time     int64          // Unix seconds at the sender
	To       netip.AddrPort // as the sender sees the receiver
	From     netip.AddrPort // the sender's own; only its port is worth anything
	Nonce    uint64
	Agent    string // BIP 14
	Height   int32  // of the sender's best block
	NoRelay  bool   // the sender wants no transactions (BIP 37's relay flag, inverted)
}

// Command names the message.
func (*Version) Command() string { return "version" }

// Append appends the encoding.
func (m *Version) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, m.Version)
	b = binary.LittleEndian.AppendUint64(b, m.Services)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.Time))
	b = appendEndpoint(binary.LittleEndian.AppendUint64(b, 0), m.To)
	b = appendEndpoint(binary.LittleEndian.AppendUint64(b, m.Services), m.From)
	b = binary.LittleEndian.AppendUint64(b, m.Nonce)
	b = coin.AppendVarBytes(b, []byte(m.Agent))
	b = binary.LittleEndian.AppendUint32(b, uint32(m.Height))
	if m.NoRelay {
		return append(b, 0)
	}
	return append(b, 1)
}

func readVersion(r *coin.Reader) Message {
	m := &Version{Version: r.Uint32(), Services: r.Uint64(), Time: int64(r.Uint64())}
	r.Uint64() // services the sender believes the receiver has
	m.To = readEndpoint(r)
	r.Uint64() // services once more
	m.From = readEndpoint(r)
	m.Nonce = r.Uint64()
	m.Agent = string(readLimited(r, MaxAgent, "user agent"))
	m.Height = int32(r.Uint32())
	if r.Len() > 0 {
		m.NoRelay = r.Uint8() == 0
	}
	return m
}

// readLimited reads a length prefix of at most limit, and that many bytes.
func readLimited(r *coin.Reader, limit int, what string) []byte {
	n := r.CompactSize()
	if n > limit {
		r.Fail(fmt.Errorf("%s of %d bytes, the limit is %d", what, n, limit))
		return nil
	}
	return r.Bytes(n)
}

// readCount reads a length prefix of at most limit for items of at least each bytes.
func readCount(r *coin.Reader, each, limit int, what string) int {
	n := r.CompactSize()
	switch {
	case r.Err() != nil:
		return 0
	case n > limit:
		r.Fail(fmt.Errorf("%d %s, the limit is %d", n, what, limit))
		return 0
	case n > r.Len()/each:
		r.Fail(fmt.Errorf("%d %s do not fit into %d bytes", n, what, r.Len()))
		return 0
	}
	return n
}

// appendEndpoint appends the 16-byte IPv6 form of an address and its port. The zero AddrPort is sent as zeros.
func appendEndpoint(b []byte, a netip.AddrPort) []byte {
	var ip [16]byte
	if a.Addr().IsValid() {
		ip = a.Addr().As16()
	}
	return binary.BigEndian.AppendUint16(append(b, ip[:]...), a.Port())
}

func readEndpoint(r *coin.Reader) netip.AddrPort {
	var ip [16]byte
	copy(ip[:], r.Bytes(16))
	return netip.AddrPortFrom(netip.AddrFrom16(ip).Unmap(), r.Uint16BE())
}

// Address is one entry of an addr message.
type Address struct {
	Time     uint32 // Unix seconds when it was last seen, rounded
	Services uint64
	Addr     netip.AddrPort
}

const addressSize = 4 + 8 + 16 + 2

// Addr gossips addresses of peers.
type Addr struct{ Addresses []Address }

// Command names the message.
func (*Addr) Command() string { return "addr" }

// Append appends the encoding.
func (m *Addr) Append(b []byte) []byte {
	b = coin.AppendCompactSize(b, uint64(len(m.Addresses)))
	for _, a := range m.Addresses {
		b = binary.LittleEndian.AppendUint32(b, a.Time)
		b = appendEndpoint(binary.LittleEndian.AppendUint64(b, a.Services), a.Addr)
	}
	return b
}

func readAddr(r *coin.Reader) Message {
	m := &Addr{Addresses: make([]Address, readCount(r, addressSize, MaxAddresses, "addresses"))}
	for i := range m.Addresses {
		m.Addresses[i] = Address{Time: r.Uint32(), Services: r.Uint64(), Addr: readEndpoint(r)}
	}
	return m
}

// The messages that carry a number or nothing.
type (
	// Verack accepts the other side's version.
	Verack struct{}
	// SendHeaders asks for new blocks to be announced by their headers (BIP 130).
	SendHeaders struct{}
	// WtxidRelay offers to announce transactions by witness id (BIP 339).
	WtxidRelay struct{}
	// SendAddrV2 asks for addresses in BIP 155's form.
	SendAddrV2 struct{}
	// SendPay says, before verack, that the sender answers GetPayAddr. It and the two it announces are cheese's only extension.
	SendPay struct{}
	// GetAddr asks for addresses of peers.
	GetAddr struct{}
	// MemPool asks for the ids of all unconfirmed transactions (BIP 35).
	MemPool struct{}
	// Ping asks for a Pong with the same nonce (BIP 31).
	Ping struct{ Nonce uint64 }
	// Pong answers a Ping.
	Pong struct{ Nonce uint64 }
	// FeeFilter asks not to be told of transactions that pay less, in crumbs per 1000 virtual bytes (BIP 133).
	FeeFilter struct{ Rate coin.Amount }
	// GetPayAddr asks the peer for a script to pay to.
	GetPayAddr struct{ Nonce uint64 }
)

// Command names the message.
func (Verack) Command() string { return "verack" }

// Command names the message.
func (SendHeaders) Command() string { return "sendheaders" }

// Command names the message.
func (WtxidRelay) Command() string { return "wtxidrelay" }

// Command names the message.
func (SendAddrV2) Command() string { return "sendaddrv2" }

// Command names the message.
func (SendPay) Command() string { return "sendpay" }

// Command names the message.
func (GetAddr) Command() string { return "getaddr" }

// Command names the message.
func (MemPool) Command() string { return "mempool" }

// Command names the message.
func (Ping) Command() string { return "ping" }

// Command names the message.
func (Pong) Command() string { return "pong" }

// Command names the message.
func (FeeFilter) Command() string { return "feefilter" }

// Command names the message.
func (GetPayAddr) Command() string { return "getpayaddr" }

// Append appends the encoding.
func (Verack) Append(b []byte) []byte { return b }

// Append appends the encoding.
func (SendHeaders) Append(b []byte) []byte { return b }

// Append appends the encoding.
func (WtxidRelay) Append(b []byte) []byte { return b }

// Append appends the encoding.
func (SendAddrV2) Append(b []byte) []byte { return b }

// Append appends the encoding.
func (SendPay) Append(b []byte) []byte { return b }

// Append appends the encoding.
func (GetAddr) Append(b []byte) []byte { return b }

// Append appends the encoding.
func (MemPool) Append(b []byte) []byte { return b }

// Append appends the encoding.
func (m Ping) Append(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, m.Nonce) }

// Append appends the encoding.
func (m Pong) Append(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, m.Nonce) }

// Append appends the encoding.
func (m FeeFilter) Append(b []byte) []byte {
	return binary.LittleEndian.AppendUint64(b, uint64(m.Rate))
}

// Append appends the encoding.
func (m GetPayAddr) Append(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, m.Nonce) }

// PayAddr answers a GetPayAddr of that nonce with an output script.
type PayAddr struct {
	Nonce  uint64
	Script []byte
}

// Command names the message.
func (*PayAddr) Command() string { return "payaddr" }

// Append appends the encoding.
func (m *PayAddr) Append(b []byte) []byte {
	return coin.AppendVarBytes(binary.LittleEndian.AppendUint64(b, m.Nonce), m.Script)
}

func readPayAddr(r *coin.Reader) Message {
	return &PayAddr{Nonce: r.Uint64(), Script: readLimited(r, MaxPayScript, "script")}
}
