package visit

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"relay/cli/finding"
)

var (
	errRefused = os.NewSyscallError("connect", syscall.ECONNREFUSED)
	errNoWay   = os.NewSyscallError("connect", syscall.ENETUNREACH)
	errLate    = os.ErrDeadlineExceeded
)

// visited runs a test in a bubble, where the server is the same at all ports but those that
// change alters.
func visited(t *testing.T, o Options, change func(world)) (found []finding.Finding, code int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := world{}
		for _, p := range Ports {
			w[p.String()] = &double{cert: good, password: "secret", got: &strings.Builder{}}
		}
		change(w)
		o.Server, o.Dial = or(o.Server, host), w.dial
		if o.Ports == nil {
			o.Ports = Ports
		}
		if o.Look == nil {
			o.Look = func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, nil
			}
		}
		found, code = o.Run(t.Context())
		synctest.Wait()
	})
	return found, code
}

var good = authority.leaf(host, 200)

// on is that change of some ports; of none: of all.
func on(change func(*double), ports ...string) func(world) {
	return func(w world) {
		for p, d := range w {
			if len(ports) == 0 || slices.Contains(ports, p) {
				change(d)
			}
		}
	}
}

func lines(found []finding.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s: %s", f.Status, f.Check, f.Detail)
		if f.Advice != "" {
			fmt.Fprintf(&b, " -> %s", f.Advice)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func none(world) {}

// What is in the way of a customer is named, with what to do, and scripts know it by the exit
// code.
func TestOptions_Run(t *testing.T) {
	login := Options{Login: "acme", Password: "secret", To: "you@example.net"}
	reply := func(word, text string) func(world) {
		return on(func(d *double) { d.replies = map[string]string{word: text} })
	}
	other := func(greeting string) func(world) { return on(func(d *double) { d.greeting = greeting }) }
	cert := func(c tls.Certificate) func(world) { return on(func(d *double) { d.cert = c }) }
	failing := func(err error, ports ...string) func(world) { return on(func(d *double) { d.dial = err }, ports...) }
	cutOff := newAuthority("Other CA").leaf(host, 200)
	cutOff.Certificate = cutOff.Certificate[:1]
	for _, c := range []struct {
		name   string
		o      Options
		change func(world)
		code   int
		want   []string // parts of lines, in order
		not    string   // no part of any
	}{
		{"all is well, before buying", Options{}, none, 0, []string{"ok name: smtp.example.org: 192.0.2.1, 2001:db8::1", "ok port 587: STARTTLS, TLS 1.3 by IPv4 and IPv6", "ok port 465: TLS at once, TLS 1.3", "ok port 2525: STARTTLS", "ok certificate: for smtp.example.org, by Example CA, until "}, "login"},
		{"all is well", login, none, 0, []string{"ok certificate:", "ok login: acme, by port 587", "ok message: from you@example.net to you@example.net: 250 2.0.0 queued as 01KBA2V3", "ok way: handed over by port 587, STARTTLS, TLS 1.3, as acme"}, "failed"},
		{"no message is wanted", Options{Login: "acme", Password: "secret"}, none, 0, []string{"ok login", "warning message: none is sent -> --to"}, "way"},

		{"a port is refused", login, failing(errRefused, "587"), 0, []string{"warning port 587: connection refused; use another port", "ok login: acme, by port 465"}, "failed"},
		{"a port is blocked", Options{}, failing(errLate, "587", "2525"), 0, []string{"warning port 587: no answer; use", "ok port 465", "warning port 2525: no answer"}, "failed"},
		{"all ports are blocked", login, failing(errLate), 69, []string{"failed port 587: no answer -> a firewall", "failed port 465", "failed port 2525"}, "login"},
		{"all ports are refused", login, failing(errRefused), 69, []string{"failed port 587: connection refused -> nothing listens there"}, "login"},
		{"a machine without a network", login, failing(errNoWay), 69, []string{"failed port 587: this machine has no way to 192.0.2.1 -> see whether it is online"}, "login"},
		{"a machine without IPv6", login, func(w world) {
			for _, p := range Ports {
				w["[2001:db8::1]:"+p.String()] = &double{dial: errNoWay}
			}
		}, 0, []string{"ok port 587: STARTTLS, TLS 1.3 by IPv4", "ok message"}, "2001:db8::1:"},
		{"IPv6 is blocked", login, func(w world) { w["[2001:db8::1]:587"] = &double{dial: errLate} }, 0, []string{"warning port 587: STARTTLS, TLS 1.3 by IPv4; 2001:db8::1: no answer -> a firewall", "ok login: acme, by port 587"}, "failed"},
		{"nothing is said", Options{}, on(func(d *double) { d.silent = true }), 69, []string{"failed port 587: connected, but nothing is said -> a proxy", "failed port 465: connected, but nothing is said at TLS handshake"}, ""},
		{"it is cut", Options{}, on(func(d *double) { d.cut = true }), 69, []string{"failed port 587: the connection is cut -> a firewall or an antivirus", "failed port 465: the connection is cut at TLS handshake"}, ""},
		{"another server", Options{}, other("SSH-2.0-OpenSSH_9.6"), 69, []string{`failed port 587: no mail server answers: "SSH-2.0-OpenSSH_9.6" -> something on the way`, `failed port 465: no mail server answers: "SSH-2.0-OpenSSH_9.6"`}, ""},
		{"no TLS on its port", Options{Ports: []Port{{465, true}}}, other("220 smtp.example.org ESMTP"), 69, []string{`failed port 465: answers without TLS: "220 smtp.example.org ESMTP" -> the port turns to TLS by STARTTLS: --ports 465/starttls`}, ""},
		{"it wants nobody", Options{}, other("554 5.7.1 your address is listed"), 69, []string{"failed port 587: the server says greeting: 554 5.7.1 your address is listed"}, ""},
		{"it is busy", Options{Ports: Ports[:1]}, other("421 4.7.0 too many connections"), 75, []string{"failed port 587: the server says greeting: 421"}, ""},
		{"STARTTLS is taken away", Options{Ports: Ports[:1]}, on(func(d *double) { d.stripped = "HELP" }), 69, []string{"failed port 587: STARTTLS is not offered -> a firewall or an antivirus"}, ""},
		{"STARTTLS is overwritten", login, on(func(d *double) { d.stripped = "XXXXXXXA" }), 0, []string{`warning port 587: STARTTLS is not offered, "XXXXXXXA" stands in its place; use another port`, "ok login: acme, by port 465"}, ""},
		{"STARTTLS is refused", Options{Ports: Ports[:1]}, reply("STARTTLS", "454 4.7.0 not now"), 75, []string{"failed port 587: the server says STARTTLS: 454 4.7.0 not now"}, ""},
		{"old TLS", Options{}, on(func(d *double) { d.most = 0x0302 }), 0, []string{"warning port 587: STARTTLS, TLS 1.1 by IPv4 and IPv6 -> mail programs of today refuse it"}, ""},

		{"a certificate for another name", login, cert(authority.leaf("mx.other.example", 200)), 1, []string{"failed certificate: is for mx.other.example, not for smtp.example.org -> use the name", "warning login: not tried"}, "message"},
		{"an old certificate", login, cert(authority.leaf(host, -1)), 1, []string{"failed certificate: ended on 1999-12-31", "warning login: not tried"}, "message"},
		{"one that ends soon", Options{}, cert(authority.leaf(host, 3)), 0, []string{"warning certificate: by Example CA, ends on 2000-01-04"}, ""},
		{"a stranger's certificate", login, cert(newAuthority("Other CA").leaf(host, 200)), 1, []string{"failed certificate: by Other CA, which this machine does not trust", "warning login: not tried"}, "message"},
		{"an antivirus program's", login, cert(newAuthority("Avast Web/Mail Shield Root").leaf(host, 200)), 1, []string{"failed certificate: made by Avast, which reads the mail on its way -> switch"}, "message"},
		{"a chain that is cut off", login, cert(cutOff), 1, []string{"failed certificate: by Other CA, and nothing leads from it to an authority"}, "message"},
		{"a self-signed one", login, cert(selfSigned()), 1, []string{"failed certificate: is self-signed", "warning login: not tried: the password is not shown to a server that is not certain -> mend the certificate first; --untrusted"}, "message"},
		{"one port's", login, on(func(d *double) { d.cert = selfSigned() }, "587"), 1, []string{"failed certificate 587: is self-signed", "ok certificate 465: for", "ok login: acme, by port 465", "ok message"}, ""},
		{"a self-signed one that is known", Options{Login: "acme", Password: "secret", To: "you@example.net", Untrusted: true}, cert(selfSigned()), 0, []string{"warning certificate: is self-signed", "ok login", "ok message"}, "failed"},

		{"a wrong password", Options{Login: "acme", Password: "wrong", To: "you@example.net"}, none, 77, []string{"failed login: 535 5.7.8 wrong login or password -> the login or the password is wrong"}, "message"},
		{"too many wrong ones", login, reply("AUTH", "454 4.7.0 later"), 75, []string{"failed login: 454 4.7.0 later -> try again"}, "message"},
		{"no login there", login, on(func(d *double) { d.noAuth = true }), 1, []string{"failed login: port 587 offers no login -> something on the way"}, "message"},
		{"a suspended account", login, reply("MAIL", "550 5.7.1 account suspended: unpaid"), 77, []string{"ok login", "failed message: at MAIL: 550 5.7.1 account suspended: unpaid -> the account may not send"}, "way"},
		{"a sender that is not its own", login, reply("MAIL", "553 5.7.1 sender not allowed"), 77, []string{"failed message: at MAIL: 553 5.7.1 sender not allowed -> choose an address with --from"}, "way"},
		{"no allowance", login, reply("END", "552 5.7.1 used up until 2000-02-01"), 77, []string{"552 5.7.1 used up until 2000-02-01 -> the allowance is used up"}, "way"},
		{"greylisting", login, reply("RCPT", "451 4.7.1 greylisted, come back"), 75, []string{"failed message: at RCPT: 451 4.7.1 greylisted, come back -> it is no refusal: try again"}, "way"},
		{"a recipient that is refused", login, reply("RCPT", "550 5.1.1 no such user"), 77, []string{"failed message: at RCPT: 550 5.1.1 no such user -> the recipient is refused"}, "way"},

		{"a name that is not there", Options{Look: func(context.Context, string) ([]netip.Addr, error) { return nil, &net.DNSError{IsNotFound: true} }}, none, 69, []string{"failed name: smtp.example.org does not exist"}, "port"},
		{"no name server", Options{Look: func(context.Context, string) ([]netip.Addr, error) { return nil, &net.DNSError{IsTimeout: true} }}, none, 69, []string{"failed name: the name server of this machine did not answer"}, "port"},
		{"an address", Options{Server: "192.0.2.1"}, none, 1, []string{"warning name: 192.0.2.1 is an address", "ok port 587: STARTTLS, TLS 1.3 by IPv4", "failed certificate: "}, "login"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, code := visited(t, c.o, c.change)
			text := lines(found)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			rest := text
			for _, want := range c.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Errorf("no %q in\n%s", want, text)
					break
				}
				rest = after
			}
			if c.not != "" && strings.Contains(text, c.not) {
				t.Errorf("%q in\n%s", c.not, text)
			}
		})
	}
}

