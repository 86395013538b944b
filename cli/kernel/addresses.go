// Package kernel is what the operating system says of this machine.
package kernel

import (
	"net"
	"net/netip"
	"slices"

	"relay/mailer/route"
)

// Addresses of a machine.
type Addresses struct {
	All      []netip.Addr // of its interfaces, without loopback and link-local addresses
	Outgoing []netip.Addr // that the world sees as the sender's
	NAT      bool         // IPv4 leaves from a private address: what the world sees is not known here
}

// Hidden reports whether the world sees an address that is not known here.
func (a *Addresses) Hidden() bool { return a.NAT || len(a.Outgoing) == 0 }

// OwnAddresses are this machine's addresses.
func OwnAddresses() (Addresses, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return Addresses{}, err
	}
	var a Addresses
	for _, i := range list {
		if p, err := netip.ParsePrefix(i.String()); err == nil && p.Addr().IsGlobalUnicast() {
			a.All = append(a.All, p.Addr().Unmap())
		}
	}
	// The kernel chooses by its routes which of them mail leaves from. It tells
	// without sending anything.
	for _, far := range []string{"198.51.100.1:25", "[2001:db8::1]:25"} {
		switch own, err := SourceFor(far); {
		case err != nil: // no route
		case route.Public(own):
			a.Outgoing = append(a.Outgoing, own)
		case own.Is4():
			a.NAT = true
		}
	}
	if a.Outgoing == nil && !a.NAT {
		a.Outgoing = slices.DeleteFunc(slices.Clone(a.All), func(own netip.Addr) bool { return !route.Public(own) })
	}
	return a, nil
}

// SourceFor is the address that a packet to far would carry.
func SourceFor(far string) (netip.Addr, error) {
	conn, err := net.Dial("udp", far)
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	own, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return own.Addr().Unmap().WithZone(""), err
}

// AddrList is addresses for people.
func AddrList(list []netip.Addr) string {
	text := ""
	for i, a := range list {
		if i > 0 {
			text += ", "
		}
		text += a.String()
	}
	return text
}
