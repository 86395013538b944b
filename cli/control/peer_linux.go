package control

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerOf asks the kernel for the process at the other end; -1 if it does not know.
func peerOf(c net.Conn) peer {
	p := peer{UID: -1, PID: -1}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return p
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return p
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			p = peer{UID: int(cred.Uid), PID: int(cred.Pid)}
		}
	})
	return p
}
