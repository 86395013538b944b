package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"

	"relay/mailer/client"
	"relay/mailer/route"
	"relay/mailer/source"
)

// connection is an open connection to a next hop, after greeting, TLS and login.
type connection struct {
	client  *client.Client
	host    string
	addr    netip.AddrPort
	name    string          // host[address]:port, for traces and logs
	tls     string          // version and cipher, for the same; "": in the clear
	met     demand          // that it was found to meet
	counted map[string]bool // domains that it was counted for, see countTLS
	once    bool            // in the clear for an accident: for one message
	slow    bool            // one command at a time
	unhook  func() bool
}

func (c *connection) hop() hop { return hop{c.host, c.addr} }

// suits reports whether the connection will do for what is left of an attempt.
func (c *connection) suits(a *attempt) bool {
	return c.client.Usable() && !a.tour.moving && !a.tour.shuns(c.hop()) && c.meets(a)
}

// spent reports whether the connection has carried its share, or all that the host
// allows; most: messages, 0 for no limit.
func (c *connection) spent(most int) bool {
	done, theirs := c.client.Transactions(), c.client.Extensions().MailMax
	return c.once || most > 0 && done >= most || theirs > 0 && done >= theirs
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

// hopName is host[address]:port.
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
	lacks  bool // the machine lacks the address that it comes from
	rest   bool // there are hosts that were not tried for want of time
}

var (
	errNoRequireTLS = errors.New("the next hop does not offer it")
	errNoMoreHosts  = errors.New("no more hosts to try")
)

// noTLS reports that the host will not have the TLS at a later attempt either.
func (f *failure) noTLS() bool {
	if e := f.wanted(); e != nil {
		return e.Sure
	}
	_, wrong := errors.AsType[*tls.CertificateVerificationError](f.err.Err)
	return wrong || hostile(f.err.Err) || errors.Is(f.err.Err, client.ErrNoTLS) || errors.Is(f.err.Err, errNoRequireTLS)
}

// connect makes a connection to the next host of the attempt's tour that takes one.
// A message that asks for REQUIRETLS goes only to a host with REQUIRETLS and TLS
// with its own certificate (RFC 8689 §4.2.1); one to a domain with a policy only to
// hosts that are as it wants.
func (w *worker) connect(ctx context.Context, a *attempt) (*connection, *failure) {
	t := &a.tour
	for ctx.Err() == nil {
		to, ok := t.next(&w.m.hosts, a.reached)
		if !ok {
			break
		}
		want := a.demand()
		if err := want.permits(to.host, t.path); err != nil {
			failed := barred(to, err)
			a.countFailed(failed)
			t.fail(failed)
			continue
		}
		w.hangUp()
		w.m.settleDecided(a)
		c, failed := w.m.open(ctx, to, a)
		if failed == nil {
			t.moving = false
			return c, nil
		}
		if failed.lacks = w.m.lacks(a.tour.from, failed.err); failed.lacks {
			return nil, failed
		}
		if ctx.Err() == nil && !failed.unsafe {
			w.m.hosts.failed(to.addr.Addr())
		}
		w.m.logHostFailed(failed)
		a.countFailed(failed)
		a.holdFailure(failed)
		t.fail(failed)
	}
	return nil, t.failure(ctx)
}

// open makes one connection. Where TLS is a bonus and the handshake breaks, it
// dials again without (RFC 7435); where a host closes at EHLO, with HELO (RFC 5321
// §3.2). Such a connection is for one message.
func (m *Mailer) open(ctx context.Context, to hop, a *attempt) (*connection, *failure) {
	t := &a.tour
	d := dialing{m: m, hop: to, from: t.from, path: t.path, mode: t.path.TLS, want: a.demand()}
	if d.want.terms.Clear() {
		d.mode = client.TLSNone
	}
	if d.stricter = d.want.level(to.host) > demanded(d.mode); d.stricter {
		d.mode = client.TLSEncrypted // tlsConfig looks at the certificate
	}
	d.apply(m.hosts.manners(to.addr.Addr()), t.slow)
	c, failed := d.dial(ctx)
	if failed != nil && ctx.Err() == nil {
		if again := d.otherwise(failed); again != nil {
			if c, failed = d.dial(ctx); failed == nil {
				m.hosts.needed(to.addr.Addr(), again)
				c.once = true
			}
		}
	}
	if failed != nil {
		failed.unsafe = d.stricter && (failed.err.Stage == client.StageHandshake || failed.err.Stage == client.StageStartTLS)
		return nil, failed
	}
	if d.want.require && !c.meets(a) {
		c.quit()
		return nil, &failure{err: &client.ConnError{Stage: client.StageHello, Err: errNoRequireTLS}, host: to.host, addr: to.addr, unsafe: true}
	}
	return c, nil
}

