package billing

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
	"relay/store/ledger"
	"relay/store/orders"
)

// PaymentEntry is the request to enter a payment.
type PaymentEntry struct {
	Body struct {
		Invoices  []string `json:"invoices,omitempty" doc:"That are paid, in this order; all of one account."`
		Account   string   `json:"account,omitempty" doc:"That owes without an invoice, in place of invoices."`
		Method    string   `json:"method" doc:"Of payment."`
		Reference string   `json:"reference" doc:"The bank's or the card processor's: it identifies the payment."`
		Amount    int64    `json:"amount,omitempty" doc:"Received, in minor units of the invoice's currency; 0: all that is open."`
		DryRun    bool     `json:"dry_run,omitempty" doc:"Show the figures and record nothing."`
	}
}

// Paid is the result of a payment, or of its dry run.
type Paid struct {
	answer.Payment
	DryRun   bool             `json:"dry_run" doc:"Nothing was recorded."`
	Did      []string         `json:"did" doc:"By this payment: activated, renewed, released (it was held back as unpaid)."`
	Invoices []answer.Payable `json:"invoices" doc:"New or changed, the one that was paid first."`
	Before   answer.Stand     `json:"before"`
	After    answer.Stand     `json:"after"`
	Owed     *answer.Owed     `json:"owed,omitempty" doc:"By the account without an invoice, afterwards."`
	Credit   []answer.Lot     `json:"credit,omitempty" doc:"Of the account, afterwards."`
	Held     bool             `json:"still_held,omitempty" doc:"The account is still held back for its debts."`
	Reason   *string          `json:"suspended_for,omitempty" doc:"Why the account is suspended, other than for its debts."`
}

// Released is in Did when the account was held back as unpaid.
const Released = "released"

const (
	recordHelp    = "{payment record --help}"
	mostReference = 200 // octets
)

func recordPayment(ctx context.Context, s *act.Service, in *PaymentEntry) (*Paid, error) {
	b := &in.Body
	if err := checkMethod(b.Method); err != nil {
		return nil, err
	}
	p := ledger.Payment{Method: b.Method, Reference: strings.TrimSpace(b.Reference)}
	if err := checkReference(p.Reference); err != nil {
		return nil, err
	}
	if err := payFor(ctx, s, in, &p); err != nil {
		return nil, err
	}
	r, err := s.Store.Orders.RecordPayment(s.Order(ctx, b.DryRun), p)
	switch {
	case errors.Is(err, store.ErrExists):
		return nil, paidBefore(s, &p, err)
	case errors.Is(err, quota.ErrOverflow):
		return nil, act.Fail(act.Refused, "{account show "+p.Account+"} has its balance", "account %s: its balance would be too large to count", p.Account)
	case errors.Is(err, store.ErrNotFound) && len(b.Invoices) > 0:
		return nil, act.Fail(act.Missing, "send the money back; or add an account and enter it there", "invoice %s is of account %s, which was removed", b.Invoices[0], p.Account)
	case err != nil:
		return nil, act.NoAccount(p.Account, err)
	}
	return paidOf(ctx, s, &p, &r, b.DryRun), nil
}

func checkReference(text string) error {
	switch {
	case text == "":
		return act.Invalid("reference", "", " cannot be empty: it tells the payment from all others")
	case len(text) > mostReference:
		return act.Invalid("reference", "", ": at most %d octets", mostReference)
	case words.Clean(text) != text:
		return act.Invalid("reference", "", ": one line of plain text")
	}
	return nil
}

// payFor reads what is paid: invoices of one account, or its debts without an invoice.
func payFor(ctx context.Context, s *act.Service, in *PaymentEntry, p *ledger.Payment) error {
	b, open := &in.Body, int64(0)
	switch {
	case b.Account != "" && len(b.Invoices) > 0:
		return act.Fail(act.Wrong, recordHelp, "INVOICE and --account: name one of them")
	case b.Account == "" && len(b.Invoices) == 0:
		return act.Fail(act.Wrong, recordHelp, "relay payment record needs INVOICE")
	}
	if b.Account != "" {
		a, err := s.Account(ctx, b.Account)
		if err != nil {
			return err
		}
		p.Account = a.Name
		if open, err = s.Store.Orders.Debt(a.Name); err != nil {
			return err
		}
	}
	for at, text := range b.Invoices {
		i, err := find(ctx, s, text)
		if err != nil {
			return err
		}
		if err := mayPay(&i, p, at); err != nil {
			return err
		}
		open += i.Payable()
	}
	if p.Amount = b.Amount; p.Amount < 0 || p.Amount > MostMoney {
		return act.Invalid("amount", "", ": %d is below zero or too large to count", p.Amount)
	}
	return payable(s, p, open)
}

