// Package link opens a connection to a next hop, with the TLS that the mail demands, in the
// way that the host is known to need.
package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"

	"relay/mailer/client"
	"relay/mailer/hosts"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/source"
)

// Opener opens connections to next hops.
type Opener struct {
	cfg       *atomic.Pointer[settings.Config]
	hosts     *hosts.Memory
	anyTLS    *tls.Config // takes every certificate
	strictTLS *tls.Config // takes those of the host
}

// New returns an Opener that goes by the configuration in force, and notes in memory which
// habits hosts need.
func New(cfg *atomic.Pointer[settings.Config], memory *hosts.Memory) *Opener {
	return &Opener{
		cfg:   cfg,
		hosts: memory,
		anyTLS: &tls.Config{
			InsecureSkipVerify: true, // nobody vouches for an MX; what is encrypted is better than what is not
			ClientSessionCache: tls.NewLRUClientSessionCache(1000),
		},
		strictTLS: &tls.Config{RootCAs: cfg.Load().RootCAs}, // never a certificate of our own: no authority makes such for clients
	}
}

// Connection is an open connection to a next hop, after greeting, TLS and login.
type Connection struct {
	Client  *client.Client
	Host    string
	Addr    netip.AddrPort
	Name    string          // host[address]:port, for traces and logs
	TLS     string          // version and cipher, for the same; "": in the clear
	met     Demand          // that it was found to meet
	Counted map[string]bool // domains that it was counted for, see attempt.countTLS
	once    bool            // in the clear for an accident: for one message
	Slow    bool            // one command at a time
	Roots   *x509.CertPool  // of certificates that must be valid; nil: the system's
	unhook  func() bool
}

// Hop is the host at the other end, and its address.
func (c *Connection) Hop() hosts.Hop { return hosts.Hop{Host: c.Host, Addr: c.Addr} }

// Spent reports whether the connection has carried its share, or all that the host
// allows; most: messages, 0 for no limit.
func (c *Connection) Spent(most int) bool {
	done, theirs := c.Client.Transactions(), c.Client.Extensions().MailMax
	return c.once || most > 0 && done >= most || theirs > 0 && done >= theirs
}

// Quit says QUIT, and closes the connection.
func (c *Connection) Quit() {
	_ = c.Client.Quit()
	c.unhook()
}

// Drop closes the connection without a word.
func (c *Connection) Drop() {
	_ = c.Client.Close()
	c.unhook()
}

// LastUntil closes the connection with ctx instead of the context that it was
// made in.
func (c *Connection) LastUntil(ctx context.Context) {
	if c.unhook() {
		c.unhook = context.AfterFunc(ctx, func() { _ = c.Client.Close() })
	}
}

// HopName is host[address]:port.
func HopName(host string, addr netip.AddrPort) string {
	if host == "" {
		return ""
	}
	b := make([]byte, 0, len(host)+48)
	b = append(b, host...)
	b = append(b, '[')
	b = addr.Addr().AppendTo(b)
	b = append(b, "]:"...)
	return string(strconv.AppendInt(b, int64(addr.Port()), 10))
}

// Failure is why a site could not be reached, and where the last attempt at it ended.
type Failure struct {
	Err    *client.ConnError
	Host   string
	Addr   netip.AddrPort
	Local  bool // nobody was asked: the reply is our own word
	Unsafe bool // a host can be reached, but not with the TLS that this message asks for
	Lacks  bool // the machine lacks the address that it comes from
	Rest   bool // there are hosts that were not tried for want of time
}

var errNoRequireTLS = errors.New("the next hop does not offer it")

// NoTLS reports that the host will not have the TLS at a later attempt either.
func (f *Failure) NoTLS() bool {
	if e := f.Wanted(); e != nil {
		return e.Sure
	}
	_, wrong := errors.AsType[*tls.CertificateVerificationError](f.Err.Err)
	return wrong || hostile(f.Err.Err) || errors.Is(f.Err.Err, client.ErrNoTLS) || errors.Is(f.Err.Err, errNoRequireTLS)
}

