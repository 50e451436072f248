package rpc

import "fmt"

// Error is what a call fails with: a code of Bitcoin Core's rpc/protocol.h and words.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return fmt.Sprintf("%s (code %d)", e.Message, e.Code) }

// The codes of Bitcoin Core that this server answers with.
const (
	codeMisc           = -1  // and help where the count of arguments is wrong
	codeType           = -3  // an argument of the wrong type
	codeWallet         = -4  // the wallet refuses
	codeAddressOrKey   = -5  // no such address, key, block or transaction
	codeFunds          = -6  // the wallet cannot pay that
	codeParameter      = -8  // an argument out of range, unknown or given twice
	codeOffline        = -9  // no peers, or shutting down
	codeKeypool        = -12 // no address to hand out
	codeNoWallet       = -18 // the peer has none
	codeDatabase       = -20
	codeDecode         = -22 // not a transaction or block
	codeAlreadyAdded   = -23
	codeNotAdded       = -24
	codeVerify         = -25 // a transaction or block could not be judged, or lacks inputs
	codeRejected       = -26 // a transaction was judged and refused
	codeInChain        = -27
	codeNotConnected   = -29
	codeDeprecated     = -32
	codeInvalidRequest = -32600
	codeNoMethod       = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603
	codeParse          = -32700
)

func errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// internal is for what should not happen: a block that the index has and the disk has not, a failing disk.
func internal(err error) *Error { return &Error{Code: codeInternal, Message: err.Error()} }
