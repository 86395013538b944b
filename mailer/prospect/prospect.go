// Package prospect says what becomes of mail, from what the schedule keeps: what waits for what,
// how mail of an account goes and what keeps it, and how busy the mailer is.
//
// A Prospect changes nothing, but brings up to date what depends on the time, such as a pace that
// has grown since. The goroutine of the schedule makes one for a question (see package mailer), and hands
// out values.
package prospect

import (
	"time"

	"relay/mailer/accounts"
	"relay/mailer/atlas"
	"relay/mailer/crew"
	"relay/mailer/flights"
	"relay/mailer/pacebook"
	"relay/mailer/route"
	"relay/mailer/site"
	"relay/mailer/view"
	"relay/mailer/window"
	"relay/store/egress"
	"relay/store/spooled"
)

// Prospect is what an answer is made from.
type Prospect struct {
	Now  time.Time
	Most int // connections that there may be

	Window   *window.Window
	Atlas    *atlas.Atlas
	Flights  *flights.Flights
	Crew     *crew.Crew
	Accounts *accounts.Accounts
	Paces    *pacebook.Book
	Pauses   site.Pauses
	Orders   *site.Overrides

	Stopped func(account string) bool                      // it is suspended
	SiteFor func(p *site.Place, account string) *site.Site // that the account's mail to a place goes by; nil: there is none
	PlaceOf func(path *route.Path) *site.Place             // of a path that was just looked up
}

// Load of this moment.
func (p *Prospect) Load() view.Load {
	return view.Load{Connections: p.Crew.Connections(), Most: p.Most, Lanes: p.Window.Len(), Sites: p.Atlas.Len(),
		Waiting: len(p.Crew.Waiting(p.Now)), Down: p.Atlas.Down(p.Now), Stopped: p.Paces.Stopped(p.Now)}
}

// Sites says what is known of the sites of domains; those of which nothing is are missing.
func (p *Prospect) Sites(domains []string) map[string]view.Site {
	known := make(map[string]view.Site, len(domains))
	paused := p.Pauses.Domains(p.Now)
	for _, name := range domains {
		place := p.Atlas.PlaceOf(name)
		if place == nil {
			continue
		}
		t := place.Front(p.Now)
		if t == nil {
			continue
		}
		v := t.View(p.Now)
		if is := paused[name]; is != nil && v.Down.IsZero() {
			v.Down, v.Failures, v.Why = is.Until, is.Failures, is.Why
		}
		known[name] = v
	}
	return known
}

// AllSites are those that the mailer knows.
func (p *Prospect) AllSites() (list []view.Site) {
	for t := range p.Atlas.Sites {
		list = append(list, t.View(p.Now))
	}
	return list
}

// Outlook says what comes next for a message's mail to a domain.
func (p *Prospect) Outlook(at view.Place) view.Outlook {
	lane := at.Lane
	if p.Flights.WithWorker(flights.Flight{ID: at.ID, Domain: lane.Domain}) {
		return view.Outlook{InHand: true}
	}
	if p.Stopped(lane.Account) {
		return view.Outlook{Wait: view.WaitHeld}
	}
	if o := p.stop(lane); o != nil {
		return view.Outlook{Wait: view.WaitOverride, Until: o.Until, Why: o.Reason}
	}
	if is := p.Pauses.Of(lane, p.Now); is != nil {
		return view.Outlook{Wait: view.WaitPaused, Until: is.Until, Failures: is.Failures, Why: is.Why}
	}
	d := p.Atlas.Find(lane.Domain)
	switch {
	case d == nil || d.Place == nil && !d.Asking:
		return view.Outlook{}
	case d.Place == nil:
		return view.Outlook{Wait: view.WaitLookup}
	}
	t := p.SiteFor(d.Place, lane.Account)
	if t == nil {
		return view.Outlook{Wait: view.WaitSource}
	}
	return p.outlookAt(t, lane.Account)
}

// stop is the override that stops a lane's mail; nil: none.
func (p *Prospect) stop(lane spooled.Lane) *egress.Override {
	return p.Orders.Find(egress.OverrideStop, lane, p.Atlas.PlaceOf(lane.Domain), p.Now)
}

// outlookAt is for mail of an account to a site that is known.
func (p *Prospect) outlookAt(t *site.Site, account string) view.Outlook {
	if v, ok := t.Outlook(p.Now); ok {
		return v
	}
	switch {
	case p.Crew.Full():
		return view.Outlook{Wait: view.WaitPool, Limit: p.Most}
	case !p.Crew.Modest(account):
		return view.Outlook{Wait: view.WaitShare}
	case t.Free(p.Now) == 0:
		return view.Outlook{Wait: view.WaitPace, Until: t.FreeAt(p.Now), Limit: int(t.Gate.Rate(p.Now))}
	}
	return p.Accounts.Outlook(t, account, p.Now)
}

// Explain completes an explanation of how a lane's mail goes: by a path that was just looked up,
// or nil where there is none.
func (p *Prospect) Explain(e *view.Explanation, path *route.Path, lane spooled.Lane) {
	is := p.Accounts.Profile(lane.Account)
	e.Profile, e.Own = is.Pace, is.Own
	e.Outlook = p.Outlook(view.Place{Lane: lane})
	e.Overrides = p.Orders.For(lane, p.Atlas.PlaceOf(lane.Domain), p.Now)
	if path == nil {
		return
	}
	e.Hosts, e.Port, e.TLS = path.Hosts, path.Port, path.TLS
	t := p.SiteFor(p.PlaceOf(path), lane.Account)
	if t == nil {
		return
	}
	e.Source = *t.Origin.Source
	e.Site = t.View(p.Now)
	e.Ceilings = p.Accounts.Ceilings(t, lane.Account, p.Now)
	if p.stop(lane) != nil {
		for i := range e.Ceilings {
			e.Ceilings[i].Binds = false // the override keeps the mail
		}
	}
}
