package accounts

import (
	"slices"
	"time"

	"relay/mailer/pace"
	"relay/mailer/site"
	"relay/mailer/view"
	"relay/store/egress"
)

// Gate is the ceiling of an account's own at a site, and its limits there; nil: it has none.
// Accounts that go by the configuration share one where others take more.
func (a *Accounts) Gate(t *site.Site, account string, p pace.Profile, now time.Time) (*pace.Gate, pace.Limits) {
	word := a.orders.Slow(egress.OverrideAccount, account, now)
	if t.Row == nil || t.Path.Fixed && word == nil {
		return nil, pace.Limits{}
	}
	cfg := a.config()
	conduct := a.conducts[keyOf(t, account)]
	slow := conduct != nil && (conduct.Slow(now) || conduct.Held(now))
	name := account
	switch {
	case slow, word != nil, pace.Slower(p, cfg.Profile) != cfg.Profile:
	case p == t.Has.Fastest(cfg.Profile):
		return nil, pace.Limits{}
	default:
		name = "profile " + string(p)
	}
	l := cfg.Limits(t.Row, p)
	if conduct != nil {
		l = conduct.Limits(now, l)
	}
	return t.GateNamed(name, now), site.Slowed(word, l)
}

// Demand is how many messages a site asks for now, how many of one lane at most, and how many of an
// account; 0: none. stuck says whose jobs wait there for a connection; nil: there are none.
func (a *Accounts) Demand(t *site.Site, stuck func(account string) bool, now time.Time) (n, each int, spare func(*site.Turn) int) {
	n, each = t.Wants(stuck)
	if n = min(n, t.Free(now)-t.Queue.Len()-t.Asked); n <= 0 {
		return 0, 0, nil
	}
	spare = func(u *site.Turn) int {
		if stuck != nil && stuck(u.Account) {
			return 0
		}
		return a.spare(u, now)
	}
	for u := range t.Turns.All() {
		if spare(u) > 0 {
			return n, each, spare
		}
	}
	return 0, 0, nil
}

// spare is how many more messages of an account may be asked for.
func (a *Accounts) spare(u *site.Turn, now time.Time) int {
	t := u.Site
	if a.Held(t, u.Account, now) {
		return 0
	}
	g, l := a.Gate(t, u.Account, u.Profile, now)
	if g == nil {
		return pace.Any
	}
	return g.Free(now, l) - t.Queue.Count(u.Account) - u.Asked
}

// NextAt is when a ceiling lets a site's mail go on; now: none keeps it.
func (a *Accounts) NextAt(t *site.Site, now time.Time) time.Time {
	if t.Queue.Len() > 0 {
		if at := t.FreeAt(now); at.After(now) || t.Workers >= t.Limit {
			return at
		}
		return t.Gate.MayOpen(now)
	}
	if t.Lanes == 0 {
		return now
	}
	if at := t.FreeAt(now); at.After(now) {
		return at
	}
	var first time.Time
	for u := range t.Turns.All() {
		at := a.next(u, now)
		if !at.After(now) {
			return now
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// next is when an account's own ceiling lets its mail at a site go on.
func (a *Accounts) next(u *site.Turn, now time.Time) time.Time {
	if c := a.held(u.Site, u.Account, now); c != nil {
		return c.HeldUntil()
	}
	g, l := a.Gate(u.Site, u.Account, u.Profile, now)
	if g == nil {
		return now
	}
	return g.Next(now, l)
}

// Outlook says whether an account's own ceiling keeps its mail at a site; zero: it does not.
func (a *Accounts) Outlook(t *site.Site, account string, now time.Time) view.Outlook {
	if c := a.held(t, account, now); c != nil {
		return view.Outlook{Wait: view.WaitAccount, Until: c.HeldUntil(), Why: c.State(now).Why}
	}
	g, l := a.Gate(t, account, a.Profile(account).Pace, now)
	if g == nil || g.Free(now, l) > 0 {
		return view.Outlook{}
	}
	return view.Outlook{Wait: view.WaitAccount, Until: g.Next(now, l), Limit: l.Rate}
}

// Ceilings are those of an account's mail at a site, with the one that binds.
func (a *Accounts) Ceilings(t *site.Site, account string, now time.Time) []view.Ceiling {
	list := t.Ceilings(now)
	if own, ok := a.ceiling(t, account, now); ok {
		list = slices.Insert(list, 1, own) // behind the site's
	}
	view.Bind(list)
	return list
}

// ceiling shows an account's own ceiling at a site; ok is false: it has none.
func (a *Accounts) ceiling(t *site.Site, account string, now time.Time) (v view.Ceiling, ok bool) {
	p := a.Profile(account).Pace
	g, l := a.Gate(t, account, p, now)
	if g == nil {
		return v, false
	}
	v = view.Ceiling{Name: view.CeilingAccount, Row: a.config().Limits(t.Row, p), Rate: float64(l.Rate),
		Connections: l.Connections, Next: view.After(now, g.Next(now, l))}
	if c := a.conducts[keyOf(t, account)]; c != nil {
		kept := c.State(now)
		v.Since, v.Why = kept.Since, kept.Why
		if c.Held(now) {
			v.Rate, v.Connections, v.Next = 0, 0, c.HeldUntil()
		}
	}
	return v, true
}
