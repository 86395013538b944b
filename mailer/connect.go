package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"sync"
	"time"

	"relay/mailer/client"
	"relay/mailer/route"
)

// connection is an open connection to a next hop, after greeting, TLS and login.
type connection struct {
	client *client.Client
	host   string
	addr   netip.AddrPort
	strict bool // TLS, the certificate is the host's, and it has REQUIRETLS
	unhook func() bool
}

// suits reports whether the job may go over the connection.
func (c *connection) suits(j *job) bool {
	return c.client.Usable() && (c.strict || !j.message.RequireTLS)
}

func (c *connection) quit() {
	_ = c.client.Quit()
	c.unhook()
}

func (c *connection) drop() {
	_ = c.client.Close()
	c.unhook()
}

// lastUntil closes the connection with ctx instead of the context that it was
// made in.
func (c *connection) lastUntil(ctx context.Context) {
	if c.unhook() {
		c.unhook = context.AfterFunc(ctx, func() { _ = c.client.Close() })
	}
}

// name is host[address]:port, for traces and logs.
func (c *connection) name() string { return hopName(c.host, c.addr) }

func hopName(host string, addr netip.AddrPort) string {
	if host == "" {
		return ""
	}
	b := make([]byte, 0, len(host)+48)
	b = append(b, host...)
	b = append(b, '[')
	b = addr.Addr().AppendTo(b)
	b = append(b, "]:"...)
	return string(appendInt(b, int64(addr.Port())))
}

// failure is why a site could not be reached, and where the last attempt at it ended.
type failure struct {
	err    *client.ConnError
	host   string
	addr   netip.AddrPort
	local  bool // nobody was asked: the reply is our own word
	unsafe bool // a host can be reached, but not with the TLS that this message asks for
}

var errNoRequireTLS = errors.New("the next hop does not offer it")

// noTLS reports that the host will not have the TLS at a later attempt either.
func (f *failure) noTLS() bool {
	_, wrong := errors.AsType[*tls.CertificateVerificationError](f.err.Err)
	return wrong || errors.Is(f.err.Err, client.ErrNoTLS) || errors.Is(f.err.Err, errNoRequireTLS)
}

// maxDials is how many addresses are tried for one connection.
const maxDials = 8

// connect tries the hosts of a path in their order, without those that were dead
// a short while ago if there are others. With strict, only a host with REQUIRETLS
// and TLS with its own certificate will do (RFC 8689 §4.2.1).
func (m *Mailer) connect(ctx context.Context, path *route.Path, strict bool) (*connection, *failure) {
	var worst *failure
	unsafe := false
	for i, hop := range m.hosts.order(path) {
		if i == maxDials || ctx.Err() != nil {
			break
		}
		c, failed := m.open(ctx, hop, path, strict)
		if failed == nil {
			m.hosts.alive(hop.addr.Addr())
			return c, nil
		}
		if ctx.Err() == nil && !failed.unsafe {
			m.hosts.dead(hop.addr.Addr())
		}
		m.logHostFailed(failed)
		unsafe = unsafe || failed.unsafe
		if worst == nil || worst.noTLS() {
			worst = failed
		}
	}
	if worst == nil {
		worst = &failure{err: &client.ConnError{Stage: client.StageConnect, Err: context.Cause(ctx)}, local: true}
	}
	worst.unsafe = unsafe
	return nil, worst
}

