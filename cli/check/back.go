package check

import (
	"errors"
	"fmt"
	"slices"

	"relay/cli/config"
	"relay/cli/finding"
	"relay/cli/knock"
	"relay/mailer/route"
	"relay/mailer/spf"
)

// back judges the listeners of [bounce]: a running relay must greet there, and a stopped one
// must be able to bind them.
func (e *entrance) back() {
	for _, addr := range e.cfg.Bounce.Listen {
		name := portName(addr)
		l := config.Listen{Addr: addr, TLS: "starttls"}
		switch {
		case e.relay.health != nil:
			e.backServed(name, l)
		case config.SocketName(addr) != "":
			e.add(name, finding.OK, "", "for what comes back, the service manager passes it (%s)", addr)
		default:
			e.bind(name, "for what comes back", l)
		}
	}
}

// backServed asks the running relay's listener for its greeting.
func (e *entrance) backServed(name string, l config.Listen) {
	addr, found := listener(e.relay.health.Bounce, l)
	if !found {
		e.add(name, finding.Failed, "start the relay again after a change of [bounce]; the reason is in its log", "the running relay does not listen on %s for what comes back", l.Addr)
		return
	}
	if _, err := e.greets(addr, l.TLS, e.cfg.Bounce.Balancers()); err != nil {
		e.add(name, finding.Failed, "see the relay's log", "for what comes back, no greeting: %s", knock.Why(err))
		return
	}
	e.add(name, finding.OK, "", "for what comes back, the relay answers on %s", addr)
}

// back judges the records of the domain at which mail comes back: others must find the way
// here, and accept it as the sender of mail with VERP.
func (r *records) back() {
	domain := r.cfg.ReturnDomain()
	if domain == "" {
		return
	}
	r.exchanger(domain)
	if domain == r.name || r.cfg.Delivery.Smarthost != "" {
		return
	}
	for _, a := range r.senders() {
		if v := spf.Check(r.ctx, r.dns, domain, a); v.Result != spf.Pass {
			r.add("SPF", finding.Warning, fmt.Sprintf(`publish %s. TXT "%s"`, domain, spf.Record([]string{"include:" + r.name})),
				"%s, the sender of mail with --verp, says %s of %s", domain, v.Result, a)
			return
		}
	}
	r.add("SPF", finding.OK, "", "%s lets this host send", domain)
}

// exchanger judges the MX records of the domain. A name with addresses of this host needs
// none (RFC 5321 §5.1).
func (r *records) exchanger(domain string) {
	const check = "MX"
	advice := fmt.Sprintf("publish %s. MX 10 %s.", domain, r.name)
	list, err := r.dns.LookupMX(r.ctx, domain)
	here := slices.ContainsFunc(list, func(mx route.MX) bool { return mx.Host == r.name })
	switch {
	case err != nil && !errors.Is(err, route.ErrNotFound):
		r.add(check, finding.Warning, "", "%s: cannot tell: %s", domain, knock.Why(err))
	case here && len(list) > 1:
		r.add(check, finding.OK, "", "%s leads to %s, and to %d others", domain, r.name, len(list)-1)
	case here, len(list) == 0 && domain == r.name && len(r.addrs) > 0:
		r.add(check, finding.OK, "", "%s leads to %s", domain, r.name)
	case len(list) == 0:
		r.add(check, finding.Failed, advice, "%s has no MX record: nothing comes back", domain)
	default:
		r.add(check, finding.Warning, advice+" Or have that host pass on what comes for relay.", "%s leads to %s, not here: what comes back goes there", domain, list[0].Host)
	}
}
