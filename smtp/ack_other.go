//go:build !linux

package smtp

import "net"

// ackNow does nothing here: the system decides when it acknowledges.
func ackNow(net.Conn) {}
