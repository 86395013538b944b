package attempt

import (
	"context"

	"relay/mailer/link"
)

// suits reports whether an open connection will do for what is left of the attempt.
func (a *attempt) suits(c *link.Connection) bool {
	return c.Client.Usable() && !a.tour.moving && !a.tour.shuns(c.Hop()) && c.Meets(a.demand(), a.job.Path)
}

// demand of an attempt. A message whose sender says that TLS does not matter goes without
// the domain's terms (RFC 8689 §5), and by what the operator says of the route to it.
func (a *attempt) demand() link.Demand {
	m := a.job.Message
	if m.NoTLSTerms && !m.RequireTLS {
		return link.Demand{Terms: a.job.Terms.OfRoute()}
	}
	return link.Demand{Terms: a.job.Terms, Require: m.RequireTLS}
}

// connect makes a connection to the next host of the attempt's tour that takes one.
// A message that asks for REQUIRETLS goes only to a host with REQUIRETLS and TLS
// with its own certificate (RFC 8689 §4.2.1); one to a domain with a policy only to
// hosts that are as it wants.
func (w *Worker) connect(ctx context.Context, a *attempt) (*link.Connection, *link.Failure) {
	t := &a.tour
	for ctx.Err() == nil {
		to, ok := t.next(&w.m.Hosts, a.reached)
		if !ok {
			break
		}
		want := a.demand()
		if err := want.Permits(to.Host, t.path); err != nil {
			failed := link.Barred(to, err)
			a.countFailed(failed)
			t.fail(failed)
			continue
		}
		w.hangUp()
		w.m.settleDecided(a)
		c, failed := w.m.Links.Open(ctx, to, t.from, t.path, want, t.slow)
		if failed == nil {
			t.moving = false
			return c, nil
		}
		if failed.Lacks = w.m.Links.Lacks(a.tour.from, failed.Err); failed.Lacks {
			return nil, failed
		}
		if ctx.Err() == nil && !failed.Unsafe {
			w.m.Hosts.Failed(to.Addr.Addr())
		}
		w.m.logHostFailed(failed)
		a.countFailed(failed)
		a.holdFailure(failed)
		t.fail(failed)
	}
	return nil, t.failure(ctx)
}
