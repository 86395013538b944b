package serve

import (
	"fmt"
	"net"
	"slices"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/smtp"
)

// passedSocket is a socket that the service manager passed. It outlives the relay:
// Close closes our copy, and clients that connect afterwards wait for the next start.
type passedSocket struct {
	net.Listener
	name string
}

// Accept implements net.Listener. It turns keep-alive off, as the relay's own
// listeners do: idle deadlines find a dead client.
func (p *passedSocket) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetKeepAlive(false) // it fails for a client that has gone, as the first read will
	}
	return c, err
}

// PassedSockets takes over the sockets that the service manager passed to this
// process, by name, and removes the variables that announce them from the environment.
func PassedSockets() (map[string][]net.Listener, error) {
	byName := map[string][]net.Listener{}
	for _, f := range activation.Files(true) {
		listens := accepts(f.Fd()) // before the copy: it makes both of them block
		l, err := net.FileListener(f)
		_ = f.Close() // l has a copy
		if _, tcp := l.(*net.TCPListener); err != nil || !tcp || !listens {
			return nil, exit.Fail(exit.Config, "in its .socket unit, ListenStream= must be a port, and Accept= be no",
				"the socket %q that the service manager passed does not listen on TCP", f.Name())
		}
		byName[f.Name()] = append(byName[f.Name()], l)
	}
	return byName, nil
}

// accepts reports whether a socket listens.
func accepts(fd uintptr) bool {
	n, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && n == 1
}

// ServiceModes has the socket names that need no configuration: IANA's names of ports
// 587 and 465.
var ServiceModes = map[string]smtp.Mode{"submission": smtp.StartTLS, "submissions": smtp.Implicit}

// takePassed adds the sockets of that name to the listeners. Each can be taken
// once.
func (r *Relay) takePassed(sockets map[string][]net.Listener, name string, mode smtp.Mode) {
	for _, l := range sockets[name] {
		r.listeners = append(r.listeners, smtp.Listener{Listener: &passedSocket{l, name}, Mode: mode})
	}
	delete(sockets, name)
}

// takeByName is for a relay without [[listen]]: the names say how each socket
// speaks TLS.
func (r *Relay) takeByName(sockets map[string][]net.Listener) error {
	for _, name := range names(sockets) {
		mode, known := ServiceModes[name]
		if !known {
			return exit.Fail(exit.Config, fmt.Sprintf("call it submission (STARTTLS) or submissions (implicit TLS) with FileDescriptorName= in its .socket unit, or add a [[listen]] with addr = %q", config.SystemdPrefix+name),
				"the service manager passed a socket named %q: how it speaks TLS is not known", name)
		}
		r.takePassed(sockets, name, mode)
	}
	return nil
}

// notPassed is the error for a configured socket that the service manager did not pass.
func (r *Relay) notPassed(name string) error {
	for _, l := range r.listeners {
		if p, ok := l.Listener.(*passedSocket); ok && p.name == name {
			return exit.Fail(exit.Config, "leave one of them out", "two [[listen]] have addr = %q", config.SystemdPrefix+name)
		}
	}
	return exit.Fail(exit.Config,
		fmt.Sprintf("enable the .socket unit that has FileDescriptorName=%s and Service=relay.service, and let systemd start the relay", name),
		"[[listen]] addr = %q: the service manager passed no socket of that name", config.SystemdPrefix+name)
}

// holds returns the name of a passed socket with the port of addr; "": there is none.
func holds(sockets map[string][]net.Listener, addr string) string {
	for _, name := range names(sockets) {
		for _, l := range sockets[name] {
			if config.PortOf(l.Addr().String()) == config.PortOf(addr) {
				return name
			}
		}
	}
	return ""
}

// closeUnused gives back the sockets that no [[listen]] names.
func (r *Relay) closeUnused(sockets map[string][]net.Listener) {
	for _, name := range names(sockets) {
		for _, l := range sockets[name] {
			r.logUnusedSocket(name, l.Addr().String())
			_ = l.Close() // ours; the service manager keeps its own
		}
	}
}

func names(sockets map[string][]net.Listener) []string {
	list := make([]string, 0, len(sockets))
	for name := range sockets {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
