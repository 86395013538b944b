package cli

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/smtp"
	"strings"
	"syscall"
	"time"

	"relay/cli/config"
	"relay/cli/finding"
	"relay/cli/kernel"
	"relay/cli/knock"
)

// ports: a running relay must answer on each of its own, and a stopped one must
// be able to bind each of its own.
func (c *checker) ports() {
	for _, l := range c.listens() {
		name := portName(l.Addr)
		switch {
		case c.health != nil:
			c.served(name, l)
		case strings.HasPrefix(l.Addr, config.SystemdPrefix):
			c.add(name, finding.OK, "", "%s, the service manager passes it (%s) when it starts the relay", l.TLS, l.Addr)
		default:
			c.bind(name, l)
		}
	}
}

// portName is "port 587" of a configured address, or the name of a socket that
// the service manager passes.
func portName(addr string) string {
	if name, passed := strings.CutPrefix(addr, config.SystemdPrefix); passed {
		return name
	}
	return "port " + addr[strings.LastIndexByte(addr, ':')+1:]
}

// served asks the running relay's listener for its greeting.
func (c *checker) served(name string, l config.Listen) {
	addr, found := c.listener(l)
	if !found {
		c.notServed(name, l)
		return
	}
	chain, err := c.greets(addr, l.TLS)
	if err != nil {
		c.add(name, finding.Failed, "see the relay's log", "no greeting: %s", knock.Why(err))
		return
	}
	if len(chain) > 0 {
		c.seen = chain
	}
	if len(chain) > 0 && c.cfg.TLS.Cert != "" && !c.isConfigured(chain[0]) {
		c.add(name, finding.Warning, "relay reload, or wait a minute: a renewed file is taken up by itself", "%s, the relay answers on %s, with another certificate than the file has", l.TLS, addr)
		return
	}
	c.add(name, finding.OK, "", "%s, the relay answers on %s", l.TLS, addr)
}

// notServed is a port that the relay should have and has not.
func (c *checker) notServed(name string, l config.Listen) {
	s, advice := finding.Failed, "start the relay again after a change of [[listen]]; the reason is in its log"
	if l.Optional {
		s = finding.Warning
		if config.PortOf(l.Addr) < 1024 {
			advice = kernel.BindAdvice(fs.ErrPermission)
		}
	}
	c.add(name, s, cmp.Or(stopAdvice(kernel.PortUsers(l.Addr)), advice), "the running relay does not listen on %s", l.Addr)
}

// listener finds the running relay's listener for a configured one.
func (c *checker) listener(l config.Listen) (addr string, found bool) {
	name, passed := strings.CutPrefix(l.Addr, config.SystemdPrefix)
	_, port, err := net.SplitHostPort(l.Addr)
	if err != nil && !passed {
		return "", false
	}
	for _, have := range c.health.Listeners {
		_, p, err := net.SplitHostPort(have.Addr)
		same := p == port || port == "0"
		if passed {
			same = have.Socket == name
		}
		if err == nil && have.TLS == l.TLS && same {
			return knock.Address(have.Addr), true
		}
	}
	return "", false
}

func (c *checker) bind(name string, l config.Listen) {
	ln, err := c.Listen("tcp", l.Addr)
	switch {
	case err == nil:
		c.add(name, finding.OK, "", "%s, %s can be bound", l.TLS, l.Addr)
		_ = ln.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		c.taken(name, l, kernel.PortUsers(l.Addr))
	case l.Optional && errors.Is(err, fs.ErrPermission):
		c.add(name, finding.Warning, kernel.BindAdvice(err), "%s, would be skipped: %v", l.TLS, err)
	default:
		c.add(name, finding.Failed, kernel.BindAdvice(err), "%s: %v", l.TLS, err)
	}
}

// taken is a port that somebody has; no users: we may not see who.
func (c *checker) taken(name string, l config.Listen, users []kernel.Process) {
	if len(users) > 0 && users[0].PID == 1 {
		c.add(name, finding.OK, "", "%s, the service manager has %s, for the relay that it starts (or stop its socket unit)", l.TLS, l.Addr)
		return
	}
	who := "another program, run relay check as root to see which"
	if len(users) > 0 {
		who = fmt.Sprintf("%s (pid %d)", users[0].Name, users[0].PID)
	}
	if c.silent {
		c.add(name, finding.Warning, "", "%s, %s is in use by %s: perhaps the relay, which could not be asked", l.TLS, l.Addr, who)
		return
	}
	s := finding.Failed
	if l.Optional {
		s = finding.Warning
	}
	c.add(name, s, cmp.Or(stopAdvice(users), kernel.BindAdvice(syscall.EADDRINUSE)), "%s, %s is in use by %s", l.TLS, l.Addr, who)
}

// stopAdvice names who has to be stopped, where that is known.
func stopAdvice(users []kernel.Process) string {
	if len(users) == 0 {
		return ""
	}
	return fmt.Sprintf("stop %s, or choose another port in [[listen]]", users[0].Name)
}

// greets connects as a mail program does, waits for 220, and turns to TLS where
// the listener has it: then it returns the certificates.
func (c *checker) greets(addr, mode string) ([]*x509.Certificate, error) {
	conn, err := knock.Dial(c.ctx, addr, c.cfg.Balancers())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(knock.Patience)) // an error shows at the first read
	anyone := &tls.Config{InsecureSkipVerify: true}      // the certificate has lines of its own
	if mode == "implicit" {
		conn = tls.Client(conn, anyone)
	}
	mail, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		return nil, err
	}
	if mode == "starttls" {
		if err := mail.StartTLS(anyone); err != nil {
			return nil, fmt.Errorf("STARTTLS: %w", err)
		}
	}
	_ = mail.Quit() // a courtesy
	state, _ := mail.TLSConnectionState()
	return state.PeerCertificates, nil
}
