package coin

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"time"
)

// Params tells one network from another. It is read-only once made.
type Params struct {
	Name    string // "cheese", "regtest", or a network file's name
	Genesis *Block
	Magic   [4]byte  // in front of every p2p message
	ID      [20]byte // the network's swarm at a tracker (BEP 3 info hash)

	// Addresses.
	HRP            string // bech32 prefix
	PubKeyPrefix   byte   // base58check version of P2PKH
	ScriptPrefix   byte   // base58check version of P2SH
	WIFPrefix      byte   // base58check version of private keys
	HDPublic       [4]byte
	HDPrivate      [4]byte
	HDCoin         uint32 // SLIP 44 coin type in BIP 86 paths
	Ticker         string // what a coin is called: "CHZ", "BTC"
	Unit           string // what many of its smallest part, 10^-8, are called: "crumbs", "sat"
	Taproot        bool   // new addresses are bech32m taproot by default
	PaymentRequest bool   // peers ask each other for an address to pay to (our only p2p extension)

	// Ports.
	P2PPort, HTTPPort, TrackerPort uint16

	// Difficulty and time.
	PowLimit   *big.Int // the easiest target
	Retarget   Retarget
	Spacing    time.Duration // wanted time between blocks
	HalfLife   time.Duration // of relative ASERT
	StrictTime bool          // timestamps rise strictly from the parent, rather than past the median of 11
	MaxAhead   time.Duration // how far a timestamp may be ahead of the clock

	// Money.
	Subsidy         Amount
	HalvingInterval int32
	Maturity        int32 // blocks before a coinbase may be spent

	// Heights from which each rule holds.
	Heights Heights
}

// Retarget names how a block's target follows from its past.
type Retarget int

const (
	// RetargetNone keeps the parent's bits for ever.
	RetargetNone Retarget = iota
	// RetargetASERT moves the parent's target by 2^((solve time - spacing) / half-life).
	RetargetASERT
)

// Heights holds the first block height at which each rule is enforced.
type Heights struct {
	BIP34, BIP65, BIP66, CSV, Segwit, Taproot int32
}

// allActive enforces every soft fork from the first block after genesis on, as Core 28's regtest does.
var allActive = Heights{BIP34: 1, BIP65: 1, BIP66: 1, CSV: 1}

// HalfLifeSpacings is relative ASERT's half-life in spacings.
const HalfLifeSpacings = 30

// Cheese returns the default network, everyone's sandbox.
func Cheese() *Params {
	p := sandbox(30 * time.Second)
	p.Name, p.HRP = "cheese", "chz"
	p.P2PPort, p.HTTPPort, p.TrackerPort = 23456, 8451, 5656
	p.PowLimit = easiest
	p.Subsidy, p.HalvingInterval, p.Maturity = 10*Coin, 1_050_000, 10
	p.seal(GenesisBlock("Blue Cheese: the first wheel on the stack", 1790000000, 0x1e00ffff, cheeseNonce, p.Subsidy))
	return p
}

// easiest is a target of 2^16 hashes a block, the easiest of networks that adjust.
var easiest = Target(0x1f00ffff)

// leastAhead is the least that timestamps may be ahead of the clock.
const leastAhead = 120 * time.Second

// sandbox returns what the default network and those of network files have in common, given their spacing: relative
// ASERT, strict timestamps, and all of Bitcoin's soft forks from the start.
func sandbox(spacing time.Duration) *Params {
	return &Params{
		PubKeyPrefix: 28, ScriptPrefix: 87, WIFPrefix: 156, HDCoin: 1, Ticker: "CHZ", Unit: "crumbs", Taproot: true, PaymentRequest: true,
		HDPublic: [4]byte{0x04, 0x35, 0x87, 0xcf}, HDPrivate: [4]byte{0x04, 0x35, 0x83, 0x94},
		Retarget: RetargetASERT, Spacing: spacing, HalfLife: HalfLifeSpacings * spacing,
		StrictTime: true, MaxAhead: max(10*spacing, leastAhead),
		Heights: allActive,
	}
}

// cheeseNonce makes the hash of the default network's genesis meet its own target; a test checks it.
const cheeseNonce = 2985631

// Regtest returns Bitcoin's regtest network as in Bitcoin Core 28.
func Regtest() *Params {
	p := &Params{
		Name: "regtest", HRP: "bcrt", PubKeyPrefix: 111, ScriptPrefix: 196, WIFPrefix: 239, HDCoin: 1, Ticker: "BTC", Unit: "sat",
		HDPublic: [4]byte{0x04, 0x35, 0x87, 0xcf}, HDPrivate: [4]byte{0x04, 0x35, 0x83, 0x94},
		P2PPort: 18444, HTTPPort: 18443, TrackerPort: 5656,
		PowLimit: Target(0x207fffff), Retarget: RetargetNone, Spacing: 10 * time.Minute, MaxAhead: 2 * time.Hour,
		Subsidy: 50 * Coin, HalvingInterval: 150, Maturity: 100,
		Heights: allActive,
	}
	p.seal(regtestGenesis())
	p.Magic = [4]byte{0xfa, 0xbf, 0xb5, 0xda}
	return p
}

// seal sets the genesis block and what derives from its hash.
func (p *Params) seal(genesis *Block) {
	p.Genesis = genesis
	h := genesis.Hash()
	id := sha256.Sum256(append([]byte("cheese network id"), h[:]...))
	copy(p.ID[:], id[:])
	magic := sha256.Sum256(append([]byte("cheese message magic"), h[:]...))
	copy(p.Magic[:], magic[:])
}

// GenesisBlock builds a first block whose coinbase carries message and whose only output nobody can spend. The
// nonce is the caller's to find.
func GenesisBlock(message string, timestamp, bits, nonce uint32, subsidy Amount) *Block {
	script := append([]byte{0x00}, pushData([]byte(message))...) // BIP 34's height zero, then the message
	tx := &Tx{Version: 2, In: []TxIn{{Prev: OutPoint{Index: NullIndex}, Script: script, Sequence: SequenceFinal}},
		Out: []TxOut{{Value: subsidy, Script: []byte{0x6a}}}} // OP_RETURN
	b := &Block{Header: Header{Version: 0x20000000, Time: timestamp, Bits: bits, Nonce: nonce}, Txs: []*Tx{tx}}
	b.Merkle, _ = b.MerkleRoot()
	return b
}

// pushData returns script bytes that push up to 255 bytes.
func pushData(b []byte) []byte {
	if len(b) <= 75 {
		return append([]byte{byte(len(b))}, b...)
	}
	return append([]byte{0x4c, byte(len(b))}, b...)
}

// regtestGenesis is the block every regtest node starts from.
func regtestGenesis() *Block {
	const (
		headline = "04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73"
		satoshi  = "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac"
	)
	tx := &Tx{Version: 1, In: []TxIn{{Prev: OutPoint{Index: NullIndex}, Script: unhex(headline), Sequence: SequenceFinal}},
		Out: []TxOut{{Value: 50 * Coin, Script: unhex(satoshi)}}}
	b := &Block{Header: Header{Version: 1, Time: 1296688602, Bits: 0x207fffff, Nonce: 2}, Txs: []*Tx{tx}}
	b.Merkle, _ = b.MerkleRoot()
	return b
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}
