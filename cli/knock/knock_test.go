package knock

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
)

func TestDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for balancer, want := range map[string]string{"127.0.0.0/8": "PROXY UNKNOWN\r\n", "192.0.2.0/24": ""} {
		conn, err := Dial(t.Context(), l.Addr().String(), []netip.Prefix{netip.MustParsePrefix(balancer)})
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(peer)
		if string(got) != want || err != nil {
			t.Errorf("with the balancer %s: %q, %v, want %q", balancer, got, err, want)
		}
		if err := peer.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAddress(t *testing.T) {
	for bound, want := range map[string]string{
		"0.0.0.0:587": "localhost:587", "[::]:587": "localhost:587", ":587": "localhost:587",
		"192.0.2.1:587": "192.0.2.1:587", "[2001:db8::1]:587": "[2001:db8::1]:587", "pipe": "pipe",
	} {
		if got := Address(bound); got != want {
			t.Errorf("Address(%s) = %s, want %s", bound, got, want)
		}
	}
}

func TestWhy(t *testing.T) {
	addr := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25}
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("no greeting"), "no greeting"},
		{fmt.Errorf("greet: %w", context.DeadlineExceeded), "no answer in time"},
		{&net.OpError{Op: "dial", Addr: addr, Err: context.DeadlineExceeded}, "no answer from 192.0.2.1:25"},
		{&net.OpError{Op: "dial", Addr: addr, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "192.0.2.1:25: connection refused"},
		{&net.OpError{Op: "read", Addr: addr, Err: net.ErrClosed}, "192.0.2.1:25: use of closed network connection"},
		{&net.OpError{Op: "read", Err: net.ErrClosed}, "read: use of closed network connection"},
	} {
		if got := Why(c.err); got != c.want {
			t.Errorf("Why(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}
