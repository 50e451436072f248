package lab

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// ListenError says that an address cannot be listened on, and which flag changes it.
type ListenError struct {
	For  string // what the address is for: "peers", "the window"
	Addr string
	Flag string // "--p2p"
	Err  error
}

func (e *ListenError) Error() string {
	why := e.Err.Error()
	var op *net.OpError
	if errors.As(e.Err, &op) {
		why = op.Err.Error()
	}
	if errors.Is(e.Err, syscall.EADDRINUSE) {
		why = "another program uses it"
	}
	return fmt.Sprintf("cannot listen for %s on %s: %s; choose another with %s (port 0 picks a free one)", e.For, e.Addr, why, e.Flag)
}

func (e *ListenError) Unwrap() error { return e.Err }

// Listen opens addr on n; the error is a *ListenError.
func Listen(n Net, purpose, flag, addr string) (net.Listener, error) {
	l, err := n.Listen(addr)
	if err != nil {
		return nil, &ListenError{For: purpose, Addr: addr, Flag: flag, Err: err}
	}
	return l, nil
}
