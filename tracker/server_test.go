package tracker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestServeEndsThoughClientsHang(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	checking := make(chan struct{})
	s := New(Config{Checker: func(ctx context.Context, _ InfoHash, _ netip.AddrPort) (Identity, error) {
		close(checking)
		<-ctx.Done()
		return Identity{}, ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /announce HTTP/1.1\r\nHost: ") // and nothing more
	if _, err := new(Client).Announce(t.Context(), "http://"+l.Addr().String(), ClientAnnounce{Port: 1}); err != nil {
		t.Fatal(err)
	}
	<-checking
	start := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if took := time.Since(start); took > 2*shutdownTimeout {
		t.Errorf("it took %v to end", took)
	}
}

func TestServeSaysWhyItFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := New(Config{}).Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve on a closed listener: %v", err)
	}
}

func TestHeadersAreBounded(t *testing.T) {
	r := newRoom(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 4*maxHeaderBytes))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if !strings.Contains(line, "431") && !errors.Is(err, io.EOF) {
		t.Errorf("boundless headers are answered %q, %v", line, err)
	}
}

func TestDefaultCheckConnects(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	if _, err := dialCheck(t.Context(), cheddar, addr); err != nil {
		t.Errorf("an open port: %v", err)
	}
	l.Close()
	if _, err := dialCheck(t.Context(), cheddar, addr); err == nil {
		t.Error("a closed port passes")
	}
}

func TestStrangersTextIsCleaned(t *testing.T) {
	for in, want := range map[string]string{
		"alice": "alice", "  bob ": "bob", "a\nb": "a b", "\x1b[31mred": "[31mred", "\xff\xfe": "", "日本": "日本",
		"abcdefghijkl": "abcdefghij", "\u202egnp.exe": "gnp.exe", "": "",
	} {
		if got := clean(in, 10); got != want {
			t.Errorf("clean %q: %q, want %q", in, got, want)
		}
	}
}
