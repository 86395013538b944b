package dialer

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// maxUnsent is how many octets the system takes from us ahead of what it has sent.
// Without a bound it takes megabytes, and nothing more until a third of them has
// left: content that moves slowly then looks for minutes as if it stood still.
const maxUnsent = 32 << 10

// showProgress lets writes to a connection go on as the next hop takes the content.
// It does not bound how much is under way at once. Where the system refuses the
// option, mail goes without it.
func showProgress(_, _ string, c syscall.RawConn) error {
	_ = c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)
	})
	return nil
}
