package serve

import (
	"context"
	"math"

	"relay/mailer/client"
	"relay/mailer/pace"
	"relay/mailer/view"
	"relay/report/api/act"
	"relay/report/api/field"
)

// AllSites implements act.Deliveries.
func (d deliveries) AllSites(ctx context.Context) ([]act.SiteState, error) {
	sites, err := d.mail.AllSites(ctx)
	list := make([]act.SiteState, len(sites))
	for i := range sites {
		list[i] = siteState(&sites[i])
	}
	return list, err
}

func siteView(s *view.Site) act.Site {
	return act.Site{Name: s.Name, Source: s.Source, Connections: s.Connections, Limit: s.Limit, Claimed: s.Claimed,
		DownUntil: field.OrNull(s.Down), Failures: s.Failures, Why: s.Why}
}

func siteState(s *view.Site) act.SiteState {
	v := act.SiteState{Site: siteView(s), Provider: s.Row.Name, Row: limitsView(s.Limits), Now: paceView(s.Pace, s.Allowed),
		Sent: int(math.Round(s.Sent)), Suspended: field.OrNull(s.Suspended), SlowedSince: field.OrNull(s.Since), SlowedBy: s.Reply,
		Delivered: s.Delivered, Deferred: s.Deferred, Failed: s.Failed, Replies: []act.SiteReply{}}
	for _, r := range s.Last {
		v.Replies = append(v.Replies, act.SiteReply{Time: r.Time, Reply: r.Text, Category: r.Category, Slows: r.Slows})
	}
	return v
}

func limitsView(l pace.Limits) act.Limits {
	return act.Limits{Connections: l.Connections, Messages: orAny(l.Messages), Rate: orAny(l.Rate), Opens: orAny(l.Opens), Recipients: orAny(l.Recipients)}
}

// orAny is a limit of an answer; null: there is none.
func orAny(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func paceView(rate float64, connections int) act.Pace {
	v := act.Pace{Connections: connections}
	if rate > 0 {
		v.Rate = &rate
	}
	return v
}

var tlsNames = map[client.TLSMode]string{
	client.TLSOpportunistic: "opportunistic", client.TLSRequired: "starttls", client.TLSImplicit: "implicit", client.TLSNone: "none",
	client.TLSEncrypted: "encrypt",
}

// Explain implements act.Deliveries.
func (d deliveries) Explain(ctx context.Context, domain, account string) (*act.Way, error) {
	e, err := d.mail.Explain(ctx, domain, account)
	if err != nil {
		return nil, err
	}
	w := &act.Way{Route: e.Way, Hosts: []act.MailHost{}, Port: e.Port, TLS: tlsNames[e.TLS], Fault: e.Fault, Profile: string(e.Profile),
		Own: e.Own, Ceilings: []act.Ceiling{}, Overrides: []act.Override{}, Source: act.WaySource{Name: e.Source.Name(), EHLO: e.Source.EHLO, Pool: e.Source.Pool}, Wait: outlookView(e.Outlook).Wait}
	if e.Source.Addr.IsValid() {
		w.Source.Address = e.Source.Addr.String()
	}
	for _, h := range e.Hosts {
		host := act.MailHost{Name: h.Name, Addresses: []string{}, TLS: hostTLS(e.Terms, h.Name)}
		for _, a := range h.Addrs {
			host.Addresses = append(host.Addresses, a.String())
		}
		w.Hosts = append(w.Hosts, host)
	}
	w.MTASTS, w.DNSSEC = stsView(e.Terms.Policy()), e.Terms.Secure()
	if e.Fault == "" {
		site := siteState(&e.Site)
		w.Site = &site
	}
	for i := range e.Overrides {
		w.Overrides = append(w.Overrides, *act.OverrideOf(&e.Overrides[i]))
	}
	for _, c := range e.Ceilings {
		var day *act.DayCeiling
		if c.Day != nil {
			day = &act.DayCeiling{Sent: c.Day.Sent, Limit: c.Day.Ceiling, Day: c.Day.Days}
		}
		w.Ceilings = append(w.Ceilings, act.Ceiling{Day: day, Name: c.Name, Row: limitsView(c.Row), Now: paceView(c.Rate, c.Connections),
			Next: field.OrNull(c.Next), Since: field.OrNull(c.Since), Why: c.Why, Binds: c.Binds})
	}
	return w, nil
}
