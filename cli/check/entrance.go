package check

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/smtp"
	"slices"
	"strings"
	"syscall"
	"time"

	"relay/cli/config"
	"relay/cli/finding"
	"relay/cli/kernel"
	"relay/cli/knock"
	"relay/report/api/act"
)

// entrance is the look at the listeners and their certificate.
type entrance struct {
	*look
	relay *process
	seen  []*x509.Certificate // the chain that a listener showed
}

// all tries the ports first: they show the certificate that only the relay has.
func (e *entrance) all() {
	e.ports()
	e.back()
	e.api()
	e.metrics()
	if e.cfg.NeedsTLS() {
		e.certificate()
	}
}

// ports tries every listener: a running relay must answer, and a stopped one must be
// able to bind the port.
func (e *entrance) ports() {
	for _, l := range e.listens() {
		name := portName(l.Addr)
		switch {
		case e.relay.health != nil:
			e.served(name, l)
		case config.SocketName(l.Addr) != "":
			e.add(name, finding.OK, "", "%s, the service manager passes it (%s) when it starts the relay", l.TLS, l.Addr)
		default:
			e.bind(name, l.TLS, l)
		}
	}
}

// listens are the configured listeners. Without any they are those that the service
// manager passed to the running relay, or relay's defaults.
func (e *entrance) listens() []config.Listen {
	var list []config.Listen
	if now := e.relay.health; now != nil && len(e.cfg.Listen) == 0 {
		for _, l := range now.Listeners {
			if l.Socket != "" {
				list = append(list, config.Listen{Addr: config.SystemdPrefix + l.Socket, TLS: l.TLS})
			}
		}
	}
	if list == nil {
		return e.cfg.Listeners()
	}
	return slices.Compact(list)
}

// portName is "port 587", or the name of a socket that the service manager passes.
func portName(addr string) string {
	return cmp.Or(config.SocketName(addr), "port "+addr[strings.LastIndexByte(addr, ':')+1:])
}

// served asks the running relay's listener for its greeting. The certificate there may be
// older than the file: a renewal takes effect with the next look at the file, or a reload.
func (e *entrance) served(name string, l config.Listen) {
	addr, found := listener(e.relay.health.Listeners, l)
	if !found {
		e.notServed(name, l)
		return
	}
	chain, err := e.greets(addr, l.TLS, e.cfg.Balancers())
	if err != nil {
		e.add(name, finding.Failed, "see the relay's log", "no greeting: %s", knock.Why(err))
		return
	}
	if len(chain) > 0 {
		e.seen = chain
	}
	if len(chain) > 0 && e.cfg.TLS.Cert != "" && !e.isConfigured(chain[0]) {
		e.add(name, finding.Warning, "relay reload, or wait a minute: a renewed file is taken up by itself", "%s, the relay answers on %s, with another certificate than the file has", l.TLS, addr)
		return
	}
	e.add(name, finding.OK, "", "%s, the relay answers on %s", l.TLS, addr)
}

// notServed says that the running relay lacks a configured listener. A default one may be
// missing where relay runs without the privilege to bind it.
func (e *entrance) notServed(name string, l config.Listen) {
	s, advice := finding.Failed, "start the relay again after a change of [[listen]]; the reason is in its log"
	if l.Optional {
		s = finding.Warning
		if config.PortOf(l.Addr) < 1024 {
			advice = kernel.BindAdvice(fs.ErrPermission)
		}
	}
	e.add(name, s, cmp.Or(stopAdvice(kernel.PortUsers(l.Addr)), advice), "the running relay does not listen on %s", l.Addr)
}

// listener finds the running relay's listener, of list, for a configured one. The address may differ:
// relay reports the port that the kernel chose, or the address of the passed socket.
func listener(list []act.Listener, l config.Listen) (addr string, found bool) {
	name, port := config.SocketName(l.Addr), config.PortOf(l.Addr)
	for _, have := range list {
		same := have.Socket == name
		if name == "" {
			same = port == 0 || config.PortOf(have.Addr) == port
		}
		if have.TLS == l.TLS && same {
			return knock.Address(have.Addr), true
		}
	}
	return "", false
}

// bind tries to bind the address as relay serve would, and lets it go at once. what says what
// it is for.
func (e *entrance) bind(name, what string, l config.Listen) {
	ln, err := e.Listen("tcp", l.Addr)
	switch {
	case err == nil:
		e.add(name, finding.OK, "", "%s, %s can be bound", what, l.Addr)
		_ = ln.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		e.taken(name, l, kernel.PortUsers(l.Addr))
	case l.Optional && errors.Is(err, fs.ErrPermission):
		e.add(name, finding.Warning, kernel.BindAdvice(err), "%s, would be skipped: %v", l.TLS, err)
	default:
		e.add(name, finding.Failed, kernel.BindAdvice(err), "%s: %v", l.TLS, err)
	}
}

// taken says whose the port is. Without users this process may not see them. A silent
// relay may hold the port itself, so that is no failure of its own.
func (e *entrance) taken(name string, l config.Listen, users []kernel.Process) {
	if len(users) > 0 && users[0].PID == 1 {
		e.add(name, finding.OK, "", "%s, the service manager has %s, for the relay that it starts (or stop its socket unit)", l.TLS, l.Addr)
		return
	}
	who := "another program, run relay check as root to see which"
	if len(users) > 0 {
		who = fmt.Sprintf("%s (pid %d)", users[0].Name, users[0].PID)
	}
	if e.relay.silent {
		e.add(name, finding.Warning, "", "%s, %s is in use by %s: perhaps the relay, which could not be asked", l.TLS, l.Addr, who)
		return
	}
	s := finding.Failed
	if l.Optional {
		s = finding.Warning
	}
	e.add(name, s, cmp.Or(stopAdvice(users), kernel.BindAdvice(syscall.EADDRINUSE)), "%s, %s is in use by %s", l.TLS, l.Addr, who)
}

// stopAdvice names the program that has the port; "" if it is not known.
func stopAdvice(users []kernel.Process) string {
	if len(users) == 0 {
		return ""
	}
	return fmt.Sprintf("stop %s, or choose another port in [[listen]]", users[0].Name)
}

// greets connects as a mail program does, waits for 220, and turns to TLS where the
// listener offers it. It returns the certificates without judging them, so that a bad one
// does not hide whether the port works.
func (e *entrance) greets(addr, mode string, balancers []netip.Prefix) ([]*x509.Certificate, error) {
	conn, err := knock.Dial(e.ctx, addr, balancers)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(knock.Patience)) // an error shows at the first read
	anyone := &tls.Config{InsecureSkipVerify: true}
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
