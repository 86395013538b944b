// Package api is the service: every act of operator, reseller and customer, and who may
// do it. It is the HTTP API. The command line and every other face are clients of it; there
// is no other way to the books or the queue from outside.
//
// The acts lie in the packages below, by noun; package act is their frame.
package api

import (
	"slices"

	"relay/report/api/accounts"
	"relay/report/api/act"
	"relay/report/api/billing"
	"relay/report/api/delivery"
	"relay/report/api/domains"
	"relay/report/api/errorlist"
	"relay/report/api/host"
	"relay/report/api/mail"
	"relay/report/api/orders"
	"relay/report/api/owners"
	"relay/report/api/plans"
	"relay/report/api/reports"
	"relay/report/api/sources"
	"relay/report/api/suppressions"
)

// Acts returns all acts.
func Acts() []act.Any {
	return slices.Concat(accounts.Acts(), orders.Acts(), owners.Acts(), plans.Acts(), billing.Acts(), mail.Acts(), delivery.Acts(), domains.Acts(), suppressions.Acts(), reports.Acts(), errorlist.Acts(), sources.Acts(), host.Acts())
}

// New serves all acts on s.
func New(s *act.Service) *act.API { return act.NewAPI(s, Acts()...) }

// Spec returns the description of the act of that name; nil: there is none.
func Spec(name string) *act.Spec {
	for _, a := range Acts() {
		if s := a.About(); s.Name == name {
			return s
		}
	}
	return nil
}
