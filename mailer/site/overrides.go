package site

import (
	"time"

	"relay/mailer/attempt"
	"relay/mailer/pace"
	"relay/store/egress"
	"relay/store/spooled"
)

// Overrides are the operator's, as the store has them. There are few.
type Overrides struct {
	list []egress.Override // of the last days; some have ended
	Next time.Time         // when the first of those in force ends; zero: none is
	slow map[string]*pace.Gate
}

// NewOverrides are those that are stored now.
func NewOverrides(list []egress.Override, now time.Time) Overrides {
	all := Overrides{list: list}
	for i := range list {
		if o := &list[i]; o.InForce(now) && (all.Next.IsZero() || o.Until.Before(all.Next)) {
			all.Next = o.Until
		}
	}
	return all
}

// None reports whether there are none, not even some that have ended.
func (all *Overrides) None() bool { return len(all.list) == 0 }

// Find returns the override that does so to a lane's mail; nil: none. p is where the mail
// goes, nil where that is not known.
func (all *Overrides) Find(do egress.OverrideDo, l spooled.Lane, p *Place, now time.Time) *egress.Override {
	for i := range all.list {
		if o := &all.list[i]; o.Do == do && o.InForce(now) && matches(o, l, p) {
			return o
		}
	}
	return nil
}

// For are the overrides in force for a lane's mail.
func (all *Overrides) For(l spooled.Lane, p *Place, now time.Time) (list []egress.Override) {
	for i := range all.list {
		if o := &all.list[i]; o.InForce(now) && matches(o, l, p) {
			list = append(list, *o)
		}
	}
	return list
}

// matches reports whether an override is for a lane's mail.
func matches(o *egress.Override, l spooled.Lane, p *Place) bool {
	switch o.Kind {
	case egress.OverrideAccount:
		return o.Target == l.Account
	case egress.OverrideDomain:
		return o.Target == l.Domain
	}
	return p != nil && o.Target == p.Key
}

// Slow returns the override that slows a target; nil: none.
func (all *Overrides) Slow(kind egress.OverrideKind, target string, now time.Time) *egress.Override {
	for i := range all.list {
		if o := &all.list[i]; o.Do == egress.OverrideSlow && o.Kind == kind && o.Target == target && o.InForce(now) {
			return o
		}
	}
	return nil
}

// Slowed are limits with the rate of an override that slows, if that is less; nil: it is none.
func Slowed(o *egress.Override, l pace.Limits) pace.Limits {
	if o != nil && (l.Rate == 0 || o.Rate < l.Rate) {
		l.Rate, l.Opens = o.Rate, 0
	}
	return l
}

// Throttle lets a lane ask for no more than its domain may have now, where an override slows
// that. It reports whether it may ask at all, or else when it may.
func (all *Overrides) Throttle(t *Site, l *Lane, now time.Time) (ok bool, at time.Time) {
	o := all.Slow(egress.OverrideDomain, l.Domain, now)
	if o == nil {
		return true, at
	}
	g := all.gate(l.Domain)
	limits := pace.Limits{Connections: pace.Any, Rate: o.Rate}
	n := min(l.Asked, g.Free(now, limits))
	if n == 0 {
		return false, g.Next(now, limits)
	}
	g.Send(now, n, limits)
	less := l.Asked - n
	l.Asked, l.Turn.Asked, t.Asked = n, l.Turn.Asked-less, t.Asked-less
	return true, at
}

// gate counts the messages to a domain that an override slows.
func (all *Overrides) gate(domain string) *pace.Gate {
	if all.slow == nil {
		all.slow = map[string]*pace.Gate{}
	}
	g := all.slow[domain]
	if g == nil {
		g = &pace.Gate{}
		all.slow[domain] = g
	}
	return g
}

// HeldBack reports whether an override stopped a job's mail to a place since it was accepted.
func (all *Overrides) HeldBack(p *Place, j *attempt.Job) bool {
	for i := range all.list {
		o := &all.list[i]
		if o.Do != egress.OverrideStop || !o.Until.After(j.Message.Accepted) {
			continue
		}
		for _, c := range j.Claims {
			if matches(o, spooled.Lane{Domain: c.Domain, Account: j.Message.Account}, p) {
				return true
			}
		}
	}
	return false
}
