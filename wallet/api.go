package wallet

import (
	"io"
	"log/slog"
	"time"

	"cheese/chain"
	"cheese/coin"
	"cheese/mempool"
)

// Options says how a wallet is opened. Chain, Pool, Now, Rand and Logger are needed.
type Options struct {
	Passphrase string // encrypts the seed file; empty is allowed, and logged
	Mnemonic   string // makes a wallet that does not exist yet from these BIP 39 words; empty: from new ones
	Account    uint32 // BIP 86 account of a wallet that does not exist yet, so that one mnemonic serves several peers
	Birthday   int32  // with Mnemonic: the first block height that can pay it; 0 scans the whole chain
	KDF        KDF    // strength of a new seed file; zero means StrongKDF

	Chain  *chain.Chain
	Pool   *mempool.Pool
	Now    func() time.Time
	Rand   io.Reader // entropy for keys, salts and signatures, such as crypto/rand.Reader
	Logger *slog.Logger
}

// Kind is what a transaction does to the wallet.
type Kind string

// The kinds. The empty Kind is a transaction that does not touch the wallet.
const (
	KindReceived Kind = "received" // others pay us
	KindSent     Kind = "sent"     // we pay others
	KindMoved    Kind = "moved"    // we pay ourselves
	KindMined    Kind = "mined"    // a coinbase pays us
)

// State is how far a transaction has come.
type State string

// The states.
const (
	StatePending    State = "pending"    // in no block yet
	StateImmature   State = "immature"   // mined, and not spendable yet
	StateConfirmed  State = "confirmed"  // in the best chain
	StateConflicted State = "conflicted" // cannot confirm: another transaction spent its coins, or its block lost the race
)

// Entry is one line of the wallet's history.
type Entry struct {
	TxID          coin.Hash
	Kind          Kind
	Net           coin.Amount // what the wallet gained; negative where it paid, fee included
	Fee           coin.Amount // known for what we sent, else zero
	Time          time.Time   // when first seen, or the block's time
	Height        int32       // -1 outside the best chain
	BlockHash     coin.Hash
	Confirmations int32 // 1 in the tip; 0 pending
	State         State
	Counterparty  string // the address paid, for KindSent; the address of ours that was paid otherwise; "" where there is none
}

// Balance is what the wallet has. Confirmed, Pending and Immature add up to Total.
type Balance struct {
	Confirmed coin.Amount // in the best chain, mature, and not spent by a pending transaction
	Pending   coin.Amount // outputs to us of transactions in the pool, our own change included
	Immature  coin.Amount // mined, and not mature yet
	Spendable coin.Amount // Confirmed and our own unconfirmed change
}

// Total is everything the wallet has.
func (b Balance) Total() coin.Amount { return b.Confirmed + b.Pending + b.Immature }

// Coin is an unspent output that the wallet can sign for.
type Coin struct {
	coin.OutPoint
	Out           coin.TxOut
	Address       string
	Height        int32 // -1: unconfirmed
	Confirmations int32
	Coinbase      bool
	Change        bool // on the internal chain
	Spendable     bool // in the next block, by this wallet's rules
}

// SendRequest asks for a payment.
type SendRequest struct {
	To          string      // address; or
	Script      []byte      // an output script, where To is empty
	Amount      coin.Amount // what the recipient gets
	FeeRate     coin.Amount // crumbs per virtual byte; 0 means DefaultFeeRate, or the pool's minimum where that is more
	SubtractFee bool        // the recipient pays the fee out of Amount
}

// Sent describes a payment that was made.
type Sent struct {
	TxID   coin.Hash
	To     string      // address; "" where the script has none
	Amount coin.Amount // what the recipient gets
	Fee    coin.Amount
	Change coin.Amount // back to us; 0 where no change output was worth it
	Inputs int         // coins spent
	VSize  int         // virtual bytes
}

// Bounds of SendRequest.FeeRate, in crumbs per virtual byte.
const (
	DefaultFeeRate coin.Amount = 2
	MinFeeRate     coin.Amount = 1
	MaxFeeRate     coin.Amount = 10_000
)
