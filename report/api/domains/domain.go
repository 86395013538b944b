package domains

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/jobs"
	"relay/store"
	"relay/store/maildomain"
	"relay/store/signing"
)

// Domain is a domain whose mail is signed for an account.
type Domain struct {
	Domain    string     `json:"domain" doc:"A-labels."`
	Account   string     `json:"account"`
	State     string     `json:"state" enum:"waiting,partly,delegated" doc:"waiting: none of its records leads to the relay's keys. partly: some do; when keys change, mail may be unsigned. delegated: all do."`
	Since     time.Time  `json:"since" doc:"When it was added."`
	Delegated []string   `json:"delegated" doc:"Selectors whose records led to the relay's keys at the last look."`
	Listed    []string   `json:"listed" doc:"Blocklists that had it when they were asked last."`
	Looked    *time.Time `json:"looked" doc:"When the DNS was asked last; null: not yet."`
	Records   []Record   `json:"records" doc:"What the domain's owner publishes, once."`
}

// Record is a DNS record.
type Record = jobs.ZoneLine

// NewDomain is the request to add a domain.
type NewDomain struct {
	Account string `path:"account"`
	Body    struct {
		Domain string `json:"domain" doc:"Of From fields. It signs for names below it too, unless they are added themselves."`
	}
}

// AllDomains is the request for a list of domains.
type AllDomains struct {
	act.Paging
	Account string `query:"account" doc:"Only those of this account."`
}

// Name is a request on one domain.
type Name struct {
	Account string `path:"account"`
	Domain  string `path:"domain"`
}

// RemovedDomain names the domain that was removed.
type RemovedDomain struct {
	Account string `json:"account"`
	Removed string `json:"removed"`
}

// Acts on domains.
var (
	Add = act.New(act.Spec{Name: "domain add", Route: "POST /v1/accounts/{account}/domains", Summary: "Sign mail of a domain, once its owner delegates it with the records of the answer",
		May: act.Operator | act.Reseller}, add)
	List = act.NewList(act.Spec{Name: "domain list", Route: "GET /v1/domains", Summary: "Domains whose mail is signed, by account",
		May: act.Operator | act.Reseller}, list)
	Remove = act.New(act.Spec{Name: "domain remove", Route: "DELETE /v1/accounts/{account}/domains/{domain}", Summary: "Sign mail of a domain no more",
		May: act.Operator | act.Reseller}, remove)
)

func add(ctx context.Context, s *act.Service, in *NewDomain) (*Domain, error) {
	if err := s.Reach(ctx, in.Account); err != nil {
		return nil, err
	}
	name, err := parse(in.Body.Domain)
	if err != nil {
		return nil, err
	}
	r := s.Rules()
	if err := s.Store.Signing.MakeKeys(selectors(r)...); err != nil {
		return nil, err
	}
	d, err := s.Store.Signing.AddDomain(s.Order(ctx, false), in.Account, name)
	if errors.Is(err, store.ErrExists) {
		return nil, act.Fail(act.Refused, fmt.Sprintf("{domain check %s --account %s}", name, in.Account), "account %s has the domain %s already", in.Account, name)
	} else if err != nil {
		return nil, act.NoAccount(in.Account, err)
	}
	return view(&d, r), nil
}

// parse reads a domain name as people write it. It refuses names without an owner of their
// own, such as co.uk.
func parse(text string) (string, error) {
	_, name, ok := maildomain.Parse(strings.TrimSuffix(strings.TrimPrefix(text, "@"), "."))
	if !ok || strings.HasPrefix(name, "[") || !strings.Contains(name, ".") {
		return "", act.Invalid("domain", "such as example.com", " %q is not the name of a domain", text)
	}
	if suffix, _ := publicsuffix.PublicSuffix(name); suffix == name {
		return "", act.Invalid("domain", "name the domain that is registered below it", " %s is a registry's, with domains of many owners below it", name)
	}
	return name, nil
}

func selectors(r *act.Rules) []string {
	return (&jobs.Signing{Pairs: r.Pairs}).Selectors()
}

func view(d *signing.Domain, r *act.Rules) *Domain {
	v := &Domain{Domain: d.Name, Account: d.Account, State: "waiting", Since: d.Since, Delegated: []string{}, Listed: field.OrNone(d.Listed), Looked: field.OrNull(d.Looked), Records: []Record{}}
	all := selectors(r)
	for _, selector := range all {
		v.Records = append(v.Records, Record{Name: d.Alias(selector), Type: "CNAME", Value: d.Target(selector, r.Zone)})
		if d.Delegated(selector) {
			v.Delegated = append(v.Delegated, selector)
		}
	}
	switch n := len(v.Delegated); {
	case n > 0 && n == len(all):
		v.State = "delegated"
	case n > 0:
		v.State = "partly"
	}
	return v
}

const between = " " // separates account and domain in a cursor

func list(ctx context.Context, s *act.Service, in *AllDomains, page *act.Page[Domain]) error {
	if in.Account != "" {
		if _, err := s.Account(ctx, in.Account); err != nil {
			return err
		}
	}
	account, from, _ := strings.Cut(page.From, between)
	r, reached := s.Rules(), reach{s: s}
	return s.Store.Signing.EachDomain(in.Account, account, from, func(d *signing.Domain) error {
		key := d.Account + between + d.Name
		ok, err := reached.ok(ctx, d.Account)
		switch {
		case err != nil:
			return err
		case !ok:
			return page.Pass(key)
		}
		return page.Add(*view(d, r), key)
	})
}

// reach caches the answer for one account, since domains are listed by account.
type reach struct {
	s       *act.Service
	account string
	within  bool
}

func (r *reach) ok(ctx context.Context, account string) (bool, error) {
	if account == r.account {
		return r.within, nil
	}
	err := r.s.Reach(ctx, account)
	if err != nil && !errors.Is(err, act.NotFound) {
		return false, err
	}
	r.account, r.within = account, err == nil
	return r.within, nil
}

// find looks a domain up, if its account is within the actor's reach.
func find(ctx context.Context, s *act.Service, in *Name) (d signing.Domain, err error) {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return d, err
	}
	name, err := parse(in.Domain)
	if err != nil {
		return d, err
	}
	d, err = s.Store.Signing.Domain(in.Account, name)
	return d, noDomain(in.Account, name, err)
}

func noDomain(account, name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return act.Fail(act.NoSuch, fmt.Sprintf("{domain list --account %s}", account), "account %s has no domain %s", account, name)
	}
	return err
}

func remove(ctx context.Context, s *act.Service, in *Name) (*RemovedDomain, error) {
	d, err := find(ctx, s, in)
	if err != nil {
		return nil, err
	}
	if err := s.Store.Signing.RemoveDomain(s.Order(ctx, false), d.Account, d.Name); err != nil {
		return nil, noDomain(d.Account, d.Name, err)
	}
	return &RemovedDomain{d.Account, d.Name}, nil
}
