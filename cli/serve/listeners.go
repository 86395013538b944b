package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/kernel"
	"relay/smtp"
)

// listenAll opens the configured addresses, or takes the sockets that the service
// manager passed. A default address that cannot be bound is skipped with a line in
// the log; a configured one is an error.
func (r *Relay) listenAll() error {
	sockets, err := r.passedSockets()
	if err != nil {
		return err
	}
	r.takeProofs(sockets)
	defer r.closeUnused(sockets)
	if err := r.listenBack(sockets); err != nil {
		return err
	}
	if len(r.cfg.Listen) == 0 && len(sockets) > 0 {
		return r.takeByName(sockets)
	}
	for _, l := range r.cfg.Listeners() {
		if err := r.listenOn(l, sockets); err != nil {
			return err
		}
	}
	return nil
}

// passedSockets returns the sockets of the service manager; the sandbox takes none.
func (r *Relay) passedSockets() (map[string][]net.Listener, error) {
	if r.host.Sockets == nil {
		return nil, nil
	}
	return r.host.Sockets()
}

func (r *Relay) listenOn(l config.Listen, sockets map[string][]net.Listener) error {
	if name := config.SocketName(l.Addr); name != "" {
		if sockets[name] == nil {
			return r.notPassed(name)
		}
		r.takePassed(sockets, name, smtp.Mode(l.TLS))
		return nil
	}
	ln, err := r.host.Listen("tcp", l.Addr)
	switch {
	case err == nil:
		r.listeners = append(r.listeners, smtp.Listener{Listener: ln, Mode: smtp.Mode(l.TLS)})
	case l.Optional:
		r.logSkipped(l, kernel.BindAdvice(err))
	case errors.Is(err, syscall.EADDRINUSE) && holds(sockets, l.Addr) != "":
		return exit.Fail(exit.Config, fmt.Sprintf("write addr = %q in its place", config.SystemdPrefix+holds(sockets, l.Addr)),
			"listen on %s: the service manager holds it, and has passed it", l.Addr)
	default:
		return exit.Fail(exit.Failed, kernel.BindAdvice(err), "listen on %s: %w", l.Addr, err)
	}
	return nil
}

// listenAPI opens the API's address.
func (r *Relay) listenAPI() error {
	addr := r.cfg.API.Listen
	if addr == "" {
		return nil
	}
	l, err := r.host.Listen("tcp", addr)
	if err != nil {
		return exit.Fail(exit.Failed, cmp.Or(kernel.BindAdvice(err), "see [api] in the configuration"), "api: listen on %s: %w", addr, err)
	}
	r.api = l
	r.Log.Info("api listening", "component", "cli", "addr", l.Addr().String(), "tls", r.cfg.API.TLS)
	return nil
}

// runAPI answers resellers until ctx is done.
func (r *Relay) runAPI(ctx context.Context, s *control.Server) error {
	a := &control.API{Server: s, Guard: r.smtp}
	if r.cfg.API.NeedsTLS() {
		a.TLS = r.cert.config()
	}
	return a.Run(ctx, r.api)
}
