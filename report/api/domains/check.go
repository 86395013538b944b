package domains

import (
	"context"

	"relay/mailer/records"
	"relay/report/api/act"
	"relay/store/signing"
)

// CheckedDomain has the findings about a domain.
type CheckedDomain struct {
	Domain   Domain          `json:"domain"`
	Findings []DomainFinding `json:"findings"`
	Results  []DomainResult  `json:"results" doc:"What became of the mail of the last 30 days that the domain's signature was on, by provider."`
}

// DomainResult is what became of a domain's signed mail at one provider.
type DomainResult struct {
	Provider  string         `json:"provider" doc:"Name of its row; 'any other' for all hosts without one."`
	Delivered int64          `json:"delivered" doc:"Recipients."`
	Deferred  int64          `json:"deferred" doc:"Put off at least once."`
	Failed    int64          `json:"failed" doc:"Refused, or given up at an attempt."`
	Refusal   *CommonRefusal `json:"refusal" doc:"The most common reply that put mail off or refused it; null: there was none."`
}

// CommonRefusal is a kind of reply, without addresses and IDs.
type CommonRefusal struct {
	_ struct{} `nullable:"true"`

	Reply    string `json:"reply"`
	Category string `json:"category"`
	Count    int64  `json:"count" doc:"Recipients, about: where replies differ much, rare kinds are counted with it."`
}

// DomainFinding is the finding about one record.
type DomainFinding struct {
	Record  string `json:"record" doc:"SPF, DKIM with the selector, DMARC, alignment, MX or blocklists."`
	Status  string `json:"status" enum:"ok,warning,failed"`
	Detail  string `json:"detail"`
	Publish string `json:"publish" doc:"The record to publish, or the next step; empty: nothing is to be done."`
}

// Check is the act that checks all records of a domain and stores whether it is delegated.
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
	keys, err := s.Store.Signing.Keys()
	if err != nil {
		return nil, err
	}
	r := s.Rules()
	found, look, failed := records.Check(ctx, names, &records.Subject{Domain: &d, Zone: r.Zone, Selectors: selectors(r), Keys: keys, Host: s.Hostname, Addrs: sourcesOf(s, d.Account), Smarthost: r.Smarthost})
	if failed == nil { // otherwise the DNS did not answer, and the findings say so
		if d, err = s.Store.Signing.LookedAt(d.Account, d.Name, look); err != nil {
			return nil, err
		}
		if d.Name == "" {
			return nil, act.NotFound // removed meanwhile
		}
	}
	if f, ok := blocked(ctx, s, &d); ok {
		found = append(found, f)
	}
	v := &CheckedDomain{Domain: *view(&d, r), Findings: []DomainFinding{}}
	if v.Results, err = results(s, &d); err != nil {
		return nil, err
	}
	for _, f := range found {
		v.Findings = append(v.Findings, DomainFinding{f.Record, string(f.Status), f.Detail, f.Publish})
	}
	return v, nil
}

// blocked asks blocklists about a domain, and notes what they say; ok is false where none
// is asked.
func blocked(ctx context.Context, s *act.Service, d *signing.Domain) (f records.Finding, ok bool) {
	if s.Blocked == nil {
		return f, false
	}
	b, err := s.Blocked(ctx, d.Name)
	if err == nil && b.Asked > 0 {
		d.Listed = b.Names(d.Listed)
		err = s.Store.Signing.AskedAt(d.Account, d.Name, d.Listed)
	}
	if err != nil {
		return records.Finding{Record: "blocklists", Status: records.Warning, Detail: "cannot tell: " + err.Error(), Publish: "relay check looks at the name server"}, true
	}
	return b.Finding(d.Name)
}

// results are what became of a domain's signed mail, by provider.
func results(s *act.Service, d *signing.Domain) ([]DomainResult, error) {
	list, err := s.Store.Signing.Tallies(d.Account, d.Name)
	out := make([]DomainResult, len(list))
	for i := range list {
		is := &list[i]
		out[i] = DomainResult{Provider: is.Provider, Delivered: is.Delivered, Deferred: is.Deferred, Failed: is.Failed}
		if len(is.Refusals) > 0 {
			f := is.Refusals[0]
			out[i].Refusal = &CommonRefusal{Reply: f.Reply, Category: f.Category, Count: f.Count}
		}
	}
	return out, err
}
