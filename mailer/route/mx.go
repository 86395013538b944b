package route

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// maxHosts is how many MX hosts of a domain are looked at.
const maxHosts = 16

// byMX is the way by DNS (RFC 5321 §5.1).
func (r *Router) byMX(ctx context.Context, domain string) (*Path, error) {
	all, err := r.cfg.Resolver.LookupMX(ctx, domain)
	if err != nil {
		return nil, lookupError(ctx, domain, err)
	}
	if len(all) == 1 && all[0].Host == "" {
		return nil, &Error{Domain: domain, Permanent: true, Status: "5.1.10", Text: "the domain " + domain + " does not accept mail (null MX)"}
	}
	mxs := slices.Clone(all)
	mxs = slices.DeleteFunc(mxs, func(m MX) bool { return !validName(m.Host) })
	if len(all) == 0 {
		mxs = []MX{{Host: domain}} // RFC 5321 §5.1: the implicit MX
	}
	if len(mxs) == 0 {
		return nil, &Error{Domain: domain, Permanent: true, Confirm: true, Status: "5.4.4", Text: "the mail hosts of " + domain + " are not names of hosts"}
	}
	mxs = best(mxs)
	site := siteKey(mxs)
	mxs = before(arrange(mxs), r.isOurName)
	if len(mxs) == 0 {
		return nil, loop(domain)
	}
	hosts, err := r.resolve(ctx, domain, mxs)
	if err != nil {
		return nil, err
	}
	return &Path{Site: site, Hosts: hosts, Port: r.cfg.Port, Own: r.cfg.Routes[domain].TLS}, nil
}

// best are the hosts that are looked at, the same ones each time.
func best(mxs []MX) []MX {
	slices.SortFunc(mxs, func(a, b MX) int {
		return cmp.Or(cmp.Compare(a.Preference, b.Preference), strings.Compare(a.Host, b.Host))
	})
	return mxs[:min(len(mxs), maxHosts)]
}

// siteKey is the same for all domains with the same MX hosts.
func siteKey(mxs []MX) string {
	names := make([]string, len(mxs))
	for i, m := range mxs {
		names[i] = m.Host
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ",")
}

// arrange sorts by preference, shuffles among equals, and drops names that
// stand there twice.
func arrange(mxs []MX) []MX {
	rand.Shuffle(len(mxs), func(i, j int) { mxs[i], mxs[j] = mxs[j], mxs[i] })
	slices.SortStableFunc(mxs, func(a, b MX) int { return cmp.Compare(a.Preference, b.Preference) })
	seen := make(map[string]bool, len(mxs))
	return slices.DeleteFunc(mxs, func(m MX) bool {
		double := seen[m.Host]
		seen[m.Host] = true
		return double
	})
}

// before is what is better than us: a host that handed mail to one no better
// than itself would get it back (RFC 5321 §5.1). mxs is sorted by preference.
func before(mxs []MX, us func(MX) bool) []MX {
	i := slices.IndexFunc(mxs, us)
	if i < 0 {
		return mxs
	}
	ours := mxs[i].Preference
	return mxs[:slices.IndexFunc(mxs, func(m MX) bool { return m.Preference == ours })]
}

func (r *Router) isOurName(m MX) bool { return m.Host == r.cfg.Hostname }

func (r *Router) isSelf(addrs []netip.Addr) bool {
	return slices.ContainsFunc(addrs, func(a netip.Addr) bool { return slices.Contains(r.cfg.Self, plain(a)) })
}

// found is one MX host with its addresses.
type found struct {
	addrs []netip.Addr
	err   error
}

// resolve looks up the addresses of all hosts at once and keeps those that can
// be reached. mxs is sorted by preference and not empty.
func (r *Router) resolve(ctx context.Context, domain string, mxs []MX) ([]Host, error) {
	results := make(map[string]found, len(mxs))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, m := range mxs {
		wg.Go(func() {
			addrs, err := r.cfg.Resolver.LookupAddrs(ctx, m.Host)
			mu.Lock()
			results[m.Host] = found{addrs, err}
			mu.Unlock()
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	mxs = before(mxs, func(m MX) bool { return r.isSelf(results[m.Host].addrs) })
	if len(mxs) == 0 {
		return nil, loop(domain)
	}
	return r.reachable(domain, mxs, results)
}

func (r *Router) reachable(domain string, mxs []MX, results map[string]found) ([]Host, error) {
	var hosts []Host
	var trouble error // a look-up that may do better later
	missing := false  // a name that does not exist
	for _, m := range mxs {
		f := results[m.Host]
		switch {
		case errors.Is(f.err, ErrNotFound):
			missing = true
		case f.err != nil:
			trouble = cmp.Or(trouble, f.err)
		case len(f.addrs) > 0:
			hosts = append(hosts, Host{Name: m.Host, Addrs: order(f.addrs)})
		}
	}
	permitted := r.permitted(hosts)
	switch {
	case len(permitted) > 0:
		return permitted, nil
	case trouble != nil:
		return nil, &Error{Domain: domain, Status: "4.4.3", Text: "the addresses of the mail hosts of " + domain + " could not be looked up", Err: trouble}
	case len(hosts) > 0:
		return nil, private(domain)
	}
	return nil, &Error{Domain: domain, Permanent: true, Confirm: missing, Status: "5.4.4", Text: "the domain " + domain + " has no mail host with an address"}
}

func lookupError(ctx context.Context, domain string, err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return &Error{Domain: domain, Permanent: true, Confirm: true, Status: "5.1.2", Text: "the domain " + domain + " does not exist"}
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &Error{Domain: domain, Status: "4.4.3", Text: "the mail hosts of " + domain + " could not be looked up", Err: err}
}
