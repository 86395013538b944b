package domains

import (
	"context"

	"relay/mailer/records"
	"relay/report/api/act"
)

// CheckedDomain is what was found about a domain.
type CheckedDomain struct {
	Domain   Domain          `json:"domain"`
	Findings []DomainFinding `json:"findings"`
}

// DomainFinding is what was found about one record.
type DomainFinding struct {
	Record  string `json:"record" doc:"SPF, DKIM with the selector, DMARC, alignment or MX."`
	Status  string `json:"status" enum:"ok,warning,failed"`
	Detail  string `json:"detail"`
	Publish string `json:"publish" doc:"The record to publish, or the next step; empty: nothing is to be done."`
}

// Check is the act that looks at all records of a domain, and notes whether it is delegated.
var Check = act.New(act.Spec{Name: "domain check", Route: "POST /v1/accounts/{account}/domains/{domain}/check", Summary: "Look at a domain's records as receivers do, and say what to publish",
	May: act.Operator | act.Reseller}, check)

func check(ctx context.Context, s *act.Service, in *Name) (*CheckedDomain, error) {
	d, err := find(ctx, s, in)
	if err != nil {
		return nil, err
	}
	names, err := s.Names()
	if err != nil {
		return nil, act.Fail(act.Settings, "see resolver in [delivery]", "%w", err)
	}
	keys, err := s.Store.SigningKeys()
	if err != nil {
		return nil, err
	}
	r := s.Rules()
	found, delegated, failed := records.Check(ctx, names, &records.Subject{Domain: &d, Zone: r.Zone, Selectors: selectors(r), Keys: keys, Host: s.Hostname, Addrs: sourcesOf(s, d.Account), Smarthost: r.Smarthost})
	if failed == nil { // else the DNS did not answer, and the findings say so
		if d, err = s.Store.LookedAt(d.Account, d.Name, delegated); err != nil {
			return nil, err
		}
		if d.Name == "" {
			return nil, act.NotFound // removed meanwhile
		}
	}
	v := &CheckedDomain{Domain: *view(&d, r), Findings: []DomainFinding{}}
	for _, f := range found {
		v.Findings = append(v.Findings, DomainFinding{f.Record, string(f.Status), f.Detail, f.Publish})
	}
	return v, nil
}
