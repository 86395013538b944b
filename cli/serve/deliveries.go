package serve

import (
	"context"
	"time"

	"relay/mailer"
	"relay/mailer/view"
	"relay/report/api/act"
	"relay/report/api/field"
)

// deliveries is the mailer as the service sees it.
type deliveries struct{ mail *mailer.Mailer }

// Outlooks implements act.Deliveries.
func (d deliveries) Outlooks(ctx context.Context, places []act.Place) ([]act.Outlook, error) {
	asked := make([]view.Place, len(places))
	for i, p := range places {
		asked[i] = view.Place(p)
	}
	list, err := d.mail.Outlooks(ctx, asked)
	out := make([]act.Outlook, len(list))
	for i, o := range list {
		out[i] = outlookView(o)
	}
	return out, err
}

func outlookView(o view.Outlook) act.Outlook {
	v := act.Outlook{InHand: o.InHand}
	if o.Wait != "" {
		v.Wait = &act.Wait{Reason: string(o.Wait), Until: field.OrNull(o.Until), Failures: o.Failures, Why: o.Why, Limit: o.Limit}
	}
	return v
}

// Sites implements act.Deliveries.
func (d deliveries) Sites(ctx context.Context, domains []string) (map[string]act.Site, error) {
	sites, err := d.mail.Sites(ctx, domains)
	out := make(map[string]act.Site, len(sites))
	for name, s := range sites {
		out[name] = siteView(&s)
	}
	return out, err
}

// Connections implements act.Deliveries.
func (d deliveries) Connections(ctx context.Context) *act.Connections {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	p, err := d.mail.Pool(ctx)
	if err != nil {
		return nil
	}
	v := &act.Connections{Limit: p.Limit, InUse: p.Used, Waiting: p.Waiting, Accounts: []act.Holder{}}
	for _, h := range p.Held {
		v.Accounts = append(v.Accounts, act.Holder{Account: h.Account, Connections: h.Connections, OldestSeconds: int64(h.Oldest / time.Second)})
	}
	return v
}

// Overridden implements act.Deliveries.
func (d deliveries) Overridden(ctx context.Context) error { return d.mail.Overridden(ctx) }

// SourceNames implements act.Deliveries.
func (d deliveries) SourceNames() []string { return d.mail.SourceNames() }

// Retry implements act.Deliveries.
func (d deliveries) Retry(domain string) { d.mail.Retry(domain) }
