package visit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/knock"
	"relay/mailer/client"
	"relay/store/maildomain"
)

// door is a port of the server, and what its addresses answered there.
type door struct {
	port  Port
	tries []try
	best  *try // that is open; nil: none

	verified error // what is wrong with its certificate
}

// open reports whether a mail program can turn to TLS there.
func (d door) open() bool { return d.best != nil }

// try is a connection to an address.
type try struct {
	at    netip.AddrPort
	err   error
	heard string               // what the server said first, in the clear
	tls   *tls.ConnectionState // nil: no handshake was done
}

// doors knocks at all ports of all addresses at once.
func (v *visit) doors(ctx context.Context, addresses []netip.Addr) []door {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	list := make([]door, len(v.Ports))
	var all sync.WaitGroup
	for i, p := range v.Ports {
		list[i] = door{port: p, tries: make([]try, len(addresses))}
		for k, a := range addresses {
			t := &list[i].tries[k]
			t.at = netip.AddrPortFrom(a, p.Number)
			all.Go(func() { v.knock(ctx, p, t) })
		}
	}
	all.Wait()
	any := false
	for i := range list {
		d := &list[i]
		for k := range d.tries {
			if t := &d.tries[k]; t.err == nil && d.best == nil {
				d.best, any = t, true
			}
		}
	}
	for i := range list {
		v.judge(&list[i], any)
	}
	return list
}

// knock greets a door, turns to TLS and leaves. Any certificate will do: it is judged later.
func (v *visit) knock(ctx context.Context, p Port, t *try) {
	var c *client.Client
	c, t.heard, t.err = v.greet(ctx, p, t.at, &tls.Config{MinVersion: tls.VersionTLS10, InsecureSkipVerify: true, ServerName: v.Server}, nil)
	if t.err == nil {
		t.tls = c.TLS()
		_ = c.Quit() // it has served
	}
}

// times are what a mail program would wait at most, so that all of the test is bounded.
var times = client.Timeouts{Reach: 30 * time.Second, Greeting: 10 * time.Second, Hello: 10 * time.Second, Handshake: 10 * time.Second,
	Auth: 20 * time.Second, Mail: 20 * time.Second, Rcpt: 20 * time.Second, Data: 20 * time.Second, Block: 20 * time.Second, End: time.Minute, Quit: 2 * time.Second}

// greet connects, and logs in with auth. The error of a connection that is not there has
// StageConnect.
func (v *visit) greet(ctx context.Context, p Port, at netip.AddrPort, cfg *tls.Config, auth *client.Auth) (c *client.Client, heard string, err error) {
	raw, err := v.Dial(ctx, "tcp", at.String())
	if err != nil {
		return nil, "", &client.ConnError{Stage: client.StageConnect, Err: err}
	}
	conn := &listener{Conn: raw}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	mode := client.TLSRequired
	if p.Implicit {
		mode = client.TLSImplicit
	}
	c, err = client.New(conn, client.Options{Hostname: literal(raw.LocalAddr()), TLS: mode, TLSConfig: cfg, Auth: auth, Timeouts: times})
	if !stop() && err != nil { // the time was over: what the closed connection says tells nothing
		err = &client.ConnError{Stage: stageOf(err), Err: context.DeadlineExceeded}
	}
	return c, conn.said(), err
}

func stageOf(err error) client.Stage {
	if e, ok := err.(*client.ConnError); ok {
		return e.Stage
	}
	return client.StageConnect
}

// literal is the EHLO name of a machine that has none to speak of (RFC 5321 §4.1.3).
func literal(a net.Addr) string {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return ""
	}
	return maildomain.AddressLiteral(at.Addr().Unmap().WithZone(""))
}

// listener keeps what a server says first.
type listener struct {
	net.Conn
	mu    sync.Mutex
	heard []byte
}

// mostHeard is more than a greeting and the extensions take.
const mostHeard = 2 << 10

func (l *listener) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, p[:min(n, mostHeard-len(l.heard))]...)
	return n, err
}

func (l *listener) said() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.heard)
}

// judge says of a port what a mail program can do there. A port that is shut is no fault where
// others are open.
func (v *visit) judge(d *door, others bool) {
	name := "port " + d.port.String()
	if d.best == nil {
		t := d.worst()
		detail, advice := t.why(d.port)
		if others {
			v.add(name, finding.Warning, "", "%s; use another port", detail)
			return
		}
		code := exit.Unreachable
		if e, ok := t.err.(*client.ConnError); ok && e.Reply.Temporary() && e.Reply.Code != 0 {
			code = exit.TryAgain
		}
		v.fail(code, name, advice, "%s", detail)
		return
	}
	good := d.port.way() + ", " + tls.VersionName(d.best.tls.Version) + " by " + d.families()
	switch t := d.failing(); {
	case d.best.tls.Version < tls.VersionTLS12:
		v.add(name, finding.Warning, "mail programs of today refuse it; your provider has to offer TLS 1.2 or 1.3", "%s", good)
	case t != nil:
		detail, advice := t.why(d.port)
		v.add(name, finding.Warning, advice, "%s; %s: %s", good, t.at.Addr(), detail)
	default:
		v.add(name, finding.OK, "", "%s", good)
	}
}

// families are the kinds of addresses by which a port is open.
func (d *door) families() string {
	four, six := false, false
	for _, t := range d.tries {
		if t.err == nil {
			four, six = four || t.at.Addr().Is4(), six || t.at.Addr().Is6()
		}
	}
	switch {
	case four && six:
		return "IPv4 and IPv6"
	case six:
		return "IPv6"
	}
	return "IPv4"
}

// failing is an address of an open port where it is shut; nil: there is none. That this
// machine has no IPv6 is no fault of the server's.
func (d *door) failing() *try {
	for i := range d.tries {
		if t := &d.tries[i]; t.err != nil && !t.noWay() {
			return t
		}
	}
	return nil
}

// worst is the address whose failure says most.
func (d *door) worst() *try {
	if t := d.failing(); t != nil {
		return t
	}
	return &d.tries[0]
}

// chain of certificates that a server showed.
func (t *try) chain() []*x509.Certificate { return t.tls.PeerCertificates }

// verify judges them as mail programs of this machine do.
func (t *try) verify(name string) error { return knock.Verify(t.chain(), name, time.Now()) }

// firstLine of what a server said, for a detail.
func firstLine(heard string) string {
	line, _, _ := strings.Cut(heard, "\n")
	return client.OneLine(strings.TrimSpace(line))
}
