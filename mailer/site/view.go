package site

import (
	"slices"
	"strings"
	"time"

	"relay/mailer/source"
	"relay/mailer/view"
)

// View shows a site.
func (t *Site) View(now time.Time) view.Site {
	v := view.Site{Name: t.Key, Source: t.Origin.Name, Connections: t.Workers, Limit: t.Limit, Claimed: t.Queue.Len(), Failures: t.Failures, Why: t.Why}
	if t.Down(now) {
		v.Down = t.Until
	}
	t.addPace(&v, now)
	return v
}

// addPace says how fast mail may go.
func (t *Site) addPace(v *view.Site, now time.Time) {
	st := t.Gate.State(now)
	v.Allowed = t.Gate.Connections(now)
	v.Limits, v.Pace, v.Sent, v.Since, v.Reply = t.Gate.Limits(), t.Gate.Rate(now), t.Gate.Sent(now), st.Since, st.Why
	if t.Row != nil {
		v.Row = *t.Row
	}
	if t.Gate.Stopped(now) {
		v.Suspended = st.Until
	}
	v.Delivered, v.Deferred, v.Failed = t.Heard.Delivered, t.Heard.Deferred, t.Heard.Failed
	v.Last = slices.Clone(t.Heard.Last)
}

// Ceilings are the site's own, those of all sources together, and that of a warm-up.
func (t *Site) Ceilings(now time.Time) (list []view.Ceiling) {
	st := t.Gate.State(now)
	list = []view.Ceiling{{Name: view.CeilingSite, Row: t.Gate.Limits(), Rate: t.Gate.Rate(now), Connections: t.Gate.Connections(now),
		Next: view.After(now, t.Gate.Next(now)), Since: st.Since, Why: st.Why}}
	if t.Capped() {
		l := t.All.Limits
		list = append(list, view.Ceiling{Name: view.CeilingSources, Row: l, Rate: float64(l.Rate), Connections: l.Connections, Next: view.After(now, t.All.Gate.Next(now, t.All.Rate()))})
	}
	if t.Warm != nil {
		w := *t.Warm.Now(now)
		c := view.Ceiling{Name: view.CeilingWarmUp, Connections: t.Gate.Connections(now), Day: &w}
		if w.Free() == 0 {
			c.Next = source.Turns(now)
		}
		list = append(list, c)
	}
	return list
}

// Outlook says what at the site keeps its mail, apart from connections and an account's own
// ceiling; ok is false: nothing does.
func (t *Site) Outlook(now time.Time) (v view.Outlook, ok bool) {
	switch {
	case t.Down(now):
		return view.Outlook{Wait: view.WaitDown, Until: t.Until, Failures: t.Failures, Why: t.Why}, true
	case t.Cold(now):
		return view.Outlook{Wait: view.WaitWarmUp, Until: source.Turns(now), Limit: t.Warm.Ceiling}, true
	case !t.Origin.Usable(now):
		return view.Outlook{Wait: view.WaitSource, Until: view.After(now, t.Origin.Since)}, true
	case t.Gate.Stopped(now):
		return view.Outlook{Wait: view.WaitSuspended, Until: t.Gate.Next(now), Why: t.Gate.State(now).Why}, true
	case t.Workers > len(t.Idle) && t.Workers-len(t.Idle) >= t.Limit:
		return view.Outlook{Wait: view.WaitSite, Limit: t.Limit}, true
	}
	return view.Outlook{}, false
}

// View shows a source.
func (o *Origin) View(now time.Time) view.Source {
	o.Turn(now)
	v := view.Source{Source: *o.Source, Name: o.Name, Gone: o.Gone, Drained: o.Drained, Listed: o.Listed, Culprit: o.Culprit}
	names := map[string]bool{}
	for name := range o.Sent {
		names[name] = true
	}
	for name := range o.Warm {
		names[name] = true
	}
	for name := range names {
		u := view.ProviderUse{Provider: name, Today: o.Sent[name]}
		if w := o.Warm[name]; w != nil {
			is := w.Now(now)
			u.Warm, u.Ceiling, u.Days, u.Blamed = is.Ceiling < source.Warm, is.Ceiling, is.Days, is.Blamed
			u.Today = max(u.Today, is.Sent)
		}
		v.Today += u.Today
		v.Use = append(v.Use, u)
	}
	slices.SortFunc(v.Use, func(a, b view.ProviderUse) int { return strings.Compare(a.Provider, b.Provider) })
	return v
}
