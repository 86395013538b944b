package billing

import (
	"cmp"
	"context"
	"errors"
	"strconv"

	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/store"
	"relay/store/ledger"
)

// Invoices is the request for a list of invoices and credit notes.
type Invoices struct {
	Account  string `query:"account" doc:"Only those of this account."`
	Customer string `query:"customer" who:"operator" doc:"Only those to this customer."`
	Reseller string `query:"reseller" who:"operator" doc:"Only those of accounts that were below it when they were issued."`
	Open     bool   `query:"open" doc:"Only those that are not paid."`
	Overdue  bool   `query:"overdue" doc:"Only those that should have been paid by now."`
	Period   string `query:"period" doc:"A month, 2026-11, a year or a day. An invoice of overage belongs to the month of its use, every other to the day of its issue."`
	act.Paging
}

// ListInvoices by number. A reseller has those of accounts that are below it now.
var ListInvoices = act.NewList(act.Spec{Name: "invoice list", Route: "GET /v1/invoices", Summary: "Invoices and credit notes, by number",
	May: act.Operator | act.Reseller}, listInvoices)

func listInvoices(ctx context.Context, s *act.Service, in *Invoices, page *act.Page[answer.Invoice]) error {
	after, err := numberIn(page.From)
	if err == nil && after == 0 {
		err = in.check(ctx, s)
	}
	if err == nil && in.Account != "" {
		err = s.Reach(ctx, in.Account)
	}
	if err != nil {
		return err
	}
	return in.each(ctx, s, after, func(i *ledger.Invoice) error {
		key := strconv.FormatUint(i.Number, 10)
		if !in.match(s, i) {
			return page.Pass(key)
		}
		return page.Add(answer.InvoiceOf(s, i), key)
	})
}

// check refuses filters that cannot match anything, so that a slip does not look like an
// empty list.
func (in *Invoices) check(ctx context.Context, s *act.Service) error {
	if in.Account != "" {
		if err := s.Reach(ctx, in.Account); err != nil {
			return err
		}
	}
	return cmp.Or(checkPeriod(s, in.Period), invoiced(s, in.Account), s.Owners(in.Customer, in.Reseller))
}

// errAny ends a walk that has found something.
var errAny = errors.New("billing: there is one")

// invoiced fails for an account that does not exist and has no invoice either.
func invoiced(s *act.Service, account string) error {
	if account == "" {
		return nil
	}
	_, err := s.Store.Books.Account(account)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	e := s.Store.Books.EachInvoiceOf(account, false, 0, func(*ledger.Invoice) error { return errAny })
	switch {
	case errors.Is(e, errAny):
		return nil
	case e != nil:
		return e
	}
	return act.NoAccount(account, err)
}

// each calls fn for the invoices of one account, of the one under whom they are listed, or
// for all.
func (in *Invoices) each(ctx context.Context, s *act.Service, after uint64, fn func(*ledger.Invoice) error) error {
	open := in.Open || in.Overdue
	switch actor := act.ActorOf(ctx); {
	case in.Account != "":
		return s.Store.Books.EachInvoiceOf(in.Account, open, after, fn)
	case actor.Kind == act.Reseller:
		return s.Store.Books.InvoicesBelow(actor.Name, open, after, fn)
	case in.Customer != "":
		return s.Store.Books.InvoicesTo(in.Customer, after, fn)
	case in.Reseller != "":
		return s.Store.Books.InvoicesThrough(in.Reseller, after, fn)
	}
	return s.Store.Books.Invoices(after+1, fn)
}

func (in *Invoices) match(s *act.Service, i *ledger.Invoice) bool {
	switch {
	case in.Open && i.State != ledger.InvoiceOpen, in.Overdue && !answer.Overdue(s, i):
		return false
	case in.Customer != "" && i.Customer != in.Customer, in.Reseller != "" && i.Reseller != in.Reseller:
		return false
	}
	return in.Period == "" || inPeriod(i, in.Period, s.Store.Zone())
}
