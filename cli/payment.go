package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

func (p *program) paymentCommand() *cli.Command {
	return group("payment", "what customers have paid", p.paymentRecord(), p.paymentReverse(), p.paymentList())
}

// paymentView is money that came in or went out as programs see it.
type paymentView struct {
	Kind      string    `json:"kind"` // payment, reversal, refund, or in a statement correction
	Account   string    `json:"account"`
	Invoice   *string   `json:"invoice"`        // that was paid, as it is printed; null: none was named
	Also      []string  `json:"also,omitempty"` // more that it named
	Method    *string   `json:"method"`         // null: relay does not know it
	Reference *string   `json:"reference"`      // of a refund: its account and entry of the ledger
	Amount    int64     `json:"amount"`         // minor units; negative: it went out
	Currency  string    `json:"currency"`
	Text      *string   `json:"text"` // why, of a correction, of a reversal, and of what was paid back by hand
	Time      time.Time `json:"time"`
	By        *string   `json:"by"`                 // who recorded it
	Reversed  bool      `json:"reversed,omitempty"` // it was taken back
}

func (c *call) viewPayment(p *store.Payment, currency string) paymentView {
	v := paymentView{Kind: string(store.KindPayment), Account: p.Account, Reference: &p.Reference, Amount: p.Amount, Currency: currency,
		Text: orNull(p.Text), Time: p.Time, By: orNull(p.By), Reversed: p.Reversed != 0}
	v.Invoice, v.Also = c.invoiceNames(p.Invoice, p.Also)
	switch p.Method {
	case store.PaidBack:
		v.Kind = string(store.KindRefund)
	case store.Reversed:
		v.Kind, v.Method, v.Reference = string(store.KindReversal), &p.Of[0], &p.Of[1]
	default:
		v.Method = &p.Method
	}
	return v
}

// invoiceNames are the invoices that a payment named, the first one by itself.
func (c *call) invoiceNames(first uint64, also []uint64) (*string, []string) {
	if first == 0 {
		return nil, nil
	}
	var more []string
	for _, n := range also {
		more = append(more, c.invoiceName(strconv.FormatUint(n, 10)))
	}
	return new(c.invoiceName(strconv.FormatUint(first, 10))), more
}

// forInvoices is a cell of them.
func (v *paymentView) forInvoices() string {
	return orElse(strings.Join(append(slices.Compact([]string{value(v.Invoice)}), v.Also...), " "), "-")
}

// viewMoney is an entry of a ledger that is a payment, a refund or a correction.
func (c *call) viewMoney(e *store.Entry, currency string) paymentView {
	v := paymentView{Kind: string(e.Kind), Account: e.Account, Invoice: orNull(c.invoiceName(e.Ref)), Amount: e.Money,
		Currency: cmp.Or(e.Currency, currency), Time: e.Time, By: orNull(e.By)}
	_, v.Also = c.invoiceNames(e.Invoice(), e.Also)
	switch e.Kind {
	case store.KindPayment:
		v.Method, v.Reference = &e.Method, &e.Reference
	case store.KindReversal:
		if p, err := c.st.Payment(store.Reversed, store.PaidBackRef(e.Account, e.Seq)); err == nil {
			v.Method, v.Reference, v.Text = &p.Of[0], &p.Of[1], orNull(p.Text)
		}
	case store.KindRefund:
		v.Reference, v.Text = new(store.PaidBackRef(e.Account, e.Seq)), orNull(words.English.Entry(e))
	default:
		v.Text = orNull(words.English.Entry(e))
	}
	return v
}

// paymentFilter chooses payments by what they are.
type paymentFilter struct {
	account, kind, period string
	limit                 shell.CountFlag
}