// The password is never shown to a server whose certificate changed since it was judged.
func TestOptions_Run_changedCertificate(t *testing.T) {
	found, code := visited(t, Options{Ports: Ports[:1], Login: "acme", Password: "secret", Look: func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
	}}, func(w world) {
		first := w["587"]
		w["587"] = &double{cert: first.cert, password: "secret", replies: map[string]string{"QUIT": ""}, got: first.got}
		turn := w["587"]
		turn.after = func() { turn.cert = selfSigned() }
	})
	if text := lines(found); code != 69 || !strings.Contains(text, "failed login: the second connection: TLS fails") {
		t.Errorf("%d\n%s", code, text)
	}
}

// A message says what it is, and has what a mail needs.
func TestVisit_message(t *testing.T) {
	var got strings.Builder
	visited(t, Options{Login: "acme", Password: "secret", To: "you@example.net", From: "me@example.com"}, on(func(d *double) { d.got = &got }))
	for _, want := range []string{"From: <me@example.com>\r\n", "To: <you@example.net>\r\n", "Subject: Test of smtp.example.org\r\n", "@example.com>\r\n", "Auto-Submitted: auto-generated\r\n"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("no %q in\n%s", want, got.String())
		}
	}
}

func TestParsePorts(t *testing.T) {
	for text, want := range map[string][]Port{"587": {{587, false}}, "465, 2525": {{465, true}, {2525, false}}, "2465/tls,465/starttls": {{2465, true}, {465, false}}, "587,587": {{587, false}}} {
		if got, err := ParsePorts(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("ParsePorts(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "0", "70000", "587/ssl", "1,2,3,4,5,6,7,8,9"} {
		if got, err := ParsePorts(text); err == nil {
			t.Errorf("ParsePorts(%q) = %v", text, got)
		}
	}
}
