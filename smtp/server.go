package smtp

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"relay/store"
)

// Server takes mail from clients.
type Server struct {
	st     *store.Store
	cfg    Config
	events events
	tls    *tls.Config
	lib    *gosmtp.Server
	gate   *gate
	logins *logins

	helo []byte    // reply to HELO
	ehlo [3][]byte // reply to EHLO: plain, plain with STARTTLS, TLS

	draining atomic.Bool
	stopping chan struct{} // closed when draining begins
	mu       sync.Mutex
	conns    map[*Conn]struct{}
	live     sync.WaitGroup // conns
}

// New makes a listener for the store.
func New(st *store.Store, cfg Config, log *slog.Logger) (*Server, error) {
	if cfg.Zone == nil {
		cfg.Zone = st.Zone()
	}
	cfg = cfg.withDefaults()
	if !isDomain(cfg.Hostname) && cfg.Hostname[0] != '[' {
		return nil, fmt.Errorf("smtp: host name %q is not a domain", cfg.Hostname)
	}
	if log == nil {
		log = slog.Default()
	}
	s := &Server{st: st, cfg: cfg, events: newEvents(log), logins: newLogins(),
		stopping: make(chan struct{}), conns: make(map[*Conn]struct{})}
	s.gate = newGate(&s.cfg)
	if cfg.TLS != nil {
		s.tls = cfg.TLS.Clone()
		s.tls.MinVersion = max(s.tls.MinVersion, tls.VersionTLS12)
	}
	s.announce()
	s.lib = gosmtp.NewServer(gosmtp.BackendFunc(func(c *gosmtp.Conn) (gosmtp.Session, error) {
		return &c.Conn().(*Conn).session, nil
	}))
	s.lib.Domain = cfg.Hostname
	s.lib.AllowInsecureAuth = true // Conn decides
	s.lib.MaxLineLength = 0        // Conn's lines are short
	s.lib.ErrorLog = s.events
	return s, nil
}

// announce makes the replies to EHLO once.
func (s *Server) announce() {
	s.helo = []byte("250 " + s.cfg.Hostname + "\r\n")
	size := "SIZE " + strconv.FormatInt(s.cfg.MaxMessage, 10)
	if s.cfg.MaxMessage > 1<<50 {
		size = "SIZE 0" // no maximum (RFC 1870 §3)
	}
	always := []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN", size}
	for i, more := range [][]string{{}, {"STARTTLS"}, {"AUTH PLAIN LOGIN", "REQUIRETLS"}} {
		b := []byte("250-" + s.cfg.Hostname + "\r\n")
		for _, word := range append(more, always...) {
			b = append(b, "250-"+word+"\r\n"...)
		}
		s.ehlo[i] = append(b, "250 ENHANCEDSTATUSCODES\r\n"...)
	}
}

func (s *Server) hello(mode Mode, secure bool) []byte {
	switch {
	case secure:
		return s.ehlo[2]
	case mode == StartTLS:
		return s.ehlo[1]
	}
	return s.ehlo[0]
}

// Bans lists the addresses that are kept out for failed logins.
func (s *Server) Bans() []Ban { return s.gate.bans() }

// LiftBan forgets the failed logins of an address and reports whether it was
// banned.
func (s *Server) LiftBan(a netip.Addr) bool { return s.gate.lift(a) }

// Run takes mail from the listeners until ctx is done. Then it closes them, tells
// idle clients 421, lets messages that are coming in finish within Config.Drain
// and returns when the last connection has ended. A listener that fails ends it
// the same way, with its error.
func (s *Server) Run(ctx context.Context, ls []Listener) error {
	for _, l := range ls {
		if l.Mode != None && s.tls == nil {
			return fmt.Errorf("smtp: listener %s needs TLS", l.Addr())
		}
	}
	var serving sync.WaitGroup
	failed := make(chan error, len(ls))
	for _, l := range ls {
		serving.Go(func() { failed <- s.lib.Serve(&listener{l, s}) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("smtp: %w", err)
	}
	s.drain(ls, &serving)
	return err
}

// drain ends everything. Its order matters to go-smtp: no connection may be
// added while it waits, and its Close would not end any after its Shutdown.
func (s *Server) drain(ls []Listener, serving *sync.WaitGroup) {
	begin := time.Now()
	s.draining.Store(true)
	close(s.stopping)
	for _, l := range ls {
		_ = l.Close()
	}
	serving.Wait()
	s.each((*Conn).poke)
	gone := make(chan struct{})
	go func() { s.live.Wait(); close(gone) }()
	t := time.NewTimer(s.cfg.Drain)
	defer t.Stop()
	left := 0
	select {
	case <-gone:
	case <-t.C:
		left = s.each((*Conn).kill)
		<-gone
	}
	_ = s.lib.Shutdown(context.Background())
	s.events.drained(left, time.Since(begin))
}

func (s *Server) each(fn func(*Conn)) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		fn(c)
	}
	return len(s.conns)
}

// listener hands go-smtp our connections.
type listener struct {
	Listener
	s *Server
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.s.add(raw, l.Mode); c != nil {
			return c, nil
		}
	}
}

// add counts a connection; nil: there are far too many.
func (s *Server) add(raw net.Conn, mode Mode) *Conn {
	addr := remote(raw)
	away, ok := s.gate.enter(addr)
	if !ok {
		_ = raw.Close()
		return nil
	}
	c := &Conn{srv: s, raw: raw, cur: raw, mode: mode, addr: addr, client: addr.String(), away: away}
	c.session.c = c
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.live.Add(1)
	if away != nil {
		s.events.turnedAway(c, away)
	}
	return c
}

func (s *Server) remove(c *Conn) {
	s.gate.leave(c.addr, c.away != nil)
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.live.Done()
}

// remote is the client's address without port; the zero one when it has none.
func remote(c net.Conn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.IPv6Unspecified()
	}
	return a.Addr().Unmap().WithZone("")
}
