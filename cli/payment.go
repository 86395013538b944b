package cli

import (
	"fmt"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/answer"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

func (p *program) paymentCommand() *cli.Command {
	return shell.Group("payment", "what customers have paid", p.paymentRecord(), p.paymentReverse(), p.paymentList())
}

// forInvoices is a cell of them.
func forInvoices(v *answer.Payment) string {
	return orElse(strings.Join(append(slices.Compact([]string{value(v.Invoice)}), v.Also...), " "), "-")
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

func (s *paymentSum) add(v *answer.Payment) {
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
	err = c.payments(f.account, currency, func(v *answer.Payment) error {
		if err := s.Pause(); err != nil || !match(v) {
			return err
		}
		sum.add(v)
		how := orElse(value(v.Method), v.Kind)
		if v.Kind == string(store.KindReversal) {
			how = v.Kind
		}
		return s.Add(v, c.day(v.Time), v.Account, forInvoices(v), how, money.Number(v.Amount, v.Currency), value(v.Reference))
	})
	if sum == (paymentSum{}) && err == nil && !c.json {
		return c.say("%s", orElse(words.If(f.account+f.kind+f.period != "", "No such payment"), "No payment is recorded"))
	}
	if err = s.End(err); err != nil || c.json {
		return err
	}
	return c.say("-- %s", sum.text(currency))
}

// paymentMatch is the filter as a function. What cannot be is told, rather than
// shown as an empty list.
func (c *call) paymentMatch(f *paymentFilter) (func(*answer.Payment) bool, error) {
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
	return func(v *answer.Payment) bool {
		return (f.kind == "" || v.Kind == f.kind) && (f.period == "" || within(c.day(v.Time), f.period))
	}, nil
}

// payments of one account as its ledger has them, or of all.
func (c *call) payments(account, currency string, fn func(*answer.Payment) error) error {
	if account == "" {
		return c.st.Payments(func(p *store.Payment) error { v := answer.PaymentOf(c.acts(), p, currency); return fn(&v) })
	}
	return c.st.Ledger(account, func(e *store.Entry) error {
		switch e.Kind {
		case store.KindPayment, store.KindReversal, store.KindRefund:
			v := answer.MoneyOf(c.acts(), e, currency)
			return fn(&v)
		}
		return nil
	})
}
