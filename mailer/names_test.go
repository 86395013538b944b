package mailer

import (
	"context"
	"slices"

	"relay/mailer/route"
)

// proof is what names says of policies and DNSSEC.
type proof struct {
	txt    map[string][]string
	tlsa   map[string][]route.TLSA // by base domain
	secure []string                // names whose records are proved
}

func (n *names) LookupTXT(_ context.Context, name string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if list, ok := n.proof.txt[name]; ok {
		return list, nil
	}
	return nil, route.ErrNotFound
}

func (n *names) SecureMX(_ context.Context, domain string) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Contains(n.proof.secure, domain), nil
}

func (n *names) SecureNames(_ context.Context, host string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if slices.Contains(n.proof.secure, host) {
		return []string{host}, nil
	}
	return nil, nil
}

func (n *names) LookupTLSA(_ context.Context, name string) ([]route.TLSA, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proof.tlsa[name], true, n.fail[name]
}

// proves has DNSSEC prove names.
func (w *world) proves(names ...string) {
	w.dns.mu.Lock()
	defer w.dns.mu.Unlock()
	w.dns.proof.secure = append(w.dns.proof.secure, names...)
}
