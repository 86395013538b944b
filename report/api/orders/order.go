package orders

import (
	"context"
	"errors"
	"strings"

	"relay/report/api/accounts"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// Order is the request for an order that needs no more than the account.
type Order struct {
	Account string `path:"account"`
	Body    DryRun
}

// DryRun is a member of all orders.
type DryRun struct {
	DryRun bool `json:"dry_run,omitempty" doc:"Show the figures and change nothing."`
}

// Payment is how an order is paid.
type Payment struct {
	Method    string `json:"method,omitempty" doc:"Of payment of its invoice; none: the account's."`
	Reference string `json:"reference,omitempty" doc:"The customer's own text on its invoice; none: the account's."`
}

// PlanOrder is the request for a plan.
type PlanOrder struct {
	Account string `path:"account"`
	Body    struct {
		Plan string `json:"plan,omitempty" doc:"Of a renewal the present one, unless it is named."`
		Payment
		DryRun
	}
}

// CreditOrder is the request for credit on top: a plan, or blocks of the account's plan.
type CreditOrder struct {
	Account string `path:"account"`
	Body    struct {
		Plan  string `json:"plan,omitempty" doc:"A monthly count plan."`
		Block int64  `json:"block,omitempty" minimum:"0" doc:"Octets of a block."`
		Count int64  `json:"count,omitempty" minimum:"0" doc:"Blocks; 0: one."`
		Payment
		DryRun
	}
}

// Ending is the request to end an account.
type Ending struct {
	Account string `path:"account"`
	Body    struct {
		Reason string `json:"reason,omitempty" doc:"For the ledger."`
		DryRun
	}
}

// Orders on an account.
var (
	Upgrade  = act.New(spec("upgrade", "A larger plan for what remains of the term"), upgrade)
	TopUp    = act.New(spec("topup", "Credit bought on top, usable at once"), topUp)
	Renew    = act.New(spec("renew", "A further term, after the current one"), renew)
	Activate = act.New(spec("activate", "Start a pending account before it has paid"), activate)
	Refund   = act.New(spec("refund", "Pay the term back in full and close the account, or what has not begun"), refund)
	Close    = act.New(spec("close", "End an account for good, without paying back"), closeAccount)
	Correct  = act.New(spec("correct", "Enter an amount or credit by hand"), correct)
)

func spec(verb, summary string) act.Spec {
	return act.Spec{Name: "account " + verb, Route: "POST /v1/accounts/{account}/" + verb, Summary: summary, May: act.Operator}
}

// order has run place an order on an account that the actor reaches.
func order(ctx context.Context, s *act.Service, account, what string, dry DryRun, run func(behalf.Order, *books.Account) (orders.Receipt, error)) (*answer.Receipt, error) {
	a, err := s.Account(ctx, account)
	if err != nil {
		return nil, err
	}
	r, err := run(s.Order(ctx, dry.DryRun), &a)
	return answer.Ordered(s, a.Name, what, dry.DryRun, &r, err)
}

// pay says of an order how it is paid.
func (p *Payment) pay(s *act.Service, o *behalf.Order, a *books.Account) error {
	if err := accounts.CheckReference(p.Reference); err != nil {
		return err
	}
	if o.Reference = strings.TrimSpace(p.Reference); p.Method != "none" {
		o.Method = p.Method
	}
	return accounts.MayPayBy(s, o.Method, a.Owner)
}

// sold fails for a plan that is not there.
func sold(s *act.Service, plan string) error {
	_, err := s.Store.Books.Plan(plan)
	return act.Unlisted(err, "plan", plan)
}

func upgrade(ctx context.Context, s *act.Service, in *PlanOrder) (*answer.Receipt, error) {
	b := &in.Body
	return order(ctx, s, in.Account, "upgrade", b.DryRun, func(o behalf.Order, a *books.Account) (r orders.Receipt, err error) {
		if err = b.pay(s, &o, a); err == nil {
			err = sold(s, b.Plan)
		}
		if err != nil {
			return r, err
		}
		return s.Store.Orders.Upgrade(o, a.Name, b.Plan)
	})
}

func topUp(ctx context.Context, s *act.Service, in *CreditOrder) (*answer.Receipt, error) {
	b := &in.Body
	return order(ctx, s, in.Account, "topup", b.DryRun, func(o behalf.Order, a *books.Account) (r orders.Receipt, err error) {
		switch err := b.pay(s, &o, a); {
		case err != nil:
			return r, err
		case (b.Plan == "") == (b.Block == 0), b.Plan != "" && b.Count != 0:
			return r, act.Fail(act.Wrong, "", "name what is bought: a plan, or a block and how many of it")
		case b.Plan == "":
			return s.Store.Orders.BuyBlock(o, a.Name, b.Block, max(b.Count, 1))
		}
		if err := sold(s, b.Plan); err != nil {
			return r, err
		}
		return s.Store.Orders.TopUp(o, a.Name, b.Plan)
	})
}

func renew(ctx context.Context, s *act.Service, in *PlanOrder) (*answer.Receipt, error) {
	b := &in.Body
	return order(ctx, s, in.Account, "renew", b.DryRun, func(o behalf.Order, a *books.Account) (r orders.Receipt, err error) {
		if err := b.pay(s, &o, a); err != nil {
			return r, err
		}
		plan := b.Plan
		if plan == "" {
			plan = a.Plan(s.Store.BookTime()).Name
		}
		if err := sold(s, plan); err != nil {
			return r, err
		}
		r, err = s.Store.Orders.Renew(o, a.Name, plan)
		if w, ok := errors.AsType[*orders.Waiting](err); ok {
			err = renewalWaits(w)
		}
		return r, err
	})
}

// renewalWaits names the renewal that was ordered before and is not paid.
func renewalWaits(w *orders.Waiting) error {
	n := w.Invoice.Name
	return act.Fail(act.Refused, "{payment record "+n+" --method METHOD --reference R} enters its payment; {invoice cancel "+n+" --reason TEXT} takes it back",
		"account %s has ordered a renewal already: invoice %s, %s, is not paid", w.Account, n, money.Format(w.Invoice.Open(), w.Invoice.Currency))
}

func activate(ctx context.Context, s *act.Service, in *Order) (*answer.Receipt, error) {
	return order(ctx, s, in.Account, "activate", in.Body, func(o behalf.Order, a *books.Account) (orders.Receipt, error) {
		r, err := s.Store.Orders.Activate(o, a.Name)
		if errors.Is(err, orders.ErrActive) {
			return r, act.Fail(act.Refused, "{account show "+a.Name+"} shows its state", "account %s does not wait for a payment: it was activated on %s", a.Name, words.Day(a.Activated(), s.Store.Zone()))
		}
		return r, err
	})
}

func refund(ctx context.Context, s *act.Service, in *Order) (*answer.Receipt, error) {
	return order(ctx, s, in.Account, "refund", in.Body, func(o behalf.Order, a *books.Account) (orders.Receipt, error) {
		return s.Store.Orders.Refund(o, a.Name)
	})
}

func closeAccount(ctx context.Context, s *act.Service, in *Ending) (*answer.Receipt, error) {
	return order(ctx, s, in.Account, "close", in.Body.DryRun, func(o behalf.Order, a *books.Account) (orders.Receipt, error) {
		if a.State == ledger.Closed {
			return orders.Receipt{}, act.Fail(act.Refused, "{account statement "+a.Name+"} tells since when; {account remove "+a.Name+"} deletes it", "account %s is closed already", a.Name)
		}
		return s.Store.Orders.CloseAccount(o, a.Name, field.Reason(in.Body.Reason))
	})
}
