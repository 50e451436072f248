package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// Windows has its own numbers for these; elsewhere no system call returns them.
const (
	wsaConnReset   = syscall.Errno(10054)
	wsaConnRefused = syscall.Errno(10061)
)

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, wsaConnReset)
}

// dialError puts a failed dial into the terms of Connect's typed errors.
func dialError(err error) error {
	var ne net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, wsaConnRefused):
		return fmt.Errorf("%w: nothing listens there", ErrRefused)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		return ErrTimeout
	}
	return err
}

// withPort checks "host:port", and adds the network's port where there is none.
func withPort(addr string, port uint16) (string, error) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		host, p, err = net.SplitHostPort(net.JoinHostPort(trimBrackets(addr), strconv.Itoa(int(port))))
	}
	if err != nil || host == "" {
		return "", fmt.Errorf("%q is not an address such as 10.0.0.1:%d", addr, port)
	}
	if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%q has no port from 1 to 65535", addr)
	}
	return net.JoinHostPort(host, p), nil
}

func trimBrackets(s string) string {
	if len(s) > 1 && s[0] == '[' && s[len(s)-1] == ']' {
		return s[1 : len(s)-1]
	}
	return s
}
