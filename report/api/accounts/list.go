package accounts

import (
	"context"
	"slices"
	"strings"

	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/store/books"
	"relay/store/standing"
)

// Filter chooses accounts by what they are. It is embedded in the request of a list.
type Filter struct {
	Owner    string `query:"owner" who:"operator" doc:"Only accounts of this customer."`
	Reseller string `query:"reseller" who:"operator" doc:"Only accounts below this reseller."`
	State    string `query:"state" doc:"Only these: pending, active, suspended, expired or closed."`
}

// Wanted chooses the accounts that the actor may see and that come behind the one called
// after, in any state: for that see Stands. A filter with an unknown name is a problem,
// rather than an empty list.
func (f *Filter) Wanted(ctx context.Context, s *act.Service, after string) (w books.Wanted, err error) {
	w = books.Wanted{Owner: f.Owner, Reseller: f.Reseller, After: after}
	if a := act.ActorOf(ctx); a.Kind == act.Reseller {
		w.Reseller = a.Name
	}
	if f.State != "" && !slices.Contains(answer.States, f.State) {
		return w, act.Invalid("state", "", " %q: one of %s", f.State, strings.Join(answer.States, ", "))
	}
	return w, s.Owners(f.Owner, w.Reseller)
}

// Stands reports an account in the state that is asked for.
func (f *Filter) Stands(st *standing.Standing) bool { return f.State == "" || st.State() == f.State }

// AccountList is the request for a list of accounts.
type AccountList struct {
	act.Paging
	Filter
	Prefix  string `query:"prefix" doc:"Only accounts whose names begin with it."`
	Returns string `query:"returns" enum:"near,warned,over" doc:"Only accounts of whose mail so much came back: near (half of a limit), warned, or over (that of a suspension), or worse."`
}

// List is the act that lists accounts.
var List = act.NewList(act.Spec{Name: "account list", Route: "GET /v1/accounts", Summary: "All accounts, by name",
	May: act.Operator | act.Reseller}, list)

func list(ctx context.Context, s *act.Service, in *AccountList, page *act.Page[Account]) error {
	w, err := in.Wanted(ctx, s, page.From)
	if err != nil {
		return err
	}
	w.Prefix = in.Prefix
	currency := s.Store.Books.Currency()
	return s.Store.Standings.EachStanding(w, func(st *standing.Standing) error {
		ok := in.Stands(st)
		if ok && in.Returns != "" {
			var err error
			if ok, err = returned(s, st.Account.Name, in.Returns); err != nil {
				return err
			}
		}
		if !ok {
			return page.Pass(st.Account.Name)
		}
		return page.Add(accountOf(st, currency), st.Account.Name)
	})
}
