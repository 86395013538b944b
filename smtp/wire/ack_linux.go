package wire

import (
	"net"
	"syscall"
)

// ackNow acknowledges at once what was received. The client's last flight of a
// TLS 1.3 handshake has no answer to carry the acknowledgement, and a client
// with Nagle's algorithm, which most have, would wait 40 ms for it before it
// sends EHLO.
func ackNow(c net.Conn) {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := t.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
		})
	}
}
