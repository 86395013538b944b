package backmail

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"relay/smtp/wire"
	"relay/store"
	"relay/store/maildomain"
)

// Server takes mail for relay's own addresses.
type Server struct {
	st     *store.Store
	names  Names
	zone   *time.Location
	set    atomic.Pointer[settings]
	events events
	gate   *wire.Gate
	pace   *pace
	floods *floods
	meters Meters

	draining atomic.Bool
	mu       sync.Mutex
	conns    map[*conn]struct{}
	live     sync.WaitGroup // conns
}

// settings are a configuration as connections use it: each keeps those that it began with.
type settings struct {
	Config
	tls  *tls.Config // nil: STARTTLS is not offered
	ehlo [2][]byte   // reply to EHLO: in clear, under TLS
}

// New makes a listener for the store. Names and Zone are for its life.
func New(st *store.Store, cfg Config, log *slog.Logger) (*Server, error) {
	if !maildomain.IsName(cfg.Names.Domain) || !maildomain.IsName(cfg.Names.Host) {
		return nil, fmt.Errorf("back-mail: %q or %q is not a domain", cfg.Names.Domain, cfg.Names.Host)
	}
	if cfg.Zone == nil {
		cfg.Zone = st.Zone()
	}
	s := &Server{st: st, names: cfg.Names, zone: cfg.Zone, events: newEvents(log), gate: wire.NewGate(), pace: newPace(), floods: newFloods(),
		conns: make(map[*conn]struct{})}
	s.Reconfigure(cfg)
	return s, nil
}

// Reconfigure has connections that begin from now on use another configuration. It may be
// called from any goroutine.
func (s *Server) Reconfigure(c Config) {
	c.Names, c.Zone = s.names, s.zone
	c = c.withDefaults()
	is := &settings{Config: c}
	if c.TLS != nil {
		is.tls = c.TLS.Clone()
		is.tls.MinVersion = max(is.tls.MinVersion, tls.VersionTLS12)
		is.tls.SessionTicketsDisabled = true // strangers come once: a ticket costs them and us, and helps nobody
	}
	for i, more := range [][]string{{"STARTTLS"}, {}} {
		if is.tls == nil {
			more = nil
		}
		is.ehlo[i] = greeting(c.Names.Host, c.MaxMessage, more)
	}
	s.set.Store(is)
}

func greeting(host string, size int64, more []string) []byte {
	b := []byte("250-" + host + "\r\n")
	for _, word := range append(more, "PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "SIZE "+strconv.FormatInt(size, 10)) {
		b = append(b, "250-"+word+"\r\n"...)
	}
	return append(b, "250 ENHANCEDSTATUSCODES\r\n"...)
}

// Run takes mail from the listeners until ctx is done. Then it closes them, tells
// idle clients 421, lets messages that are coming in finish within Config.Drain
// and returns when the last connection has ended. A listener that fails ends it
// the same way, with its error.
func (s *Server) Run(ctx context.Context, ls []net.Listener) error {
	var serving sync.WaitGroup
	failed := make(chan error, len(ls))
	for _, l := range ls {
		serving.Go(func() { failed <- s.serve(l) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("back-mail: %w", err)
	}
	s.draining.Store(true)
	for _, l := range ls {
		_ = l.Close()
	}
	serving.Wait()
	s.drain()
	return err
}

// drain ends the connections that are left.
func (s *Server) drain() {
	s.each(func(c *conn) { c.Poke() })
	gone := make(chan struct{})
	go func() { s.live.Wait(); close(gone) }()
	t := time.NewTimer(s.set.Load().Drain)
	defer t.Stop()
	select {
	case <-gone:
	case <-t.C:
		s.each(func(c *conn) { c.Kill() })
		<-gone
	}
	s.events.quiet.Flush()
}

func (s *Server) each(fn func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		fn(c)
	}
}

// serve takes connections from a listener until it is closed, which is no error while
// the server drains. It waits while the process has too many files open.
func (s *Server) serve(l net.Listener) error {
	for {
		raw, err := l.Accept()
		switch {
		case err == nil:
			s.begin(raw)
		case s.draining.Load():
			return nil
		case isPassing(err):
			time.Sleep(50 * time.Millisecond)
		default:
			return err
		}
	}
}

// isPassing reports an error such as too many open files.
func isPassing(err error) bool {
	passing, ok := err.(interface{ Temporary() bool })
	return ok && passing.Temporary()
}

// begin counts a connection and has a goroutine serve it. When there are far too many it
// is closed without a word. Of one that comes through a proxy the address is not known yet.
func (s *Server) begin(raw net.Conn) {
	c := newConn(s, raw)
	away, ok := s.gate.Enter(c.cfg.Connections)
	if !ok {
		_ = raw.Close()
		return
	}
	c.away = away
	if away == nil && !c.proxied && !c.admit() {
		s.gate.Leave(c.counts(), true)
		_ = raw.Close()
		return
	}
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.live.Add(1)
	go c.serve()
}

func (s *Server) remove(c *conn) {
	s.gate.Leave(c.counts(), c.away != nil)
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.live.Done()
}