// Open makes one connection. Where TLS is a bonus and the handshake breaks, it
// dials again without (RFC 7435); where a host closes at EHLO, with HELO (RFC 5321
// §3.2). Such a connection is for one message.
func (l *Opener) Open(ctx context.Context, to hosts.Hop, from *source.Source, path *route.Path, want Demand, slow bool) (*Connection, *Failure) {
	d := Dialing{Links: l, Hop: to, From: from, Path: path, Mode: path.TLS, want: want}
	if d.want.Terms.Clear() {
		d.Mode = client.TLSNone
	}
	if d.stricter = d.want.Level(to.Host) > demanded(d.Mode); d.stricter {
		d.Mode = client.TLSEncrypted // tlsConfig looks at the certificate
	}
	d.apply(l.hosts.Manners(to.Addr.Addr()), slow)
	c, failed := d.Dial(ctx)
	if failed != nil && ctx.Err() == nil {
		if again := d.otherwise(failed); again != nil {
			if c, failed = d.Dial(ctx); failed == nil {
				l.hosts.Needed(to.Addr.Addr(), again)
				c.once = true
			}
		}
	}
	if failed != nil {
		failed.Unsafe = d.stricter && (failed.Err.Stage == client.StageHandshake || failed.Err.Stage == client.StageStartTLS)
		return nil, failed
	}
	if d.want.Require && !c.Meets(want, path) {
		c.Quit()
		return nil, &Failure{Err: &client.ConnError{Stage: client.StageHello, Err: errNoRequireTLS}, Host: to.Host, Addr: to.Addr, Unsafe: true}
	}
	return c, nil
}

// Dialing is how a host is dialled.
type Dialing struct {
	Links    *Opener
	Hop      hosts.Hop
	From     *source.Source
	Path     *route.Path
	Mode     client.TLSMode
	want     Demand
	Times    *client.Timeouts // nil: the configuration's
	stricter bool             // than the path demands
	helo     bool
	slow     bool
}

// bonus reports whether TLS is one: neither the path nor a password asks for it.
func (d *Dialing) bonus() bool {
	return (d.Mode == client.TLSOpportunistic || d.Mode == client.TLSNone) && d.Path.Auth == nil
}

// apply speaks as the host needs it, as far as TLS is a bonus.
func (d *Dialing) apply(known hosts.Manners, slow bool) {
	d.slow = known.Slow || slow
	if !d.bonus() {
		return
	}
	d.helo = known.Helo
	if known.Clear {
		d.Mode = client.TLSNone
	}
}

// otherwise changes what may have been the reason for a failure, and says which
// habit that is; nil: nothing.
func (d *Dialing) otherwise(failed *Failure) hosts.Way {
	stage := failed.Err.Stage
	switch {
	case d.Mode == client.TLSOpportunistic && (stage == client.StageHandshake || stage == client.StageStartTLS):
		d.Mode = client.TLSNone
		return hosts.NeedsClear
	case d.bonus() && !d.helo && stage == client.StageHello && failed.Err.Closed() && !failed.Err.Secure:
		d.helo = true
		return hosts.NeedsHelo
	}
	return nil
}

// Dial opens a connection to Hop, once, and says EHLO there. It ends with ctx.
func (d *Dialing) Dial(ctx context.Context) (*Connection, *Failure) {
	cfg, to := d.Links.cfg.Load(), d.Hop
	fail := func(err error) *Failure {
		ce, ok := errors.AsType[*client.ConnError](err)
		if !ok {
			ce = &client.ConnError{Stage: client.StageConnect, Err: err}
		}
		return &Failure{Err: d.explain(ce), Host: to.Host, Addr: to.Addr}
	}
	within, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	conn, err := cfg.Dialer.Dial(within, d.From.Addr, to.Addr)
	cancel()
	if err != nil {
		return nil, fail(err)
	}
	unhook := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, err := client.New(conn, client.Options{
		Hostname:   d.From.EHLO,
		TLS:        d.Mode,
		TLSConfig:  d.tlsConfig(),
		ServerName: d.want.Terms.ServerName(to.Host),
		Auth:       d.Path.Auth,
		Helo:       d.helo,
		OneByOne:   d.slow,
		Timeouts:   d.timeouts(),
	})
	if err != nil {
		unhook()
		return nil, fail(err)
	}
	d.normal(c)
	once := d.Mode == client.TLSOpportunistic && c.TLSName() == "" && c.Extensions().StartTLS
	return &Connection{Client: c, Host: to.Host, Addr: to.Addr, Name: HopName(to.Host, to.Addr), TLS: c.TLSName(),
		once: once, Slow: d.slow, Roots: d.Links.strictTLS.RootCAs, unhook: unhook}, nil
}

// normal forgets the accidents of a host that was spoken to as usual.
func (d *Dialing) normal(c *client.Client) {
	if !d.helo {
		d.Links.hosts.Unneeded(d.Hop.Addr.Addr(), hosts.NeedsHelo)
	}
	if c.TLSName() != "" {
		d.Links.hosts.Unneeded(d.Hop.Addr.Addr(), hosts.NeedsClear)
	}
}

func (d *Dialing) timeouts() client.Timeouts {
	if d.Times != nil {
		return *d.Times
	}
	return d.Links.cfg.Load().Timeouts
}

// Lacks reports whether a connection could not be made because the machine lacks the
// source's address.
func (l *Opener) Lacks(from *source.Source, err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) && l.cfg.Load().Bind(from.Addr) != nil
}
