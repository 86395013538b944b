package billing

import (
	"context"

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

func invoiceList(e *shell.Env) *cli.Command {
	in := &billing.Invoices{}
	var limit *int64
	return shell.Command(&cli.Command{
		Name: "list", Usage: "invoices and credit notes, by number",
		Description: `Amounts are in the currency that the last line names; those of credit notes are negative.

--period takes a month (2026-11), a year or a day. An invoice of overage belongs to the month it was used in, every other to the day it was issued on.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` only those of this account", Destination: &in.Account},
			&cli.StringFlag{Name: "customer", Usage: "`CUSTOMER` only those to this customer", Destination: &in.Customer},
			&cli.StringFlag{Name: "reseller", Usage: "`RESELLER` only those of accounts that were below it when they were issued", Destination: &in.Reseller},
			&cli.BoolFlag{Name: "open", Usage: "only those that are not paid", Destination: &in.Open},
			&cli.BoolFlag{Name: "overdue", Usage: "only those that should have been paid by now", Destination: &in.Overdue},
			&cli.StringFlag{Name: "period", Usage: "`PERIOD` only those of this month, 2026-11", Destination: &in.Period},
			shell.CountFlag("limit", "`N` at most this many, the oldest", &limit),
		},
	}, func(ctx context.Context, _ []string) error { return listInvoices(ctx, e, in, field.Or0(limit)) })
}

func listInvoices(ctx context.Context, e *shell.Env, in *billing.Invoices, limit int64) error {
	var shown, sum int64
	err := shell.List(ctx, e, billing.ListInvoices, in, shell.Rows[answer.Invoice]{
		Limit: limit,
		Columns: []term.Column{{Head: "NUMBER"}, {Head: "ISSUED"}, {Head: "ACCOUNT", Least: 8}, {Head: "FOR"},
			{Head: "TOTAL", Right: true}, {Head: "OPEN", Right: true}, {Head: "STATE"}},
		Cells: func(i *answer.Invoice) []string {
			shown, sum = shown+1, sum+i.Open
			open := words.If(i.Open != 0, money.Number(i.Open, i.Currency))
			return []string{i.Name, words.Day(i.Issued, e.Zone()), i.Account, i.Kind, money.Number(i.Total, i.Currency), open, settled(e, i)}
		},
	})
	if err != nil || e.JSON {
		return err
	}
	return e.Say("-- %s, %s open", words.Plural(shown, "document"), money.Format(sum, e.Currency()))
}

// settled is how far an invoice is settled.
func settled(e *shell.Env, i *answer.Invoice) string {
	switch {
	case i.Kind == string(ledger.CreditNote):
		return "for " + field.Or0(i.About)
	case i.Overdue:
		return "late " + words.Day(i.Due, e.Zone())
	case i.State == string(ledger.InvoiceOpen):
		return "due " + words.Day(i.Due, e.Zone())
	}
	return i.State
}

func invoiceCancel(e *shell.Env) *cli.Command {
	in := &billing.Cancellation{}
	return shell.Command(&cli.Command{
		Name: "cancel", ArgsUsage: "NUMBER", Usage: "cancel an invoice that is not paid",
		Description: `A credit note cancels it and says why, so that no number is ever missing. What was paid of it stays in the account's balance and pays what else is open. An order that waits for the payment is not fulfilled. Unused credit that it bought is removed; a term or an upgrade that was delivered stays.

Use relay account refund for an invoice that was paid in full.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` what the credit note says", Required: true, Destination: &in.Body.Reason},
			shell.DryRunFlag(&in.Body.DryRun),
		},
	}, func(ctx context.Context, args []string) error {
		in.Invoice = args[0]
		v, err := billing.CancelInvoice.Call(ctx, e.Service, in)
		return receipt.Ordered(e, v, err)
	})
}
