package billing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/receipt"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/answer"
	"relay/report/api/billing"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
	"relay/store/ledger"
)

func paymentList(e *shell.Env) *cli.Command {
	in := &billing.Payments{}
	var limit *int64
	return shell.Command(&cli.Command{
		Name: "list", Usage: "payments, and money that was taken or paid back",
		Description: `Sorted by method and reference; those of one account in the order in which they were recorded. Payments that the bank or the card processor took back are negative, with the reference of the payment. Money that you paid back, by a refund or by hand, is negative too; its reference is the account and the entry in its ledger. Other corrections are not payments: relay account statement has them.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` only those of this account", Destination: &in.Account},
			&cli.StringFlag{Name: "kind", Usage: "`payment|reversal|refund` only payments, those taken back, or money paid back", Destination: &in.Kind},
			&cli.StringFlag{Name: "period", Usage: "`PERIOD` only those recorded in this month, 2026-11, year or day", Destination: &in.Period},
			shell.CountFlag("limit", "`N` at most this many", &limit),
		},
	}, func(ctx context.Context, _ []string) error { return listPayments(ctx, e, in, field.Or0(limit)) })
}

// paymentSum sums up what was shown.
type paymentSum struct{ payments, received, reversals, takenBack, refunds, paidBack int64 }

func (s *paymentSum) add(v *answer.Payment) {
	switch ledger.Kind(v.Kind) {
	case ledger.KindRefund:
		s.refunds, s.paidBack = s.refunds+1, s.paidBack+v.Amount
	case ledger.KindReversal:
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

func listPayments(ctx context.Context, e *shell.Env, in *billing.Payments, limit int64) error {
	var sum paymentSum
	err := shell.List(ctx, e, billing.ListPayments, in, shell.Rows[answer.Payment]{
		Limit: limit,
		Empty: cmp.Or(words.If(in.Account+in.Kind+in.Period != "", "No such payment"), "No payment is recorded"),
		Columns: []term.Column{{Head: "RECORDED"}, {Head: "ACCOUNT", Least: 8}, {Head: "INVOICE"}, {Head: "METHOD"},
			{Head: "AMOUNT", Right: true}, {Head: "REFERENCE", Least: 12}},
		Cells: func(v *answer.Payment) []string {
			sum.add(v)
			how := cmp.Or(field.Or0(v.Method), v.Kind)
			if v.Kind == string(ledger.KindReversal) {
				how = v.Kind
			}
			return []string{words.Day(v.Time, e.Zone()), v.Account, forInvoices(v), how, money.Number(v.Amount, v.Currency), field.Or0(v.Reference)}
		},
	})
	if err != nil || e.JSON || sum == (paymentSum{}) {
		return err
	}
	return e.Say("-- %s", sum.text(e.Currency()))
}

// forInvoices is a cell of them.
func forInvoices(v *answer.Payment) string {
	return cmp.Or(strings.Join(append(slices.Compact([]string{field.Or0(v.Invoice)}), v.Also...), " "), "-")
}

func paymentReverse(e *shell.Env) *cli.Command {
	in := &billing.Reversal{}
	return shell.Command(&cli.Command{
		Name: "reverse", ArgsUsage: "INVOICE", Usage: "record that a payment was taken back: a chargeback, a returned debit",
		Description: `Name the payment by an invoice that it was for and by its reference; one that was recorded with --account, by any invoice of that account. The customer's balance covers it first; for the rest the invoice is open again, then the newest of the other paid ones. The days of grace run from now; --suspend holds the account back at once, until it pays. What was delivered stays.

If the money was already paid back, the account owes it without an invoice.

  relay payment reverse 17 --reference TRN-4711 --reason 'chargeback, 4711'`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reference", Usage: "`TEXT` of the payment", Required: true, Destination: &in.Body.Reference},
			&cli.StringFlag{Name: "method", Usage: "`METHOD` of the payment, where several have the reference", Destination: &in.Body.Method},
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` for the ledger", Required: true, Destination: &in.Body.Reason},
			&cli.BoolFlag{Name: "suspend", Usage: "hold the account back at once", Destination: &in.Body.Suspend},
			shell.DryRunFlag(&in.Body.DryRun),
		},
	}, func(ctx context.Context, args []string) error {
		in.Body.Invoice = args[0]
		v, err := billing.ReversePayment.Call(ctx, e.Service, in)
		return receipt.Ordered(e, v, err)
	})
}
