package serve

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"relay/cli/acme"
	"relay/cli/config"
	"relay/cli/kernel"
	"relay/report/api/act"
)

// newKeeper makes the keeper of a certificate from an authority.
func (r *Relay) newKeeper(c *config.Config) (*acme.Keeper, error) {
	roots, err := c.TLS.Roots()
	if err != nil {
		return nil, err
	}
	return acme.New(acme.Options{
		Contact: c.TLS.Contact, Names: c.CertificateNames(), Directory: c.TLS.Directory, Roots: roots,
		Dir: r.dir.TLS(""), HTTP: c.TLS.HTTP, TLS: c.TLS.ALPN, OtherTLS: c.OnHTTPS(),
		Listen: r.listenForProof, Log: r.Log,
	})
}

// listenForProof opens a listener on which an authority looks for a proof, or takes the
// socket that the service manager passed for it.
func (r *Relay) listenForProof(network, addr string) (net.Listener, error) {
	if name := config.SocketName(addr); name != "" {
		for i, l := range r.proofs {
			if p := l.(*passedSocket); p.name == name {
				r.proofs = append(r.proofs[:i:i], r.proofs[i+1:]...)
				return p, nil
			}
		}
		return nil, fmt.Errorf("the service manager passed no socket named %q", name)
	}
	l, err := r.host.Listen(network, addr)
	switch advice := kernel.BindAdvice(err); {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w: have that program pass /.well-known/acme-challenge/ on to another port, and name that in acme_http", err)
	case err != nil && advice != "":
		return nil, fmt.Errorf("%w: %s", err, advice)
	}
	return l, err
}

// certificateHealth says what the listeners present, and why there may soon be none.
func (r *Relay) certificateHealth() *act.Certificate {
	if r.cert == nil {
		return nil
	}
	pair, err := r.cert.get(nil)
	if err != nil {
		return nil
	}
	h := &act.Certificate{Names: pair.Leaf.DNSNames, From: act.FromFile, Ends: pair.Leaf.NotAfter}
	if r.config().TLS.Cert == "" {
		h.From = act.SelfSigned
	}
	if r.keeper != nil {
		if r.keeper.Certificate() != nil {
			h.From = act.FromAuthority
		}
		note := r.keeper.Note()
		h.Problem, h.Next = note.Problem, note.Next
	}
	return h
}

// takeProofs sets aside the sockets that the service manager passed for the proof.
func (r *Relay) takeProofs(sockets map[string][]net.Listener) {
	if r.cfg.TLS.Contact == "" {
		return
	}
	for _, addr := range []string{r.cfg.TLS.HTTP, r.cfg.TLS.ALPN} {
		name := config.SocketName(addr)
		for _, l := range sockets[name] {
			r.proofs = append(r.proofs, &passedSocket{l, name})
		}
		delete(sockets, name)
	}
}
