package cli

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"time"

	"relay/smtp"
)

// patience with a peer on the network.
const patience = 5 * time.Second

// ports: a running relay must answer on each of its own, and a stopped one must
// be able to bind each of its own.
func (c *checker) ports() {
	for _, l := range c.cfg.listen() {
		name := "port " + l.Addr
		if c.health == nil {
			c.bind(name, l)
			continue
		}
		addr, served := c.served(l)
		if !served {
			s := failed
			if l.optional {
				s = warning
			}
			c.add(name, s, "start the relay again after a change of [[listen]]; the reason is in its log", "the running relay does not listen there")
			continue
		}
		if err := greets(addr, l.TLS == string(smtp.Implicit)); err != nil {
			c.add(name, failed, "see the relay's log", "no greeting: %v", err)
			continue
		}
		c.add(name, ok, "", "%s, the relay answers on %s", l.TLS, addr)
	}
}

// served finds the running relay's listener for a configured one.
func (c *checker) served(l Listen) (addr string, found bool) {
	_, port, err := net.SplitHostPort(l.Addr)
	if err != nil {
		return "", false
	}
	for _, have := range c.health.Listeners {
		_, p, err := net.SplitHostPort(have.Addr)
		if err == nil && (p == port || port == "0") && have.TLS == l.TLS {
			return reachable(have.Addr), true
		}
	}
	return "", false
}

func (c *checker) bind(name string, l Listen) {
	ln, err := c.Listen("tcp", l.Addr)
	switch {
	case err == nil:
		c.add(name, ok, "", "%s, can be bound", l.TLS)
		_ = ln.Close()
	case l.optional && errors.Is(err, fs.ErrPermission):
		c.add(name, warning, bindAdvice(err), "%s, would be skipped: %v", l.TLS, err)
	default:
		c.add(name, failed, bindAdvice(err), "%s: %v", l.TLS, err)
	}
}

// greets connects as a mail program does and waits for 220.
func greets(addr string, implicit bool) error {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience)) // an error shows at the first read
	if implicit {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // the certificate has a line of its own
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "220") {
		return errors.New(strings.TrimSpace(line))
	}
	_, _ = fmt.Fprint(conn, "QUIT\r\n") // a courtesy
	return nil
}

// certificates that end so soon are worth a warning.
const endsSoon = 14 * 24 * time.Hour

func (c *checker) certificate() {
	t := c.cfg.TLS
	if t.Cert == "" {
		c.add("certificate", warning, "set cert and key in [tls] of relay.toml; mail programs complain about a self-signed certificate", "none configured, a self-signed one is used")
		return
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		c.add("certificate", failed, "see cert and key in [tls] of relay.toml; the relay's user must be able to read both", "%v", err)
		return
	}
	c.judge(pair.Leaf)
}

func (c *checker) judge(leaf *x509.Certificate) {
	left := time.Until(leaf.NotAfter)
	ends := stamp(leaf.NotAfter, c.cfg.zone())
	switch err := leaf.VerifyHostname(hostname(&c.cfg)); {
	case left < 0:
		c.add("certificate", failed, "renew it", "ended %s", ends)
	case err != nil:
		c.add("certificate", warning, "get one for the name that mail programs use", "%v", err)
	case left < endsSoon:
		c.add("certificate", warning, "renew it; the relay takes up the new file by itself", "ends %s", ends)
	default:
		c.add("certificate", ok, "", "%s, until %s", strings.Join(leaf.DNSNames, ", "), ends)
	}
}

func (c *checker) smarthost() {
	d := &c.cfg.Delivery
	if d.Smarthost == "" {
		return
	}
	if _, err := smarthost(d); err != nil {
		c.add("smarthost", failed, "see [delivery] in relay.toml", "%v", err)
		return
	}
	conn, err := net.DialTimeout("tcp", d.Smarthost, patience)
	if err != nil {
		c.add("smarthost", warning, "mail waits in the queue until it is there again", "%v", err)
		return
	}
	_ = conn.Close()
	c.add("smarthost", ok, "", "%s can be reached", d.Smarthost)
}
