package smtp

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"relay/smtp/align"
	"relay/smtp/guard"
	"relay/smtp/wire"
	"relay/store"
	"relay/store/maildomain"
)

// Server takes mail from clients.
type Server struct {
	st     *store.Store
	set    atomic.Pointer[settings]
	events events
	lib    *gosmtp.Server
	gate   *wire.Gate
	guard  *guard.Guard
	rates  *rates
	judge  *align.Judge // nil: nobody judges
	meters Meters

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
	if !maildomain.IsName(cfg.Hostname) && cfg.Hostname[0] != '[' {
		return nil, fmt.Errorf("smtp: host name %q is not a domain", cfg.Hostname)
	}
	if log == nil {
		log = slog.Default()
	}
	g, err := guard.New(st)
	if err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	s := &Server{st: st, events: newEvents(log), gate: wire.NewGate(), guard: g, rates: newRates(),
		judge: cfg.Judge, stopping: make(chan struct{}), conns: make(map[*Conn]struct{})}
	s.set.Store(newSettings(cfg))
	s.lib = gosmtp.NewServer(gosmtp.BackendFunc(func(c *gosmtp.Conn) (gosmtp.Session, error) {
		return &c.Conn().(*Conn).session, nil
	}))
	s.lib.Domain = cfg.Hostname
	s.lib.AllowInsecureAuth = true // Conn decides
	s.lib.MaxLineLength = 0        // Conn's lines are short
	s.lib.ErrorLog = s.events
	return s, nil
}

// Guard of the server: it knows the bans, and lifts them.
func (s *Server) Guard() *guard.Guard { return s.guard }

// cfg is what holds for connections that begin now.
func (s *Server) cfg() *settings { return s.set.Load() }

// Run takes mail from the listeners until ctx is done. Then it closes them, tells
// idle clients 421, lets messages that are coming in finish within Config.Drain
// and returns when the last connection has ended. A listener that fails ends it
// the same way, with its error.
func (s *Server) Run(ctx context.Context, ls []Listener) error {
	for _, l := range ls {
		if l.Mode != None && s.cfg().tls == nil {
			return fmt.Errorf("smtp: listener %s needs TLS", l.Addr())
		}
	}
	var serving sync.WaitGroup
	failed := make(chan error, len(ls))
	for _, l := range ls {
		serving.Go(func() { failed <- s.lib.Serve(&listener{l, s}) })
	}
	drained := make(chan struct{})
	var saving sync.WaitGroup
	saving.Go(func() { s.guard.Run(drained, s.events.placesSaved) })
	if s.judge != nil {
		saving.Go(func() { s.judge.Run(drained) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("smtp: %w", err)
	}
	s.drain(ls, &serving)
	close(drained)
	saving.Wait()
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
	s.each((*Conn).Poke)
	gone := make(chan struct{})
	go func() { s.live.Wait(); close(gone) }()
	t := time.NewTimer(s.cfg().Drain)
	defer t.Stop()
	left := 0
	select {
	case <-gone:
	case <-t.C:
		left = s.each((*Conn).Kill)
		<-gone
	}
	_ = s.lib.Shutdown(context.Background())
	s.events.quiet.Flush()
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

// add counts a connection; nil: there are far too many. Of one that comes through
// a proxy the address is not known yet.
func (s *Server) add(raw net.Conn, mode Mode) *Conn {
	cfg, addr := s.cfg(), remote(raw)
	away, ok := s.gate.Enter(wire.Room(cfg.Connections, cfg.Proxies.Has(addr) || s.knows(addr)))
	if !ok {
		_ = raw.Close()
		return nil
	}
	c := &Conn{srv: s, cfg: cfg, mode: mode, begun: time.Now(), away: away, proxied: cfg.Proxies.Has(addr)}
	c.begin(raw)
	c.session.c = c
	c.from(addr)
	if away == nil && !c.proxied && !c.admit(false) {
		s.gate.Leave(netip.Prefix{}, true)
		_ = raw.Close()
		return nil
	}
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.live.Add(1)
	if away != nil {
		s.events.turnedAway(c, away)
	}
	return c
}

// knows reports whether somebody logged in from an address lately, or is known by
// its network.
func (s *Server) knows(a netip.Addr) bool {
	if a.IsLoopback() || s.guard.Knows(wire.Site(a)) {
		return true
	}
	_, ok := s.st.People.NetworkAccount(a)
	return ok
}

func (s *Server) remove(c *Conn) {
	s.gate.Leave(c.site, c.away != nil)
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
