package serve

import (
	"cmp"
	"context"

	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/kernel"
)

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
