package cli

import (
	"errors"
	"io/fs"
	"net"
	"strconv"
	"syscall"

	"relay/smtp"
)

// systemdPrefix marks an address that is the name of a socket which the service
// manager passes (systemd's FileDescriptorName=).
const systemdPrefix = "systemd:"

// listenAll binds the configured addresses. A default one that cannot be bound
// is skipped with a clear line; one that was asked for is an error.
func (r *relay) listenAll() error {
	for _, l := range r.cfg.listen() {
		ln, err := r.app.Listen("tcp", l.Addr)
		switch {
		case err == nil:
			r.listeners = append(r.listeners, smtp.Listener{Listener: ln, Mode: smtp.Mode(l.TLS)})
		case l.optional:
			r.logSkipped(l, bindAdvice(err))
		default:
			return fail(exitFailed, bindAdvice(err), "listen on %s: %w", l.Addr, err)
		}
	}
	for _, l := range r.listeners {
		r.logListening(l)
	}
	return nil
}

// bindAdvice is what to do about an address that cannot be bound.
func bindAdvice(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "ports below 1024 need privileges: run as root, or setcap cap_net_bind_service=+ep on the binary"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there: stop it, or choose another port in [[listen]]"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "the address is not one of this machine's"
	}
	return ""
}

// portOf an address as it is written in the configuration.
func portOf(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return n
}

// reachable turns the address of a listener into one to dial.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
