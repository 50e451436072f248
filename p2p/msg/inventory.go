package msg

import (
	"encoding/binary"
	"fmt"

	"cheese/coin"
)

// Kind says what an inventory item names.
type Kind uint32

// The kinds of inventory understood here.
const (
	KindTx    Kind = 1
	KindBlock Kind = 2
	// WitnessFlag added to a kind in getdata asks for witness data too (BIP 144).
	WitnessFlag      Kind = 1 << 30
	KindWitnessTx         = KindTx | WitnessFlag
	KindWitnessBlock      = KindBlock | WitnessFlag
)

// Base returns the kind without the witness flag.
func (k Kind) Base() Kind { return k &^ WitnessFlag }

// String names the kind.
func (k Kind) String() string {
	switch k.Base() {
	case KindTx:
		return "tx"
	case KindBlock:
		return "block"
	}
	return fmt.Sprintf("kind %d", uint32(k))
}

// Item names a transaction or a block.
type Item struct {
	Kind Kind
	Hash coin.Hash
}

const itemSize = 4 + 32

func appendItems(b []byte, items []Item) []byte {
	b = coin.AppendCompactSize(b, uint64(len(items)))
	for i := range items {
		b = binary.LittleEndian.AppendUint32(b, uint32(items[i].Kind))
		b = append(b, items[i].Hash[:]...)
	}
	return b
}

func readItems(r *coin.Reader) []Item {
	items := make([]Item, readCount(r, itemSize, MaxItems, "inventory items"))
	for i := range items {
		items[i] = Item{Kind: Kind(r.Uint32()), Hash: r.Hash()}
	}
	return items
}

// Inv announces transactions and blocks.
type Inv struct{ Items []Item }

// GetData asks for them.
type GetData struct{ Items []Item }

// NotFound says that the sender has not got them.
type NotFound struct{ Items []Item }

// Command names the message.
func (*Inv) Command() string { return "inv" }

// Command names the message.
func (*GetData) Command() string { return "getdata" }

// Command names the message.
func (*NotFound) Command() string { return "notfound" }

// Append appends the encoding.
func (m *Inv) Append(b []byte) []byte { return appendItems(b, m.Items) }

// Append appends the encoding.
func (m *GetData) Append(b []byte) []byte { return appendItems(b, m.Items) }

// Append appends the encoding.
func (m *NotFound) Append(b []byte) []byte { return appendItems(b, m.Items) }

// Locator says where the sender's chain is: hashes from its tip back to genesis, ever sparser.
type Locator struct {
	Version uint32
	Hashes  []coin.Hash
	Stop    coin.Hash // the last wanted; zero: as many as fit
}

// Append appends the encoding.
func (m *Locator) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, m.Version)
	b = coin.AppendCompactSize(b, uint64(len(m.Hashes)))
	for i := range m.Hashes {
		b = append(b, m.Hashes[i][:]...)
	}
	return append(b, m.Stop[:]...)
}

func readLocator(r *coin.Reader) Locator {
	m := Locator{Version: r.Uint32(), Hashes: make([]coin.Hash, readCount(r, 32, MaxLocator, "locator hashes"))}
	for i := range m.Hashes {
		m.Hashes[i] = r.Hash()
	}
	m.Stop = r.Hash()
	return m
}

// GetHeaders asks for the headers after the first locator hash the receiver knows.
type GetHeaders struct{ Locator }

// GetBlocks asks for an inv of the blocks after it.
type GetBlocks struct{ Locator }

// Command names the message.
func (*GetHeaders) Command() string { return "getheaders" }

// Command names the message.
func (*GetBlocks) Command() string { return "getblocks" }

// Headers carries block headers, each the parent of the next.
type Headers struct{ Headers []coin.Header }

// Command names the message.
func (*Headers) Command() string { return "headers" }

// Append appends the encoding.
func (m *Headers) Append(b []byte) []byte {
	b = coin.AppendCompactSize(b, uint64(len(m.Headers)))
	for i := range m.Headers {
		b = append(m.Headers[i].Append(b), 0) // a count of transactions, always zero
	}
	return b
}

func readHeaders(r *coin.Reader) Message {
	m := &Headers{Headers: make([]coin.Header, readCount(r, coin.HeaderSize+1, MaxHeaders, "headers"))}
	for i := range m.Headers {
		m.Headers[i] = coin.ReadHeader(r)
		if r.CompactSize() != 0 {
			r.Fail(fmt.Errorf("header %d claims to have transactions", i))
		}
	}
	return m
}

// Block carries a block, with its witness data unless NoWitness is set. Decoding reads either form.
type Block struct {
	Block     *coin.Block
	NoWitness bool
}

// Command names the message.
func (*Block) Command() string { return "block" }

// Append appends the encoding.
func (m *Block) Append(b []byte) []byte {
	if m.NoWitness {
		return m.Block.AppendNoWitness(b)
	}
	return m.Block.Append(b)
}

// Tx carries a transaction, as Block does.
type Tx struct {
	Tx        *coin.Tx
	NoWitness bool
}

// Command names the message.
func (*Tx) Command() string { return "tx" }

// Append appends the encoding.
func (m *Tx) Append(b []byte) []byte {
	if m.NoWitness {
		return m.Tx.AppendNoWitness(b)
	}
	return m.Tx.Append(b)
}
