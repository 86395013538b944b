package prospect

import (
	"sync/atomic"
	"testing"
	"time"

	"relay/mailer/atlas"
	"relay/mailer/attempt"
	"relay/mailer/crew"
	"relay/mailer/flights"
	"relay/mailer/pacebook"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/mailer/source"
	"relay/mailer/view"
	"relay/mailer/window"
	"relay/store/egress"
	"relay/store/spooled"
)

var (
	noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	lane = spooled.Lane{Account: "acme", Domain: "a.test"}
	mail = view.Place{ID: spooled.ID{1}, Lane: lane}
)

// newProspect knows one site, which may have two connections, as may all.
func newProspect() (*Prospect, *site.Site) {
	var cfg atomic.Pointer[settings.Config]
	cfg.Store(&settings.Config{Connections: 2, Window: 100})
	p := &Prospect{Now: noon, Most: 2, Window: window.New(&cfg), Atlas: atlas.New(&cfg), Flights: flights.New(),
		Crew: crew.New(&cfg), Paces: pacebook.New(), Pauses: site.Pauses{}, Orders: &site.Overrides{},
		Stopped: func(string) bool { return false }}
	d := p.Atlas.Domain(lane.Domain)
	p.Atlas.Found(d, &route.Path{Site: "mx"}, nil, nil, noon)
	t := p.Atlas.Add(d.Place, site.NewOrigin(&source.Source{}))
	t.Limit = 2
	p.SiteFor = func(at *site.Place, _ string) *site.Site { return at.Sites[0] }
	return p, t
}

// hire gives an account a connection to a site.
func (p *Prospect) hire(t *site.Site, account string) {
	w := &site.Hand{Worker: &attempt.Worker{Jobs: make(chan *attempt.Job, 1)}, Site: t}
	p.Crew.Hire(w, &attempt.Job{Message: &spooled.Message{Account: account}})
}

func TestProspect_Outlook(t *testing.T) {
	hour := noon.Add(time.Hour)
	for _, tt := range []struct {
		what string
		is   func(*Prospect, *site.Site)
		want view.Outlook
	}{
		{"in hand", func(p *Prospect, _ *site.Site) { p.Flights.TakeOff(flights.Flight{ID: mail.ID, Domain: lane.Domain}) }, view.Outlook{InHand: true}},
		{"its account is suspended", func(p *Prospect, _ *site.Site) { p.Stopped = func(string) bool { return true } }, view.Outlook{Wait: view.WaitHeld}},
		{"stopped by the operator", func(p *Prospect, _ *site.Site) {
			*p.Orders = site.NewOverrides([]egress.Override{{Do: egress.OverrideStop, Kind: egress.OverrideDomain, Target: lane.Domain, Reason: "spam", Until: hour}}, noon)
		}, view.Outlook{Wait: view.WaitOverride, Until: hour, Why: "spam"}},
		{"paused", func(p *Prospect, _ *site.Site) {
			p.Pauses.Break(lane, 1, "421", noon, func(int) time.Duration { return time.Hour })
		}, view.Outlook{Wait: view.WaitPaused, Until: hour, Failures: 1, Why: "421"}},
		{"nothing is known", func(p *Prospect, _ *site.Site) { p.Atlas.Find(lane.Domain).Place = nil }, view.Outlook{}},
		{"looked up", func(p *Prospect, _ *site.Site) {
			d := p.Atlas.Find(lane.Domain)
			d.Place, d.Asking = nil, true
		}, view.Outlook{Wait: view.WaitLookup}},
		{"no source", func(p *Prospect, _ *site.Site) {
			p.SiteFor = func(*site.Place, string) *site.Site { return nil }
		}, view.Outlook{Wait: view.WaitSource}},
		{"down", func(p *Prospect, t *site.Site) { t.Failures, t.Until, t.Why = 3, hour, "no route" }, view.Outlook{Wait: view.WaitDown, Until: hour, Failures: 3, Why: "no route"}},
		{"told to stop", func(p *Prospect, t *site.Site) { t.Gate.Suspend(noon, time.Hour, "421 later") }, view.Outlook{Wait: view.WaitSuspended, Until: hour, Why: "421 later"}},
		{"all connections to it in use", func(p *Prospect, t *site.Site) { t.Limit = 1; p.hire(t, "acme") }, view.Outlook{Wait: view.WaitSite, Limit: 1}},
		{"all connections in use", func(p *Prospect, t *site.Site) { t.Limit = 3; p.hire(t, "acme"); p.hire(t, "other") }, view.Outlook{Wait: view.WaitPool, Limit: 2}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			p, hop := newProspect()
			tt.is(p, hop)
			if got := p.Outlook(mail); got != tt.want {
				t.Errorf("Outlook = %+v, want %+v", got, tt.want)
			}
		})
	}
}

// A domain of which something is known has its site, and a pause is shown with it.
func TestProspect_Sites(t *testing.T) {
	p, hop := newProspect()
	p.Pauses.Break(lane, 1, "421", noon, func(int) time.Duration { return time.Hour })
	got := p.Sites([]string{"a.test", "unknown.test"})
	if len(got) != 1 || got["a.test"].Name != "mx" || got["a.test"].Why != "421" || !got["a.test"].Down.Equal(noon.Add(time.Hour)) {
		t.Errorf("Sites = %+v", got)
	}
	if all := p.AllSites(); len(all) != 1 || !all[0].Down.IsZero() {
		t.Errorf("AllSites = %+v", all)
	}
	p.hire(hop, "acme")
	if l := p.Load(); l.Connections != 1 || l.Most != 2 || l.Sites != 1 || l.Down+l.Stopped+l.Waiting+l.Lanes != 0 {
		t.Errorf("Load = %+v", l)
	}
}
