package delivery

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/delivery"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func google() *act.SiteState {
	return &act.SiteState{
		Site: act.Site{Name: "alt1.google.com,alt2.google.com", Connections: 1, Limit: 1}, Provider: "Google",
		Row: act.Limits{Connections: 3, Messages: new(50), Rate: new(100), Recipients: new(50)}, Now: act.Pace{Connections: 1, Rate: new(50.0)},
		Sent: 47, SlowedSince: new(noon.Add(-10 * time.Minute)), SlowedBy: "421 4.7.28 too fast", Delivered: 1200, Deferred: 3,
		Replies: []act.SiteReply{{Time: noon.Add(-time.Hour), Reply: "550 5.1.1 no such user"}, {Time: noon, Reply: "421 4.7.28 too fast"}},
	}
}

func TestExplain_text(t *testing.T) {
	v := &api.Explanation{Address: "jo@example.net", Domain: "example.net", Account: "acme", Way: act.Way{Route: "mx", Port: 25, TLS: "opportunistic",
		MTASTS: &act.STSPolicy{Mode: "enforce", MX: []string{"*.google.com"}},
		Hosts:  []act.MailHost{{Name: "alt1.google.com", Addresses: []string{"192.0.2.1"}, TLS: act.HostTLS{Level: "verified", By: "mta-sts"}}}, Site: google(), Profile: "normal", Source: act.WaySource{EHLO: "relay.example"},
		Ceilings: []act.Ceiling{{Name: "site", Row: google().Row, Now: google().Now, Since: google().SlowedSince, Why: google().SlowedBy, Next: new(noon.Add(time.Second)), Binds: true}}},
		Suppression: &api.SuppressedAddress{Reason: "InvalidRecipient", Reply: "550 5.1.1 unknown", Since: noon.Add(-time.Hour), Expires: new(noon.Add(time.Hour))},
		First:       &api.FirstSending{Cap: 400, Used: 400, Waiting: 1234, Day: "2026-11-25"},
		Next:        new(noon.Add(time.Minute))}
	v.Overrides = []act.Override{{Number: 7, Kind: "account", Target: "acme", Do: "slow", Rate: 10, Reason: "new list", Until: noon}}
	var b bytes.Buffer
	if err := term.WriteFields(&b, explainFields(v, noon, time.UTC)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"acme, profile normal", "the MX hosts of example.net", "alt1.google.com [192.0.2.1]:25: TLS with its own certificate, for MTA-STS",
		"Google, 3 connections, 50 messages each, 100 a minute, 50 recipients in a transaction",
		"1 connection, 50 a minute (binds), since 2026-11-23 11:50", "421 4.7.28 too fast; the next message in 1s", "opportunistic; MTA-STS enforce, mx *.google.com", "in 1m",
		"not tried since 2026-11-23 11:00:00, until 2026-11-23 13:00:00: InvalidRecipient, 550 5.1.1 unknown",
		"400 of 400 used today, 1,234 wait; to this recipient, a new one, mail that comes in now goes out on 2026-11-25",
		"7: mail of account acme is slowed to 10 messages a minute, until 2026-11-23 12:00:00: new list",
	} {
		if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

func TestSites_text(t *testing.T) {
	list := &api.Sites{Rows: []api.SiteRow{{SiteState: *google(), Queued: 1_234_567, Domains: 3}}, All: 3, Unknown: 2}
	got := sitesText(list, noon, time.UTC, 100)
	for _, want := range []string{
		"alt1.google.com +1  1,234,567   1/1     47/50      1,200         3       0",
		"  slower than its row (Google, 3 connections, 50 messages each, 100 a minute)\n  since 2026-11-23 11:50",
		"  1h ago: 550 5.1.1 no such user",
		"-- and 2 other sites", "-- 2 messages to domains whose hosts are not looked up",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}
