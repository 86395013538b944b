package plans

import (
	"context"
	"errors"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/store"
)

// ChangedPlan is a plan that was added or changed.
type ChangedPlan struct {
	answer.Plan
	NoSeller bool   `json:"no_seller,omitempty" doc:"It has a price, and invoices have no address of the operator's yet."`
	Older    *Terms `json:"older_terms,omitempty" doc:"Accounts that run on other terms of the plan than it has now."`
}

// RetiredPlan is a plan that was retired, or is sold again.
type RetiredPlan struct {
	answer.Plan
	Running *Terms `json:"running,omitempty" doc:"Accounts whose present term is of the plan."`
}

// Name is a request on one plan.
type Name struct {
	Plan string `path:"plan"`
}

// Retirement is the request to stop selling a plan, or to sell it again.
type Retirement struct {
	Plan string `path:"plan"`
	Body struct {
		Undo bool `json:"undo,omitempty" doc:"Sell it again."`
	}
}

// Listed is the request for a list.
type Listed struct {
	Retired bool `query:"retired" who:"operator" doc:"Also those that are retired."`
	act.Paging
}

// Acts on plans.
var (
	List   = act.NewList(act.Spec{Name: "plan list", Route: "GET /v1/plans", Summary: "All plans, by name; a reseller sees those that it can order", May: act.Operator | act.Reseller}, list)
	Show   = act.New(act.Spec{Name: "plan show", Route: "GET /v1/plans/{plan}", Summary: "One plan", May: act.Operator}, show)
	Add    = act.New(act.Spec{Name: "plan add", Route: "POST /v1/plans", Summary: "Add a plan", May: act.Operator}, add)
	Set    = act.New(act.Spec{Name: "plan set", Route: "PATCH /v1/plans/{plan}", Summary: "Change the members that are given, for new terms", May: act.Operator}, set)
	Retire = act.New(act.Spec{Name: "plan retire", Route: "POST /v1/plans/{plan}/retire", Summary: "Stop selling a plan", May: act.Operator}, retire)
)

func list(ctx context.Context, s *act.Service, in *Listed, page *act.Page[answer.Plan]) error {
	currency, operator := s.Store.Books.Currency(), act.ActorOf(ctx).Kind == act.Operator
	return s.Store.Books.EachPlan(page.From, func(p *quota.Plan) error {
		if p.Retired && !in.Retired || !p.Resale && !operator { // for a reseller no others are there
			return page.Pass(p.Name)
		}
		return page.Add(answer.PlanOf(p, currency), p.Name)
	})
}

func show(_ context.Context, s *act.Service, in *Name) (*answer.Plan, error) {
	p, err := s.Store.Books.Plan(in.Plan)
	if err != nil {
		return nil, act.Unlisted(err, "plan", in.Plan)
	}
	return new(answer.PlanOf(&p, s.Store.Books.Currency())), nil
}

func add(_ context.Context, s *act.Service, in *New) (*ChangedPlan, error) {
	p := quota.Plan{Name: in.Body.Plan, Recipients: quota.DefaultRecipients}
	if err := in.Body.apply(&p, s.Store.Books.Currency()); err != nil {
		return nil, err
	}
	if err := s.Store.Books.AddPlan(p); errors.Is(err, store.ErrExists) {
		return nil, act.Fail(act.Refused, "change it with: {plan set "+p.Name+"}", "there is already a plan %q", p.Name)
	} else if err != nil {
		return nil, err
	}
	return changed(s, &p), nil
}

func changed(s *act.Service, p *quota.Plan) *ChangedPlan {
	return &ChangedPlan{Plan: answer.PlanOf(p, s.Store.Books.Currency()), NoSeller: p.Price > 0 && len(s.Store.Books.Billing().Seller) == 0}
}

func set(_ context.Context, s *act.Service, in *Change) (*ChangedPlan, error) {
	currency := s.Store.Books.Currency() // before: the function runs inside the store's writer
	p, err := s.Store.Books.UpdatePlan(in.Plan, func(p *quota.Plan) error { return in.Body.apply(p, currency) })
	if err != nil {
		return nil, act.Unlisted(err, "plan", in.Plan)
	}
	c := changed(s, &p)
	c.Older, err = running(s, func(terms *quota.Plan) bool { return terms.Name == p.Name && !sameTerms(terms, &p) })
	return c, err
}

func retire(_ context.Context, s *act.Service, in *Retirement) (*RetiredPlan, error) {
	p, err := s.Store.Books.UpdatePlan(in.Plan, func(p *quota.Plan) error { p.Retired = !in.Body.Undo; return nil })
	if err != nil {
		return nil, act.Unlisted(err, "plan", in.Plan)
	}
	r := &RetiredPlan{Plan: answer.PlanOf(&p, s.Store.Books.Currency())}
	if p.Retired {
		r.Running, err = running(s, func(terms *quota.Plan) bool { return terms.Name == p.Name })
	}
	return r, err
}
