package accounts

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store"
	"relay/store/books"
	"relay/store/orders"
)

// NewAccount is the request for a new account.
type NewAccount struct {
	Body struct {
		Account string `json:"account" doc:"Its name and its first login: up to 64 of a-z 0-9 . _ @ + -."`
		Plan    string `json:"plan"`
		AccountFields
		Password string `json:"password,omitempty" doc:"Of the login; none: one is made."`
		Activate bool   `json:"activate,omitempty" who:"operator" doc:"Do not wait for the payment."`
		DryRun   bool   `json:"dry_run,omitempty" doc:"Show the figures and change nothing."`
	}
}

// AddedAccount is the answer: what a mail program has to be told, and the receipt.
type AddedAccount struct {
	FirstLogin
	Receipt  answer.Receipt `json:"receipt"`
	Reused   bool           `json:"name_used,omitempty" doc:"An earlier account had this name: its ledger goes on."`
	Unbilled bool           `json:"unbilled,omitempty" doc:"Overage is not billed: the plan has no blocks."`
}

// FirstLogin is the login of a new account.
type FirstLogin struct {
	Account  string           `json:"account"`
	Login    string           `json:"login"`
	Password *string          `json:"password" doc:"Only this once; null: as given, or a dry run."`
	State    string           `json:"state"`
	Invoices []answer.Payable `json:"invoices" doc:"None: the plan has no price."`
}

// Add is the act that adds an account.
var Add = act.New(act.Spec{Name: "account add", Route: "POST /v1/accounts", Summary: "Add an account and show its password, once",
	May: act.Operator | act.Reseller}, add)

func add(ctx context.Context, s *act.Service, in *NewAccount) (*AddedAccount, error) {
	b := &in.Body
	if err := act.OwnName(ctx, "account name", b.Account); err != nil {
		return nil, err
	}
	plan, err := planFor(ctx, s, b.Plan)
	if err != nil {
		return nil, err
	}
	if field.Or0(b.Pool) != "" {
		return nil, act.Invalid("pool", "{account points} shows them", " is for accounts that have shown how they send: %s", strings.Join(pointNames, ", "))
	}
	a := books.Account{Name: b.Account, Created: s.Store.BookTime()}
	if actor := act.ActorOf(ctx); actor.Kind == act.Reseller {
		a.Reseller = actor.Name
	}
	if err := cmp.Or(b.apply(&a), b.limit(&a, plan), s.Owners(a.Owner, a.Reseller), MayPayBy(s, field.Or0(b.Method), a.Owner), mayReturn(s, b.VERP)); err != nil {
		return nil, err
	}
	if !quota.ValidName(a.Name) {
		return nil, act.Fail(act.Wrong, "", "account name %q: up to 64 of a-z 0-9 . _ @ + -, the first one a letter or digit", a.Name)
	}
	cred, token, err := newCredential(s, a.Name, a.Name, b.Password)
	if err != nil {
		return nil, err
	}
	r, err := s.Store.Orders.AddAccount(s.Order(ctx, b.DryRun), orders.NewAccount{Account: a, Plan: plan, Credential: &cred, Activate: b.Activate})
	if err != nil {
		return nil, addFailed(a.Name, plan.Name, err)
	}
	if b.DryRun {
		token = nil // there is no such login
	}
	v := &AddedAccount{Receipt: answer.ReceiptOf(s, a.Name, "add", b.DryRun, &r), Unbilled: unbilled(a.Limit(plan), plan),
		Reused: r.Before.Name == "" && len(r.Entries) > 0 && r.Entries[0].Seq > 1}
	v.FirstLogin = FirstLogin{a.Name, cred.Login, token, *v.Receipt.After.State, v.Receipt.Invoices}
	return v, nil
}

// planFor is a plan that the actor can have for a new account.
func planFor(ctx context.Context, s *act.Service, name string) (quota.Plan, error) {
	plan, err := s.Store.Books.Plan(name)
	if act.ActorOf(ctx).Kind == act.Reseller && (errors.Is(err, store.ErrNotFound) || err == nil && (plan.Retired || !plan.Resale)) {
		return plan, act.Fail(act.Refused, "{plan list} shows those that you can order", "no plan %q is sold", name)
	}
	return plan, act.Unlisted(err, "plan", name)
}

func addFailed(name, plan string, err error) error {
	no, refused := errors.AsType[*quota.Refusal](err)
	switch {
	case errors.Is(err, store.ErrExists):
		return act.Fail(act.Refused, "choose another name; {account list} shows those that are taken", "there is already an account or a login %q", name)
	case errors.Is(err, orders.ErrUsed):
		return answer.NameUsed(name)
	case errors.Is(err, orders.ErrTooManyAccounts):
		return act.Fail(act.Refused, "the operator can add more, and raise accounts_per_reseller in [limits]", "account %s: %w", name, err)
	case refused:
		return act.Fail(act.Refused, answer.RefusedHint(name, plan, no), "account %s: %s", name, words.English.Refusal(no))
	}
	return err
}
