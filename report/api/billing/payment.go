package billing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store"
	"relay/store/ledger"
	"relay/store/orders"
)

// Payments is the request for a list of payments.
type Payments struct {
	Account string `query:"account" doc:"Only those of this account, in the order in which they were recorded."`
	Kind    string `query:"kind" doc:"payment, reversal or refund: only these."`
	Period  string `query:"period" doc:"Only those recorded in this month, 2026-11, year or day."`
	act.Paging
}

// Reversal is the request to enter that a payment was taken back.
type Reversal struct {
	Body struct {
		Invoice   string `json:"invoice" doc:"That the payment was for; or, of a payment without one, any of its account."`
		Reference string `json:"reference" doc:"Of the payment."`
		Method    string `json:"method,omitempty" doc:"Of the payment, where several have the reference."`
		Reason    string `json:"reason" doc:"For the ledger."`
		Suspend   bool   `json:"suspend,omitempty" doc:"Hold the account back at once."`
		DryRun    bool   `json:"dry_run,omitempty" doc:"Show the figures and change nothing."`
	}
}

// Acts on payments.
var (
	ListPayments = act.NewList(act.Spec{Name: "payment list", Route: "GET /v1/payments", Summary: "Payments, and money that was taken or paid back",
		May: act.Operator}, listPayments)
	RecordPayment = act.New(act.Spec{Name: "payment record", Route: "POST /v1/payments", Summary: "Record a payment: the orders it pays are fulfilled",
		May: act.Operator}, recordPayment)
	ReversePayment = act.New(act.Spec{Name: "payment reverse", Route: "POST /v1/payments/reverse", Summary: "Record that a payment was taken back: a chargeback, a returned debit",
		May: act.Operator}, reversePayment)
)

func listPayments(_ context.Context, s *act.Service, in *Payments, page *act.Page[answer.Payment]) error {
	if page.From == "" {
		if err := in.check(s); err != nil {
			return err
		}
	}
	return in.each(s, page.From, func(v answer.Payment, key string) error {
		if in.match(s, &v) {
			return page.Add(v, key)
		}
		return page.Pass(key)
	})
}

// check refuses filters that cannot match anything, so that a slip does not look like an
// empty list.
func (in *Payments) check(s *act.Service) error {
	switch ledger.Kind(in.Kind) {
	case "", ledger.KindPayment, ledger.KindReversal, ledger.KindRefund:
	default:
		return act.Invalid("kind", "{payment list --help}", " %q: payment, reversal or refund", in.Kind)
	}
	return cmp.Or(checkPeriod(s, in.Period), invoiced(s, in.Account))
}

func (in *Payments) match(s *act.Service, v *answer.Payment) bool {
	return (in.Kind == "" || v.Kind == in.Kind) && (in.Period == "" || within(words.Day(v.Time, s.Store.Zone()), in.Period))
}

// each calls fn for the payments of one account, as its ledger has them, or for all; it
// begins behind a key.
func (in *Payments) each(s *act.Service, from string, fn func(v answer.Payment, key string) error) error {
	currency := s.Store.Books.Currency()
	if in.Account == "" {
		method, reference, _ := strings.Cut(from, "\x00")
		return s.Store.Books.PaymentsAfter(method, reference, func(p *ledger.Payment) error {
			return fn(answer.PaymentOf(s, p, currency), p.Method+"\x00"+p.Reference)
		})
	}
	after, err := numberIn(from)
	if err != nil {
		return err
	}
	return s.Store.Books.LedgerAfter(in.Account, after, func(e *ledger.Entry) error {
		switch e.Kind {
		case ledger.KindPayment, ledger.KindReversal, ledger.KindRefund:
			return fn(answer.MoneyOf(s, e, currency), strconv.FormatUint(e.Seq, 10))
		}
		return nil
	})
}

// checkMethod refuses what is no method of payment.
func checkMethod(name string) error {
	if slices.Contains(ledger.Methods, name) {
		return nil
	}
	return act.Invalid("method", "", " %q: one of %s%s", name, strings.Join(ledger.Methods, ", "), words.DidYouMean(name, ledger.Methods))
}

func reversePayment(ctx context.Context, s *act.Service, in *Reversal) (*answer.Receipt, error) {
	b := &in.Body
	if b.Method != "" {
		if err := checkMethod(b.Method); err != nil {
			return nil, err
		}
	}
	back := orders.Reversal{Reference: b.Reference, Method: b.Method, Suspend: b.Suspend, Text: field.Reason(b.Reason)}
	if back.Text == "" {
		return nil, act.Invalid("reason", "", " cannot be empty: the ledger says why")
	}
	i, err := find(ctx, s, b.Invoice)
	if err != nil {
		return nil, err
	}
	back.Invoice = i.Number
	r, err := s.Store.Orders.ReversePayment(s.Order(ctx, b.DryRun), back)
	if err := notReversed(ctx, s, &i, words.Clean(b.Reference), err); err != nil {
		return nil, err
	}
	return answer.Ordered(s, i.Account, fmt.Sprintf("reverse the payment of invoice %s", i.Name), b.DryRun, &r, err)
}

// notReversed says why a payment cannot be found; nil: it is, or err is about another thing.
func notReversed(ctx context.Context, s *act.Service, i *ledger.Invoice, reference string, err error) error {
	list := "{payment list --account " + i.Account + "} shows them"
	switch {
	case errors.Is(err, orders.ErrReversed):
		return act.Fail(act.Refused, list, "the payment of invoice %s with reference %q was already taken back", i.Name, reference)
	case errors.Is(err, orders.ErrSeveral):
		return act.Fail(act.Refused, "say which with --method; "+list, "several payments of invoice %s have the reference %q", i.Name, reference)
	case errors.Is(err, store.ErrNotFound):
		if _, gone := s.Account(ctx, i.Account); gone != nil {
			return gone
		}
		return act.Fail(act.Refused, list, "no payment of invoice %s has the reference %q", i.Name, reference)
	}
	return nil
}
