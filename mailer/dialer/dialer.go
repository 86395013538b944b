// Package dialer opens TCP connections from an address of this machine.
package dialer

import (
	"context"
	"net"
	"net/netip"
)

// Dialer opens connections to next hops. from is the local address; with the zero
// Addr the system chooses one.
type Dialer interface {
	Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)
}

// Binder is a Dialer that knows whether connections can come from an address. With a
// Dialer that is no Binder every address counts as present.
type Binder interface {
	Bind(from netip.Addr) error
}

// TCP dials as the system does.
type TCP struct{}

// Bind implements Binder.
func (TCP) Bind(from netip.Addr) error { return Bind(from) }

// Bind fails if connections cannot come from an address: this machine lacks it.
func Bind(from netip.Addr) error {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)))
	if err != nil {
		return err
	}
	return l.Close()
}

// Dial implements Dialer.
func (TCP) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Control: showProgress}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return d.DialContext(ctx, "tcp", to.String())
}