// dialing is how a host is dialled.
type dialing struct {
	m        *Mailer
	hop      hop
	from     *source.Source
	path     *route.Path
	mode     client.TLSMode
	want     demand
	times    *client.Timeouts // nil: the configuration's
	stricter bool             // than the path demands
	helo     bool
	slow     bool
}

// bonus reports whether TLS is one: neither the path nor a password asks for it.
func (d *dialing) bonus() bool {
	return (d.mode == client.TLSOpportunistic || d.mode == client.TLSNone) && d.path.Auth == nil
}

// apply speaks as the host needs it, as far as TLS is a bonus.
func (d *dialing) apply(known manners, slow bool) {
	d.slow = known.slow || slow
	if !d.bonus() {
		return
	}
	d.helo = known.helo
	if known.clear {
		d.mode = client.TLSNone
	}
}

// otherwise changes what may have been the reason for a failure, and says which
// habit that is; nil: nothing.
func (d *dialing) otherwise(failed *failure) func(*hostState) *habit {
	stage := failed.err.Stage
	switch {
	case d.mode == client.TLSOpportunistic && (stage == client.StageHandshake || stage == client.StageStartTLS):
		d.mode = client.TLSNone
		return clearHabit
	case d.bonus() && !d.helo && stage == client.StageHello && failed.err.Closed() && !failed.err.Secure:
		d.helo = true
		return heloHabit
	}
	return nil
}

func (d *dialing) dial(ctx context.Context) (*connection, *failure) {
	m, to := d.m, d.hop
	fail := func(err error) *failure {
		ce, ok := errors.AsType[*client.ConnError](err)
		if !ok {
			ce = &client.ConnError{Stage: client.StageConnect, Err: err}
		}
		return &failure{err: d.explain(ce), host: to.host, addr: to.addr}
	}
	within, cancel := context.WithTimeout(ctx, m.config().DialTimeout)
	conn, err := m.config().Dialer.Dial(within, d.from.Addr, to.addr)
	cancel()
	if err != nil {
		return nil, fail(err)
	}
	unhook := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, err := client.New(conn, client.Options{
		Hostname:   d.from.EHLO,
		TLS:        d.mode,
		TLSConfig:  d.tlsConfig(),
		ServerName: d.want.terms.ServerName(to.host),
		Auth:       d.path.Auth,
		Helo:       d.helo,
		OneByOne:   d.slow,
		Timeouts:   d.timeouts(),
	})
	if err != nil {
		unhook()
		return nil, fail(err)
	}
	d.normal(c)
	once := d.mode == client.TLSOpportunistic && c.TLSName() == "" && c.Extensions().StartTLS
	return &connection{client: c, host: to.host, addr: to.addr, name: hopName(to.host, to.addr), tls: c.TLSName(),
		once: once, slow: d.slow, unhook: unhook}, nil
}

// normal forgets the accidents of a host that was spoken to as usual.
func (d *dialing) normal(c *client.Client) {
	if !d.helo {
		d.m.hosts.unneeded(d.hop.addr.Addr(), heloHabit)
	}
	if c.TLSName() != "" {
		d.m.hosts.unneeded(d.hop.addr.Addr(), clearHabit)
	}
}

func (d *dialing) timeouts() client.Timeouts {
	if d.times != nil {
		return *d.times
	}
	return d.m.config().Timeouts
}
