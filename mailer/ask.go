package mailer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/policy"
	"relay/mailer/prospect"
	"relay/mailer/route"
	"relay/mailer/site"
	"relay/mailer/view"
	"relay/store/spooled"
)

// Questions about the schedule go through its own goroutine, and fail when that does not answer
// before the context ends.

// ask has the schedule run fn, which must be quick.
func (m *Mailer) ask(ctx context.Context, fn func(*schedule)) error {
	done := make(chan struct{})
	select {
	case m.asks <- func(s *schedule) { fn(s); close(done) }:
		<-done
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the schedule of deliveries does not answer: %w", context.Cause(ctx))
	}
}

// Probe goes once through the goroutine of the schedule. It fails with the
// context's cause when that does not answer before ctx ends: the schedule hangs,
// or does not run.
func (m *Mailer) Probe(ctx context.Context) error {
	select {
	case m.probes <- struct{}{}: // taken by the schedule itself
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the schedule of deliveries does not answer: %w", context.Cause(ctx))
	}
}

// prospect is what answers are made from, as of now.
func (s *schedule) prospect() *prospect.Prospect {
	now := s.m.spool.Now()
	return &prospect.Prospect{
		Now: now, Most: s.m.config().Connections,
		Window: s.window, Atlas: s.atlas, Flights: s.flights, Crew: s.crew, Accounts: s.accounts, Paces: s.paces,
		Pauses: s.pauses, Orders: &s.orders,
		Stopped: s.m.spool.Stopped,
		SiteFor: func(p *site.Place, account string) *site.Site { return s.siteFor(p, account, now) },
		PlaceOf: s.placeOf,
	}
}

// Meters of the mailer, to be read only.
func (m *Mailer) Meters() *attempt.Meters { return &m.out.Meters }

// Load of this moment. It fails when the schedule does not answer before ctx ends.
func (m *Mailer) Load(ctx context.Context) (l view.Load, err error) {
	err = m.ask(ctx, func(s *schedule) { l = s.prospect().Load() })
	return l, err
}

// Pool says how the connections are used. It fails when the schedule does not answer
// before ctx ends.
func (m *Mailer) Pool(ctx context.Context) (p view.Pool, err error) {
	err = m.ask(ctx, func(s *schedule) { p = s.crew.View(m.spool.Now()) })
	return p, err
}

// Sites says what is known of the sites of domains; those of which nothing is are
// missing. It fails when the schedule does not answer before ctx ends.
func (m *Mailer) Sites(ctx context.Context, domains []string) (known map[string]view.Site, err error) {
	err = m.ask(ctx, func(s *schedule) { known = s.prospect().Sites(domains) })
	return known, err
}

// AllSites are those that the mailer knows: there was mail for them lately. It fails when
// the schedule does not answer before ctx ends.
func (m *Mailer) AllSites(ctx context.Context) (list []view.Site, err error) {
	err = m.ask(ctx, func(s *schedule) { list = s.prospect().AllSites() })
	return list, err
}

// Outlooks says of each place what comes next, in their order. It fails when the
// schedule does not answer before ctx ends.
func (m *Mailer) Outlooks(ctx context.Context, places []view.Place) ([]view.Outlook, error) {
	list := make([]view.Outlook, len(places))
	err := m.ask(ctx, func(s *schedule) {
		all := s.prospect()
		for i, p := range places {
			list[i] = all.Outlook(p)
		}
	})
	return list, err
}

// Explain says how mail of an account to a domain goes, and what keeps it. account ""
// is relay's own mail. It fails when the schedule does not answer before ctx ends.
func (m *Mailer) Explain(ctx context.Context, domain, account string) (e view.Explanation, err error) {
	cfg := m.config()
	e.Way = view.WayMX
	own, fixed := cfg.Routes[domain]
	switch {
	case fixed && own.Host != "":
		e.Way = view.WayRoute
	case !fixed && cfg.Smarthost.Host != "":
		e.Way = view.WaySmarthost
	}
	path, err := m.router.Route(ctx, domain)
	if fault, ok := errors.AsType[*route.Error](err); ok {
		e.Fault = fault.Text
	} else if err != nil {
		return e, err
	}
	e.Terms = m.termsSoon(ctx, domain, path)
	err = m.ask(ctx, func(s *schedule) { s.prospect().Explain(&e, path, spooled.Lane{Domain: domain, Account: account}) })
	return e, err
}

// termsSoon are the terms of a domain for a person who waits: without a policy that takes
// long to fetch.
func (m *Mailer) termsSoon(ctx context.Context, domain string, path *route.Path) *policy.Terms {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	terms, fetch := m.policies.Terms(ctx, domain, path)
	if fetch != nil {
		terms = fetch()
	}
	return terms
}
