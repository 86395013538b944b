package smtp

import (
	"net/netip"
	"time"

	"relay/smtp/guard"
	"relay/smtp/wire"
)

// A reseller's token counts like a login: guesses at either are kept out of both.

// Exempt reports whether nothing is counted for an address: loopback, or a listed
// proxy.
func (s *Server) Exempt(a netip.Addr) bool { return a.IsLoopback() || s.cfg().Proxies.Has(a) }

// Banned is until when an address is kept out for failed logins; zero: it is not.
func (s *Server) Banned(a netip.Addr) time.Time {
	if s.Exempt(a) {
		return time.Time{}
	}
	return s.guard.Banned(wire.Site(a)).Until
}

// WrongToken counts a token that nobody has as a failed login of the address, and
// returns when it may be answered.
func (s *Server) WrongToken(a netip.Addr, token string) {
	begin, cfg := time.Now(), s.cfg()
	f := guard.Failure{Failed: 1}
	var bans []guard.Ban
	if !s.Exempt(a) {
		limits := cfg.guardLimits()
		f, bans = s.guard.WrongToken(&limits, wire.Site(a), token)
	}
	s.events.wrongToken(a, f)
	for _, b := range bans {
		s.events.banned(b)
	}
	s.wait(begin, loginDelay(cfg.LoginDelay, f.Failed))
}