// MostMoney is the most that a payment can be, in minor units.
const MostMoney = math.MaxInt64 / 1024

// mayPay adds an invoice to those of a payment.
func mayPay(i *ledger.Invoice, p *ledger.Payment, at int) error {
	switch {
	case i.Kind == ledger.CreditNote:
		return act.Fail(act.Refused, "{invoice list --account "+i.Account+" --open} shows what is to be paid", "%s is a credit note: there is nothing to pay", i.Name)
	case at == 0:
		p.Invoice, p.Account = i.Number, i.Account
		return nil
	case i.Account != p.Account:
		return act.Fail(act.Wrong, "enter a payment for each account, with its own --amount; the reference may end with the account's name", "invoice %s is of account %s, the first one of %s", i.Name, i.Account, p.Account)
	case i.Number == p.Invoice || slices.Contains(p.Also, i.Number):
		return act.Fail(act.Wrong, "", "invoice %s is named twice", i.Name)
	}
	p.Also = append(p.Also, i.Number)
	return nil
}

// payable says why nothing can be paid.
func payable(s *act.Service, p *ledger.Payment, open int64) error {
	if _, err := s.Store.Books.Payment(p.Method, p.Reference); err == nil {
		return paidBefore(s, p, store.ErrExists)
	}
	if p.Amount != 0 || open != 0 {
		return nil
	}
	const hint = "give the amount received with --amount: it is kept as balance"
	if p.Invoice == 0 {
		return act.Fail(act.Refused, hint, "account %s has no debt without an invoice", p.Account)
	}
	i, err := s.Store.Books.Invoice(p.Invoice)
	if err != nil {
		return err
	}
	return act.Fail(act.Refused, hint, "invoice %s is %s: nothing of it is open", i.Name, i.State)
}

// paidBefore names the payment that has the same method and reference.
func paidBefore(s *act.Service, p *ledger.Payment, err error) error {
	old, e := s.Store.Books.Payment(p.Method, p.Reference)
	if e != nil {
		return errors.Join(err, e)
	}
	what := ""
	if old.Invoice != 0 {
		what = "for invoice " + answer.InvoiceName(s, strconv.FormatUint(old.Invoice, 10)) + " "
	}
	return act.Fail(act.Refused, "nothing was recorded; every payment has a reference of its own",
		"a payment by %s with reference %q is recorded already: %s %sof account %s, at %s",
		old.Method, old.Reference, money.Format(old.Amount, s.Store.Books.Currency()), what, old.Account, words.Stamp(old.Time, s.Store.Zone()))
}

func paidOf(ctx context.Context, s *act.Service, p *ledger.Payment, r *orders.Receipt, dryRun bool) *Paid {
	paid, now, a := *p, s.Store.BookTime(), &r.After
	paid.Amount, paid.Account, paid.Time, paid.By = r.Amount, a.Name, now.UTC(), act.ActorOf(ctx).String()
	if at := slices.IndexFunc(r.Entries, func(e ledger.Entry) bool { return e.Kind == ledger.KindPayment }); at >= 0 {
		paid.Time = r.Entries[at].Time
	}
	v := &Paid{Payment: answer.PaymentOf(s, &paid, s.Store.Books.Currency()), DryRun: dryRun, Did: didOf(r), Invoices: []answer.Payable{},
		Before: answer.StandOf(s, &r.Before), After: answer.StandOf(s, a), Owed: answer.OwedBy(s, a.Name, r.Debt),
		Credit: answer.LotsOf(quota.Live(a.Lots, now))}
	if a.Status() == ledger.Suspended {
		if v.Held = a.State == ledger.Active; !v.Held && a.Reason != "" {
			v.Reason = &a.Reason
		}
	}
	for i := range r.Invoices {
		d := &r.Invoices[i]
		at := len(v.Invoices)
		if d.Number == p.Invoice {
			at = 0
		}
		v.Invoices = slices.Insert(v.Invoices, at, answer.PayableOf(s, d))
	}
	return v
}

// didOf names what a payment did.
func didOf(r *orders.Receipt) []string {
	did := []string{}
	for _, e := range r.Entries {
		if e.Kind == ledger.KindActivated || e.Kind == ledger.KindRenewed {
			did = append(did, string(e.Kind))
		}
	}
	if r.Before.Hold != "" && r.After.Hold == "" {
		did = append(did, Released)
	}
	return did
}
