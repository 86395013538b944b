package serve

import (
	"context"
	"errors"
	"time"

	"relay/cli/config"
	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/survey"
	"relay/report/api/act"
	"relay/report/jobs"
	"relay/store/sites"
)

var tlsLevels = map[policy.Level]string{policy.Any: "any", policy.Encrypted: "encrypted", policy.Verified: "verified"}

// hostTLS is what a domain asks of TLS with a host.
func hostTLS(t *policy.Terms, host string) act.HostTLS {
	v := act.HostTLS{Level: tlsLevels[t.Level(host)], By: t.By(host)}
	if err := t.Permits(host); err != nil {
		v.Barred = err.Text
	}
	return v
}

func stsView(p *sites.TLSPolicy) *act.STSPolicy {
	if p == nil {
		return nil
	}
	return &act.STSPolicy{Mode: p.Mode, MX: append([]string{}, p.MX...), Fetched: p.Fetched, Until: p.Fetched.Add(time.Duration(p.MaxAge) * time.Second)}
}

// Probe implements act.Deliveries.
func (d deliveries) Probe(ctx context.Context, domain, address string, done func(*act.ProbeStep) error) error {
	err := d.mail.Survey(ctx, domain, address, func(s *survey.Sight) error {
		step := &act.ProbeStep{Host: s.Host, Step: s.Stage, Status: act.StepOK, Detail: s.Detail, Temporary: s.Level == survey.SightPassing}
		switch s.Level {
		case survey.SightDoubt:
			step.Status = act.StepWarning
		case survey.SightBad, survey.SightPassing:
			step.Status = act.StepFailed
		}
		return done(step)
	})
	if errors.Is(err, survey.ErrSurveys) {
		return act.Fail(act.Busy, "try again in a moment", "%w", err)
	}
	return err
}

// reports is how domains are told of TLS. Without a DNS nobody is.
func (r *Relay) reports(c *config.Config) jobs.Reports {
	v := jobs.Reports{Host: r.hostname, Contact: "postmaster@" + r.hostname, Expire: c.Delivery.NoticeExpire.Duration}
	names, err := r.names()
	if err != nil || !c.Delivery.TLSReports {
		return v
	}
	web := &policy.HTTPS{Addrs: r.dns.LookupAddrs, AllowPrivate: c.Delivery.AllowPrivate, Agent: "relay/" + r.hostname}
	v.Post = web.Post
	v.To = func(ctx context.Context, domain string) ([]string, error) {
		texts, err := names.LookupTXT(ctx, policy.ReportName(domain))
		if errors.Is(err, route.ErrNotFound) {
			return nil, nil
		}
		return policy.ReportTo(texts), err
	}
	return v
}
