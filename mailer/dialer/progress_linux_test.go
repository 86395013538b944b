package dialer

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// The system takes little ahead of what it has sent, so that a write that goes on
// means that content moves.
func TestDialer_showsProgress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := TCP{}.Dial(t.Context(), netip.Addr{}, netip.MustParseAddrPort(l.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var got int
	var failed error
	err = raw.Control(func(fd uintptr) { got, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT) })
	if err != nil || failed != nil || got != maxUnsent {
		t.Errorf("%d octets, %v, %v, want %d", got, err, failed, maxUnsent)
	}
}
