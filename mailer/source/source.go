// Package source describes the sources of outgoing mail: the addresses of ours that next
// hops see, and the ways through another server that stand in for them.
//
//  1. Source is what the configuration says of one: its address, its name in EHLO, the pool
//     that it serves, and how it is warmed up.
//  2. Warmth is how far the warm-up has come at one provider: a ceiling for the day, which
//     doubles after a day on which it was used and nobody complained of the address.
//  3. Check looks at what receivers look at: the name of the address and its way back, the
//     name in EHLO, and the SPF record of that.
//
// It is values, arithmetic and questions to the DNS. The schedule of package mailer decides
// which source a message takes, and stores Warmth.
package source

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"relay/mailer/route"
)

// Source is one way for mail to leave by. The zero Source leaves the address to the
// system.
type Source struct {
	Addr    netip.Addr   // local address; zero: the system chooses
	EHLO    string       // name in EHLO; "": the relay's host name
	Pool    string       // accounts of that pool use it; "": all that have none
	Standby bool         // it takes mail only while the others of its pool cannot
	Since   time.Time    // it takes no mail before; zero: it always did
	WarmUp  int          // messages to one provider on its first day there; 0: it needs no warm-up
	Via     *route.Route // another server that all mail of the source goes through; nil: none
}

// Name returns what tells a source from others: its address, or the server that it goes
// through; "" for the zero Source.
func (s *Source) Name() string {
	switch {
	case s.Via != nil:
		return net.JoinHostPort(s.Via.Host, strconv.Itoa(s.Via.Port))
	case s.Addr.IsValid():
		return s.Addr.String()
	}
	return ""
}

// Reaches reports whether a connection from the source to an address is possible: both
// are IPv4, or both IPv6.
func (s *Source) Reaches(to netip.Addr) bool {
	return !s.Addr.IsValid() || s.Addr.Unmap().Is4() == to.Unmap().Is4()
}