func (p *program) paymentList() *cli.Command {
	var f paymentFilter
	return p.onStore(&cli.Command{
		Name: "list", Usage: "money that came in, and what was taken or paid back",
		Description: `By method and reference; those of one account in the order in which they were recorded. What was taken back by the bank or the card processor is negative, and has the reference of its payment. So is what you paid back, by a refund or by hand; it has its account and the entry of its ledger as reference. Other corrections are no payments: relay account statement has them.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` only those of this account", Destination: &f.account},
			&cli.StringFlag{Name: "kind", Usage: "`payment|reversal|refund` only what came in, was taken back, or was paid back", Destination: &f.kind},
			&cli.StringFlag{Name: "period", Usage: "`PERIOD` only those recorded in this month, 2026-11, year or day", Destination: &f.period},
			&cli.GenericFlag{Name: "limit", Usage: "`N` at most so many", Value: &f.limit},
		},
	}, work{run: func(c *call) error { return c.listPayments(&f) }})
}

// paymentSum sums up what was shown.
type paymentSum struct{ payments, received, reversals, takenBack, refunds, paidBack int64 }

func (s *paymentSum) add(v *paymentView) {
	switch store.Kind(v.Kind) {
	case store.KindRefund:
		s.refunds, s.paidBack = s.refunds+1, s.paidBack+v.Amount
	case store.KindReversal:
		s.reversals, s.takenBack = s.reversals+1, s.takenBack+v.Amount
	default:
		s.payments, s.received = s.payments+1, s.received+v.Amount
	}
}

func (s *paymentSum) text(currency string) string {
	text := fmt.Sprintf("%s, %s", words.Plural(s.payments, "payment"), money.Format(s.received, currency))
	for _, o := range []struct {
		n, sum int64
		what   string
	}{{s.reversals, s.takenBack, "reversal"}, {s.refunds, s.paidBack, "refund"}} {
		if o.n > 0 {
			text += fmt.Sprintf("; %s, %s", words.Plural(o.n, o.what), money.Format(o.sum, currency))
		}
	}
	if s.reversals+s.refunds > 0 {
		text += "; in all " + money.Format(s.received+s.takenBack+s.paidBack, currency)
	}
	return text
}

func (c *call) listPayments(f *paymentFilter) error {
	match, err := c.paymentMatch(f)
	if err != nil {
		return err
	}
	s := c.stream(f.limit.N, term.Column{Head: "RECORDED"}, term.Column{Head: "ACCOUNT", Least: 8}, term.Column{Head: "INVOICE"}, term.Column{Head: "METHOD"},
		term.Column{Head: "AMOUNT", Right: true}, term.Column{Head: "REFERENCE", Least: 12})
	var sum paymentSum
	currency := c.currency()
	err = c.payments(f.account, currency, func(v *paymentView) error {
		if err := s.Pause(); err != nil || !match(v) {
			return err
		}
		sum.add(v)
		how := orElse(value(v.Method), v.Kind)
		if v.Kind == string(store.KindReversal) {
			how = v.Kind
		}
		return s.Add(v, c.day(v.Time), v.Account, v.forInvoices(), how, money.Number(v.Amount, v.Currency), value(v.Reference))
	})
	if sum == (paymentSum{}) && err == nil && !c.json {
		return c.say("%s", orElse(ifSo(f.account+f.kind+f.period != "", "No such payment"), "No payment is recorded"))
	}
	if err = s.End(err); err != nil || c.json {
		return err
	}
	return c.say("-- %s", sum.text(currency))
}

// paymentMatch is the filter as a function. What cannot be is told, rather than
// shown as an empty list.
func (c *call) paymentMatch(f *paymentFilter) (func(*paymentView) bool, error) {
	switch store.Kind(f.kind) {
	case "", store.KindPayment, store.KindReversal, store.KindRefund:
	default:
		return nil, exit.Usage("relay payment list --help", "--kind %q: payment, reversal or refund", f.kind)
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
		switch e.Kind {
		case store.KindPayment, store.KindReversal, store.KindRefund:
			v := c.viewMoney(e, currency)
			return fn(&v)
		}
		return nil
	})
}
