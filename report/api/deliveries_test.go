package api

import (
	"context"
	"time"

	"relay/report/api/act"
)

// sender is a mailer that has sent to one site.
type sender struct{}

var sentTo = act.SiteState{
	Site: act.Site{Name: "mx.example.net", Connections: 1, Limit: 3}, Provider: "any other", Row: act.Limits{Connections: 10, Messages: new(100), Rate: new(600), Recipients: new(50)},
	Now: act.Pace{Connections: 5, Rate: new(300.0)}, Sent: 12, SlowedSince: &noon, SlowedBy: "421 4.7.0 too fast", Delivered: 12, Deferred: 1,
	Replies: []act.SiteReply{{Time: noon, Reply: "421 4.7.0 too fast", Category: "RateLimited", Slows: "site"}},
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func (sender) Outlooks(_ context.Context, places []act.Place) ([]act.Outlook, error) {
	return make([]act.Outlook, len(places)), nil
}

func (sender) Sites(_ context.Context, domains []string) (map[string]act.Site, error) {
	all := map[string]act.Site{}
	for _, name := range domains {
		all[name] = sentTo.Site
	}
	return all, nil
}

func (sender) AllSites(context.Context) ([]act.SiteState, error) { return []act.SiteState{sentTo}, nil }

func (sender) Explain(_ context.Context, domain, account string) (*act.Way, error) {
	site := sentTo
	return &act.Way{Route: "mx", Hosts: []act.MailHost{{Name: "mx." + domain, Addresses: []string{"192.0.2.1"}, TLS: act.HostTLS{Level: "verified", By: "mta-sts"}}},
		MTASTS: &act.STSPolicy{Mode: "enforce", MX: []string{"mx." + domain}, Fetched: noon, Until: noon}, Port: 25, TLS: "opportunistic", Overrides: []act.Override{{Number: 1, Kind: "account", Target: account, Do: "slow", Rate: 5, Reason: "x", By: "op", Since: noon, Until: noon}},
		Site: &site, Profile: "normal", Source: act.WaySource{EHLO: "relay.example"}, Ceilings: []act.Ceiling{{Name: "warm-up", Day: &act.DayCeiling{Sent: 12, Limit: 50, Day: 1}}, {Name: "site", Row: site.Row, Now: site.Now,
			Since: &noon, Why: site.SlowedBy, Binds: true}}, Wait: &act.Wait{Reason: "pace", Until: &noon, Limit: 300}}, nil
}

func (sender) Probe(_ context.Context, domain, address string, done func(*act.ProbeStep) error) error {
	if err := done(&act.ProbeStep{Step: "route", Status: act.StepOK, Detail: "MX mx." + domain + ", port 25"}); err != nil {
		return err
	}
	return done(&act.ProbeStep{Host: "mx." + domain, Step: "RCPT", Status: act.StepOK, Detail: "250 2.1.5 ok"})
}

func (sender) Connections(context.Context) *act.Connections { return nil }

func (sender) SourceUse(context.Context) (map[string]act.SourceUse, error) {
	return map[string]act.SourceUse{"192.0.2.25": {Today: 12, Providers: []act.ProviderUse{{Provider: "Google", Today: 12, Ceiling: new(50), Day: 1}}}}, nil
}

func (sender) SourcesChanged(context.Context) error { return nil }

func (sender) Retry(string) {}

func (sender) Overridden(context.Context) error { return nil }

func (sender) SourceNames() []string { return []string{"192.0.2.1"} }
