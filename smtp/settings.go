package smtp

import (
	"crypto/tls"
	"strconv"
)

// settings are a configuration as connections use it. They never change: a
// connection keeps those it began with.
type settings struct {
	Config
	tls  *tls.Config
	helo []byte    // reply to HELO
	ehlo [3][]byte // reply to EHLO: plain, plain with STARTTLS, TLS
}

// newSettings takes a configuration without zeroes.
func newSettings(cfg Config) *settings {
	s := &settings{Config: cfg, helo: []byte("250 " + cfg.Hostname + "\r\n")}
	if cfg.TLS != nil {
		s.tls = cfg.TLS.Clone()
		s.tls.MinVersion = max(s.tls.MinVersion, tls.VersionTLS12)
	}
	size := "SIZE " + strconv.FormatInt(cfg.MaxMessage, 10)
	if cfg.MaxMessage > 1<<50 {
		size = "SIZE 0" // no maximum (RFC 1870 §3)
	}
	always := []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN", size}
	for i, more := range [][]string{{}, {"STARTTLS"}, {"AUTH PLAIN LOGIN", "REQUIRETLS"}} {
		b := []byte("250-" + cfg.Hostname + "\r\n")
		for _, word := range append(more, always...) {
			b = append(b, "250-"+word+"\r\n"...)
		}
		s.ehlo[i] = append(b, "250 ENHANCEDSTATUSCODES\r\n"...)
	}
	return s
}

func (s *settings) hello(mode Mode, secure bool) []byte {
	switch {
	case secure:
		return s.ehlo[2]
	case mode == StartTLS:
		return s.ehlo[1]
	}
	return s.ehlo[0]
}

// Reconfigure has connections that begin from now on use another configuration;
// those that are open keep theirs, limits that are counted over all of them
// (connections, failed logins, rates) hold for new ones. Bans in force and what
// was counted stay. Hostname and Zone are for the life of the server: what c has
// of them is ignored, and so is a TLS that is nil. It may be called from any
// goroutine.
func (s *Server) Reconfigure(c Config) {
	was := s.cfg()
	c.Hostname, c.Zone = was.Hostname, was.Zone
	if c.TLS == nil {
		c.TLS = was.TLS
	}
	s.set.Store(newSettings(c.withDefaults()))
}
