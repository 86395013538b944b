package cli

import (
	"net"
	"net/netip"
	"slices"

	"relay/mailer/route"
)

// Addresses of a machine.
type Addresses struct {
	All      []netip.Addr // of its interfaces, without loopback and link-local ones
	Outgoing []netip.Addr // that the world sees as the sender's
	NAT      bool         // IPv4 leaves from a private address: what the world sees is not known here
}

// hidden reports whether the world sees an address that is not known here.
func (a *Addresses) hidden() bool { return a.NAT || len(a.Outgoing) == 0 }

// systemAddresses are this machine's.
func systemAddresses() (Addresses, error) {
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
	// Which of them mail leaves from is the kernel's choice, by its routes. It
	// tells without sending anything.
	for _, far := range []string{"198.51.100.1:25", "[2001:db8::1]:25"} {
		switch own, err := sourceFor(far); {
		case err != nil: // no way
		case route.Public(own):
			a.Outgoing = append(a.Outgoing, own)
		case own.Is4():
			a.NAT = true
		}
	}
	if a.Outgoing == nil && !a.NAT {
		a.Outgoing = slices.DeleteFunc(slices.Clone(a.All), notPublic)
	}
	return a, nil
}

// sourceFor is the address that a packet to far would carry.
func sourceFor(far string) (netip.Addr, error) {
	conn, err := net.Dial("udp", far)
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	own, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return own.Addr().Unmap().WithZone(""), err
}

// addresses are the machine's, or what a test says.
func (p *program) addresses() (Addresses, error) {
	if p.Addresses != nil {
		return p.Addresses()
	}
	return systemAddresses()
}

// addrList is addresses for people.
func addrList(list []netip.Addr) string {
	text := ""
	for i, a := range list {
		if i > 0 {
			text += ", "
		}
		text += a.String()
	}
	return text
}
