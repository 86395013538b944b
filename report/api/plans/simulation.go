package plans

import (
	"context"
	"time"

	"relay/quota"
	"relay/report/api/act"
)

// Simulated is the request for what a simulation of a customer needs.
type Simulated struct {
	Plan  string `path:"plan"`
	TopUp string `query:"top_up" doc:"Plan that is bought on top."`
}

// Basis is what a simulation goes by: report/forecast does the rest, for minutes
// perhaps, and in the process of its caller.
type Basis struct {
	Now      time.Time  `json:"now" doc:"By the clock of the books."`
	Currency string     `json:"currency"`
	TaxRate  quota.Rate `json:"tax_rate" doc:"Millionths of the amount."`
	Plan     Offer      `json:"plan"`
	TopUp    *Offer     `json:"top_up,omitempty"`
}

// Offer is a plan as it is sold.
type Offer quota.Plan

// Simulation is the act that plan simulate begins with.
var Simulation = act.New(act.Spec{Name: "plan simulate", Route: "GET /v1/plans/{plan}/simulation", Summary: "The figures for a simulation of a customer", May: act.Operator}, basis)

func basis(_ context.Context, s *act.Service, in *Simulated) (*Basis, error) {
	b := s.Store.Books.Billing()
	out := &Basis{Now: s.Store.BookTime(), Currency: b.Currency, TaxRate: b.TaxRate}
	p, err := s.Store.Books.Plan(in.Plan)
	if out.Plan = Offer(p); err != nil || in.TopUp == "" {
		return out, act.Unlisted(err, "plan", in.Plan)
	}
	by, err := s.Store.Books.Plan(in.TopUp)
	out.TopUp = new(Offer(by))
	return out, act.Unlisted(err, "plan", in.TopUp)
}
