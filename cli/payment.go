package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/report/money"
	"relay/store"
)

func (p *program) paymentCommand() *cli.Command {
	return group("payment", "what customers have paid", p.paymentRecord(), p.paymentList())
}

// paymentView is money that came in or went out as programs see it.
type paymentView struct {
	Kind      string    `json:"kind"` // payment, refund, or in a statement correction
	Account   string    `json:"account"`
	Invoice   *string   `json:"invoice"`   // that was paid, as it is printed
	Method    *string   `json:"method"`    // null: relay does not know it
	Reference *string   `json:"reference"` // of a refund: its account and entry of the ledger
	Amount    int64     `json:"amount"`    // minor units; negative: it went out
	Currency  string    `json:"currency"`
	Text      *string   `json:"text"` // why, of a correction
	Time      time.Time `json:"time"`
	By        *string   `json:"by"` // who recorded it
}

func (c *call) viewPayment(p *store.Payment, currency string) paymentView {
	v := paymentView{Kind: string(store.KindPayment), Account: p.Account, Reference: &p.Reference, Amount: p.Amount, Currency: currency,
		Time: p.Time, By: orNull(p.By)}
	if p.Method == store.PaidBack {
		v.Kind = string(store.KindRefund)
		return v
	}
	v.Method, v.Invoice = &p.Method, new(c.invoiceName(strconv.FormatUint(p.Invoice, 10)))
	return v
}

// viewMoney is an entry of a ledger that is a payment, a refund or a correction.
func (c *call) viewMoney(e *store.Entry, currency string) paymentView {
	v := paymentView{Kind: string(e.Kind), Account: e.Account, Invoice: orNull(c.invoiceName(e.Ref)), Amount: e.Money,
		Currency: cmp.Or(e.Currency, currency), Time: e.Time, By: orNull(e.By)}
	switch e.Kind {
	case store.KindPayment:
		method, reference, _ := strings.Cut(e.Text, " ")
		v.Method, v.Reference = &method, &reference
	case store.KindRefund:
		v.Reference = new(store.PaidBackRef(e.Account, e.Seq))
	default:
		v.Text = orNull(e.Text)
	}
	return v
}

// paymentFilter chooses payments by what they are.
type paymentFilter struct {
	account, kind, period string
	limit                 countFlag
}

func (p *program) paymentList() *cli.Command {
	var f paymentFilter
	return p.onStore(&cli.Command{
		Name: "list", Usage: "money that came in, and what was paid back",
		Description: `By method and reference; those of one account in the order in which they were recorded. What was paid back is negative, and has its account and the entry of its ledger as reference. Corrections are no payments: relay account statement has them.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` only those of this account", Destination: &f.account},
			&cli.StringFlag{Name: "kind", Usage: "`payment|refund` only what came in, or what was paid back", Destination: &f.kind},
			&cli.StringFlag{Name: "period", Usage: "`PERIOD` only those recorded in this month, 2026-11, year or day", Destination: &f.period},
			&cli.GenericFlag{Name: "limit", Usage: "`N` at most so many", Value: &f.limit},
		},
	}, work{run: func(c *call) error { return c.listPayments(&f) }})
}

// paymentSum sums up what was shown.
type paymentSum struct{ payments, received, refunds, paidBack int64 }

func (s *paymentSum) add(v *paymentView) {
	if v.Kind == string(store.KindRefund) {
		s.refunds, s.paidBack = s.refunds+1, s.paidBack+v.Amount
		return
	}
	s.payments, s.received = s.payments+1, s.received+v.Amount
}

func (s *paymentSum) text(currency string) string {
	text := fmt.Sprintf("%s, %s", plural(s.payments, "payment"), money.Format(s.received, currency))
	if s.refunds > 0 {
		text += fmt.Sprintf("; %s, %s; in all %s", plural(s.refunds, "refund"), money.Format(s.paidBack, currency), money.Format(s.received+s.paidBack, currency))
	}
	return text
}

func (c *call) listPayments(f *paymentFilter) error {
	match, err := c.paymentMatch(f)
	if err != nil {
		return err
	}
	s := c.stream(f.limit.n, column{head: "RECORDED"}, column{head: "ACCOUNT", least: 8}, column{head: "INVOICE"}, column{head: "METHOD"},
		column{head: "AMOUNT", right: true}, column{head: "REFERENCE", least: 12})
	var sum paymentSum
	currency := c.currency()
	err = c.payments(f.account, currency, func(v *paymentView) error {
		if err := s.pause(); err != nil || !match(v) {
			return err
		}
		sum.add(v)
		return s.add(v, c.day(v.Time), v.Account, orElse(value(v.Invoice), "-"), orElse(value(v.Method), v.Kind),
			money.Number(v.Amount, v.Currency), value(v.Reference))
	})
	if sum == (paymentSum{}) && err == nil && !c.json {
		return c.say("%s", orElse(ifSo(f.account+f.kind+f.period != "", "No such payment"), "No payment is recorded"))
	}
	if err = s.end(err); err != nil || c.json {
		return err
	}
	return c.say("-- %s", sum.text(currency))
}

// paymentMatch is the filter as a function. What cannot be is told, rather than
// shown as an empty list.
func (c *call) paymentMatch(f *paymentFilter) (func(*paymentView) bool, error) {
	switch store.Kind(f.kind) {
	case "", store.KindPayment, store.KindRefund:
	default:
		return nil, usage("relay payment list --help", "--kind %q: payment or refund", f.kind)
	}
	if err := c.checkPeriod(f.period); err != nil {
		return nil, err
	}
	if err := c.invoiced(f.account); err != nil {
		return nil, err
	}
	return func(v *paymentView) bool {
		return (f.kind == "" || v.Kind == f.kind) && (f.period == "" || within(c.day(v.Time), f.period))
	}, nil
}

// payments of one account as its ledger has them, or of all.
func (c *call) payments(account, currency string, fn func(*paymentView) error) error {
	if account == "" {
		return c.st.Payments(func(p *store.Payment) error { v := c.viewPayment(p, currency); return fn(&v) })
	}
	return c.st.Ledger(account, func(e *store.Entry) error {
		if e.Kind != store.KindPayment && e.Kind != store.KindRefund {
			return nil
		}
		v := c.viewMoney(e, currency)
		return fn(&v)
	})
}
