package p2p

import (
	"log/slog"
	"net/netip"
	"time"

	"cheese/coin"
	"cheese/p2p/msg"
)

// Event is something that happened outside the machine.
type Event interface{ event() }

// The events. An ID names a connection; those of connections that are gone are ignored.
type (
	// Tick comes at least every 100 ms.
	Tick struct{}
	// Connected says that a socket is open. Dialed is the address as Dial had it, empty for an inbound connection.
	Connected struct {
		ID     int64
		Remote netip.AddrPort // zero where the transport has no such addresses
		Dialed string
	}
	// DialFailed answers a Dial.
	DialFailed struct {
		Dialed string
		Err    error
	}
	// Received is a message that arrived.
	Received struct {
		ID  int64
		Msg msg.Message
	}
	// Failed says that a connection broke, or that what came over it could not be decoded.
	Failed struct {
		ID  int64
		Err error
	}
	// Sent says that a Send with a Count is written out.
	Sent struct {
		ID    int64
		Bytes int // the Count
	}
	// HeadersChecked answers CheckHeaders.
	HeadersChecked struct {
		ID      int64
		Headers []coin.Header
		Err     error
	}
	// BlockChecked answers CheckBlock.
	BlockChecked struct {
		ID    int64
		Block *coin.Block
		Err   error
	}
	// TxChecked answers CheckTx.
	TxChecked struct {
		ID  int64
		Tx  *coin.Tx
		Err error
	}
	// BlockRead answers ReadBlock.
	BlockRead struct {
		ID    int64
		Item  msg.Item
		Block *coin.Block
		Err   error
	}
	// PoolAdded lists transactions that came into the pool.
	PoolAdded struct{ Txs []PoolTx }
	// ViewChanged says that the view is a new one.
	ViewChanged struct{}
	// Addresses adds to the address book.
	Addresses struct {
		Addrs  []netip.AddrPort
		Source string
	}
	// Connect asks for a connection; Connecting answers it.
	Connect struct {
		Ticket int64
		Addr   string
	}
	// AskPay asks a peer for a script to pay to; PayAnswer answers it.
	AskPay struct {
		Ticket int64
		ID     int64
	}
	// Forget withdraws a Connect or AskPay that nobody waits for any more.
	Forget struct{ Ticket int64 }
	// Hangup asks for a connection to be closed.
	Hangup struct{ ID int64 }
	// PayScript answers PayTo.
	PayScript struct {
		ID     int64
		Nonce  uint64
		Script []byte
		Err    error
	}
)

// PoolTx is a transaction to announce.
type PoolTx struct {
	ID      coin.Hash
	FeeRate coin.Amount // per 1000 virtual bytes
}

func (Tick) event()           {}
func (Connected) event()      {}
func (DialFailed) event()     {}
func (Received) event()       {}
func (Failed) event()         {}
func (Sent) event()           {}
func (HeadersChecked) event() {}
func (BlockChecked) event()   {}
func (TxChecked) event()      {}
func (BlockRead) event()      {}
func (PoolAdded) event()      {}
func (ViewChanged) event()    {}
func (Addresses) event()      {}
func (Connect) event()        {}
func (AskPay) event()         {}
func (Forget) event()         {}
func (Hangup) event()         {}
func (PayScript) event()      {}

// Action is something the machine wants done.
type Action interface{ action() }

// The actions.
type (
	// Send queues a message. Where Count is not zero a Sent event gives it back once the message is written.
	Send struct {
		ID    int64
		Msg   msg.Message
		Count int
	}
	// Close closes a connection after what is queued has gone out, or at once where Now is set.
	Close struct {
		ID     int64
		Reason error
		Now    bool
	}
	// Dial opens a connection; Connected or DialFailed answers.
	Dial struct {
		Addr    string
		Timeout time.Duration
	}
	// CheckHeaders puts headers to the chain.
	CheckHeaders struct {
		ID      int64
		Headers []coin.Header
	}
	// CheckBlock puts a block to the chain.
	CheckBlock struct {
		ID    int64
		Block *coin.Block
	}
	// CheckTx puts a transaction to the pool.
	CheckTx struct {
		ID int64
		Tx *coin.Tx
	}
	// ReadBlock fetches a block for a peer that asked for it.
	ReadBlock struct {
		ID   int64
		Item msg.Item
	}
	// PayTo fetches a script from the wallet.
	PayTo struct {
		ID    int64
		Nonce uint64
	}
	// Connecting answers Connect: nil when the handshake is done.
	Connecting struct {
		Ticket int64
		Err    error
	}
	// PayAnswer answers AskPay.
	PayAnswer struct {
		Ticket int64
		Script []byte
		Err    error
	}
	// SaveBook writes the address book.
	SaveBook struct{ JSON []byte }
	// Log is a line for people.
	Log struct {
		Level slog.Level
		Text  string
		Args  []any
	}
	// PeersChanged rings the doorbell.
	PeersChanged struct{}
)

func (Send) action()         {}
func (Close) action()        {}
func (Dial) action()         {}
func (CheckHeaders) action() {}
func (CheckBlock) action()   {}
func (CheckTx) action()      {}
func (ReadBlock) action()    {}
func (PayTo) action()        {}
func (Connecting) action()   {}
func (PayAnswer) action()    {}
func (SaveBook) action()     {}
func (Log) action()          {}
func (PeersChanged) action() {}
