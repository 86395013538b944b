package mailer

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"relay/mailer/client"
	"relay/mailer/pace"
	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/source"
	"relay/store"
)

// Explanation is the way of an account's mail to a domain, and what keeps it.
type Explanation struct {
	Way      string       // one of the Ways
	Hosts    []route.Host // in the order in which they are tried
	Port     int
	TLS      client.TLSMode
	Terms    *policy.Terms // what the domain asks of TLS
	Fault    string        // why there is no way; "": there is one
	Site     Site          // zero with a fault
	Profile  pace.Profile  // of the account
	Own      bool          // it has that profile itself
	Ceilings []Ceiling     // none with a fault
	Source   source.Source
	Outlook  Outlook

	Overrides []store.Override // in force for this mail
}

// Ways to a domain.
const (
	WaySmarthost = "smarthost"
	WayRoute     = "route" // of the domain's own
	WayMX        = "mx"
)

// Ceiling is one limit of how fast mail may go.
type Ceiling struct {
	Name        string         // "site": of our source there; "account": of the account's mail there
	Row         pace.Limits    // at most
	Rate        float64        // messages a minute now; 0: any number
	Connections int            // now
	Next        time.Time      // when a message may begin; zero: now
	Since       time.Time      // when it went below Row; zero: it is at it
	Day         *source.Warmth // of a warm-up: messages today; nil: of others
	Why         string         // the reply that led there
	Binds       bool           // of all ceilings it is the one that keeps mail, or would first
}

// Names of ceilings.
const (
	CeilingSite    = "site"
	CeilingAccount = "account"
	CeilingSources = "sources" // of all sources together
	CeilingWarmUp  = "warm-up" // of the source, a day
)

// Explain says how mail of an account to a domain goes, and what keeps it. account ""
// is relay's own mail. It fails when the schedule does not answer before ctx ends.
func (m *Mailer) Explain(ctx context.Context, domain, account string) (e Explanation, err error) {
	cfg := m.config()
	e.Way = WayMX
	own, fixed := cfg.Routes[domain]
	switch {
	case fixed && own.Host != "":
		e.Way = WayRoute
	case !fixed && cfg.Smarthost.Host != "":
		e.Way = WaySmarthost
	}
	path, err := m.router.Route(ctx, domain)
	if fault, ok := errors.AsType[*route.Error](err); ok {
		e.Fault = fault.Text
	} else if err != nil {
		return e, err
	}
	e.Terms = m.termsSoon(ctx, domain, path)
	err = m.ask(ctx, func(s *schedule) { s.explain(&e, path, store.Lane{Domain: domain, Account: account}) })
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

func (s *schedule) explain(e *Explanation, path *route.Path, lane store.Lane) {
	now := s.m.store.Now()
	e.Profile = s.profileOf(lane.Account)
	e.Own = s.profile(lane.Account).own
	e.Outlook = s.outlook(Place{Lane: lane}, now)
	e.Overrides = s.inForce(lane, now)
	if path == nil {
		return
	}
	e.Hosts, e.Port, e.TLS = path.Hosts, path.Port, path.TLS
	t := s.siteFor(s.placeOf(path), lane.Account, now)
	if t == nil {
		return
	}
	e.Source = *t.origin.Source
	e.Site = t.snapshot(now)
	e.Ceilings = s.ceilings(t, lane.Account, now)
	if s.override(store.OverrideStop, lane, s.placeFor(lane), now) != nil {
		for i := range e.Ceilings {
			e.Ceilings[i].Binds = false // the override keeps the mail
		}
	}
}

// ceilings are those of an account's mail at a site, with the one that binds.
func (s *schedule) ceilings(t *site, account string, now time.Time) []Ceiling {
	st := t.gate.State(now)
	list := []Ceiling{{Name: CeilingSite, Row: t.gate.Limits(), Rate: t.gate.Rate(now), Connections: t.gate.Connections(now),
		Next: after(now, t.gate.Next(now)), Since: st.Since, Why: st.Why}}
	c := s.conducts[conductKey{account, t.provider()}]
	if g, l := s.gateOf(t, account, s.profileOf(account), now); g != nil {
		a := Ceiling{Name: CeilingAccount, Row: s.m.config().limits(t.row, s.profileOf(account)), Rate: float64(l.Rate),
			Connections: l.Connections, Next: after(now, g.Next(now, l))}
		if c != nil {
			kept := c.State(now)
			a.Since, a.Why = kept.Since, kept.Why
			if c.Held(now) {
				a.Rate, a.Connections, a.Next = 0, 0, c.HeldUntil()
			}
		}
		list = append(list, a)
	}
	list = append(list, t.sourceCeilings(now)...)
	first := slices.MinFunc(list, func(a, b Ceiling) int {
		return cmp.Or(b.Next.Compare(a.Next), cmp.Compare(rateOr(a.Rate), rateOr(b.Rate)))
	})
	for i := range list {
		list[i].Binds = list[i].Name == first.Name
	}
	return list
}

// sourceCeilings are those of all sources together, and of a warm-up.
func (t *site) sourceCeilings(now time.Time) (list []Ceiling) {
	if t.capped() {
		l := t.all.limits
		list = append(list, Ceiling{Name: CeilingSources, Row: l, Rate: float64(l.Rate), Connections: l.Connections, Next: after(now, t.all.gate.Next(now, t.all.rate()))})
	}
	if t.warm != nil {
		w := *t.warm.now(now)
		c := Ceiling{Name: CeilingWarmUp, Connections: t.gate.Connections(now), Day: &w}
		if w.Free() == 0 {
			c.Next = source.Turns(now)
		}
		list = append(list, c)
	}
	return list
}

// rateOr has no rate behind all others.
func rateOr(rate float64) float64 {
	if rate == 0 {
		return pace.Any
	}
	return rate
}

// after is t, or zero if that is not after now.
func after(now, t time.Time) time.Time {
	if t.After(now) {
		return t
	}
	return time.Time{}
}

// AllSites are those that the mailer knows: there was mail for them lately. It fails when
// the schedule does not answer before ctx ends.
func (m *Mailer) AllSites(ctx context.Context) (list []Site, err error) {
	err = m.ask(ctx, func(s *schedule) {
		now := m.store.Now()
		for t := range s.allSites {
			list = append(list, t.snapshot(now))
		}
	})
	return list, err
}
