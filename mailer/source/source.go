// Package source describes the sources of outgoing mail: the addresses of ours that next
// hops see, and the ways through another server that stand in for them.
//
// It is values and arithmetic: the schedule of package mailer decides which source a
// message takes.
package source

import (
	"net"
	"net/netip"
	"strconv"

	"relay/mailer/route"
)

// Source is one way for mail to leave by. The zero Source leaves the address to the
// system.
type Source struct {
	Addr netip.Addr  // local address; zero: the system chooses
	EHLO string      // name in EHLO; "": the relay's host name
	Via  route.Route // another server that all mail of the source goes through; zero: none
}

// Name returns what tells a source from others: its address, or the server that it goes
// through; "" for the zero Source.
func (s *Source) Name() string {
	switch {
	case s.Addr.IsValid():
		return s.Addr.String()
	case s.Via.Host != "":
		return net.JoinHostPort(s.Via.Host, strconv.Itoa(s.Via.Port))
	}
	return ""
}

// Reaches reports whether a connection from the source to an address is possible: both
// are IPv4, or both IPv6.
func (s *Source) Reaches(to netip.Addr) bool {
	return !s.Addr.IsValid() || s.Addr.Unmap().Is4() == to.Unmap().Is4()
}