// open makes one connection. Where TLS is a bonus and the handshake breaks, it
// dials again without (RFC 7435).
func (m *Mailer) open(ctx context.Context, hop hop, path *route.Path, strict bool) (*connection, *failure) {
	mode := path.TLS
	stricter := strict && mode != client.TLSImplicit && mode != client.TLSRequired
	if stricter {
		mode = client.TLSRequired
	}
	if mode == client.TLSOpportunistic && m.hosts.plain(hop.host) {
		mode = client.TLSNone
	}
	c, failed := m.dial(ctx, hop, path, mode)
	if failed != nil && mode == client.TLSOpportunistic && ctx.Err() == nil &&
		(failed.err.Stage == client.StageHandshake || failed.err.Stage == client.StageStartTLS) {
		c, failed = m.dial(ctx, hop, path, client.TLSNone)
		if failed == nil {
			m.hosts.setPlain(hop.host)
		}
	}
	if failed != nil {
		failed.unsafe = stricter && (failed.err.Stage == client.StageHandshake || failed.err.Stage == client.StageStartTLS)
		return nil, failed
	}
	c.strict = (mode == client.TLSRequired || mode == client.TLSImplicit) && c.client.Extensions().RequireTLS
	if strict && !c.strict {
		c.quit()
		return nil, &failure{err: &client.ConnError{Stage: client.StageHello, Err: errNoRequireTLS}, host: hop.host, addr: hop.addr, unsafe: true}
	}
	return c, nil
}

func (m *Mailer) dial(ctx context.Context, hop hop, path *route.Path, mode client.TLSMode) (*connection, *failure) {
	fail := func(err error) *failure {
		ce, ok := errors.AsType[*client.ConnError](err)
		if !ok {
			ce = &client.ConnError{Stage: client.StageConnect, Err: err}
		}
		return &failure{err: ce, host: hop.host, addr: hop.addr}
	}
	within, cancel := context.WithTimeout(ctx, m.config().DialTimeout)
	conn, err := m.config().Dialer.Dial(within, m.config().Egress.Addr, hop.addr)
	cancel()
	if err != nil {
		return nil, fail(err)
	}
	unhook := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, err := client.New(conn, client.Options{
		Hostname:   m.config().Egress.Name,
		TLS:        mode,
		TLSConfig:  m.tlsConfig(mode),
		ServerName: hop.host,
		Auth:       path.Auth,
		Timeouts:   m.config().Timeouts,
	})
	if err != nil {
		unhook()
		return nil, fail(err)
	}
	return &connection{client: c, host: hop.host, addr: hop.addr, unhook: unhook}, nil
}

func (m *Mailer) tlsConfig(mode client.TLSMode) *tls.Config {
	if mode == client.TLSOpportunistic {
		return m.anyTLS
	}
	return m.strictTLS
}

// hop is one address of a next hop.
type hop struct {
	host string
	addr netip.AddrPort
}

// hostMemory is what connections found out about hosts. It is shared by all
// workers and forgets by itself.
type hostMemory struct {
	mu    sync.Mutex
	down  map[netip.Addr]time.Time // not tried before others until then
	broke map[string]time.Time     // TLS is not tried until then
}

const (
	deadLife  = 5 * time.Minute
	plainLife = time.Hour
	maxHosts  = 20_000
)

// order is the addresses of a path that are not dead; all, if there is no other.
func (h *hostMemory) order(path *route.Path) []hop {
	now := time.Now()
	var good, bad []hop
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range path.Hosts {
		host := &path.Hosts[i]
		for _, a := range host.Addrs {
			to := hop{host.Name, netip.AddrPortFrom(a, uint16(path.Port))}
			if now.Before(h.down[a]) {
				bad = append(bad, to)
			} else {
				good = append(good, to)
			}
		}
	}
	if len(good) == 0 {
		return bad
	}
	return good
}

func (h *hostMemory) dead(a netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down == nil || len(h.down) >= maxHosts {
		h.down = map[netip.Addr]time.Time{}
	}
	h.down[a] = time.Now().Add(deadLife)
}

func (h *hostMemory) alive(a netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.down, a)
}

func (h *hostMemory) plain(host string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Before(h.broke[host])
}

func (h *hostMemory) setPlain(host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broke == nil || len(h.broke) >= maxHosts {
		h.broke = map[string]time.Time{}
	}
	h.broke[host] = time.Now().Add(plainLife)
}

func (h *hostMemory) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down, h.broke = nil, nil
}
