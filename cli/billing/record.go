package billing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/receipt"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/accounts"
	"relay/report/api/answer"
	"relay/report/api/billing"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
	"relay/store/ledger"
)

func paymentRecord(e *shell.Env) *cli.Command {
	in := &billing.PaymentEntry{}
	var amount string
	return shell.Command(&cli.Command{
		Name: "record", ArgsUsage: "[NUMBER...]", Usage: "record a payment: the orders it pays are fulfilled",
		Description: `The payment pays the named invoices in that order; all must be of one account. What is left pays the account's other invoices for what was delivered, the oldest first; then its debts from corrections; then orders that wait, the oldest first. The rest stays in the account's balance for later invoices. An order that is paid in full is fulfilled at once: the account becomes active, or its term is renewed. An account that was held back for its debts can send again.

The reference is the bank's or the card processor's: each is accepted once for a method. Without --amount it is the whole open amount of these invoices.

A debt from a correction has no invoice. --account records a payment for it: that debt is paid first, then the rest as above.

A payment for an order that has expired is recorded too, and the order is fulfilled.

  relay payment record 17 --method bank --reference TRN-4711 --amount 50.00

  relay payment record 17 18 19 --method bank --reference TRN-4712`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` of an account that owes without an invoice, in place of NUMBER", Destination: &in.Body.Account},
			&cli.StringFlag{Name: "method", Usage: "`METHOD` " + strings.Join(ledger.Methods, ", "), Required: true, Destination: &in.Body.Method},
			&cli.StringFlag{Name: "reference", Usage: "`TEXT` that identifies the payment", Required: true, Destination: &in.Body.Reference},
			&cli.StringFlag{Name: "amount", Usage: "`AMOUNT` that was received, 12.50 (default what is open)", Destination: &amount},
			shell.DryRunFlag(&in.Body.DryRun),
		},
	}, func(ctx context.Context, args []string) (err error) {
		in.Body.Invoices = args
		if in.Body.Amount, err = received(ctx, e, in, amount); err != nil {
			return err
		}
		return shell.Show(ctx, e, billing.RecordPayment, in, showPayment)
	})
}

// received is an amount that a customer may have paid, in the currency of what is paid; 0:
// none is named.
func received(ctx context.Context, e *shell.Env, in *billing.PaymentEntry, text string) (int64, error) {
	if text == "" || (in.Body.Account == "") == (len(in.Body.Invoices) == 0) {
		return 0, nil // in the second case the service says what is wrong
	}
	currency, err := currencyOf(ctx, e, in)
	if err != nil {
		return 0, err
	}
	n, err := money.Parse(text, currency)
	switch {
	case err != nil:
		return 0, exit.Usage("", "--amount: %w", err)
	case n <= 0:
		return 0, exit.Usage("what is paid back: relay account refund NAME; any other change: relay account correct NAME", "--amount %q: must be greater than zero", text)
	case n > billing.MostMoney:
		return 0, exit.Usage("", "--amount %q is too large to count", text)
	}
	return n, nil
}

// currencyOf what is paid.
func currencyOf(ctx context.Context, e *shell.Env, in *billing.PaymentEntry) (string, error) {
	if in.Body.Account != "" {
		a, err := accounts.Show.Call(ctx, e.Service, &accounts.Name{Account: in.Body.Account})
		if err != nil {
			return "", err
		}
		return a.Currency, nil
	}
	i, err := billing.ShowInvoice.Call(ctx, e.Service, &billing.Number{Invoice: in.Body.Invoices[len(in.Body.Invoices)-1]})
	if err != nil {
		return "", err
	}
	return i.Currency, nil
}

func showPayment(e *shell.Env, v *billing.Paid) error {
	fields := []term.Field{{"payment", fmt.Sprintf("%s by %s, reference %s", money.Format(v.Amount, v.Currency), field.Or0(v.Method), field.Or0(v.Reference))}}
	for i := range v.Invoices {
		fields = append(fields, term.Field{"invoice", paidText(&v.Invoices[i], v.Currency)})
	}
	fields = append(fields, term.Field{"account", paidAccount(e, v)})
	fields = append(append(fields, receipt.Owed("open", v.Owed)...),
		term.Field{"credit", creditText(e, v)},
		term.Field{"balance", words.Balance(v.After.Balance, v.Currency, ledger.AccountState(field.Or0(v.After.State)) == ledger.Closed)})
	if err := term.WriteFields(e.Stdout, fields); err != nil || !v.DryRun {
		return err
	}
	return e.Say("\nnothing was recorded")
}

// paidText is what an invoice has become.
func paidText(d *answer.Payable, currency string) string {
	text := d.Name
	if d.Kind != string(ledger.ForOrder) {
		text += " (" + d.Kind + ")"
	}
	switch {
	case d.Open == 0:
		return text + ": " + d.State
	case d.Paid == 0:
		return fmt.Sprintf("%s: %s to pay", text, money.Format(d.Open, currency))
	}
	return fmt.Sprintf("%s: part-paid, %s of %s are left to pay", text, money.Format(d.Open, currency), money.Format(d.Total, currency))
}

// paidAccount is what the payment did to the account.
func paidAccount(e *shell.Env, v *billing.Paid) string {
	state := ledger.AccountState(field.Or0(v.After.State))
	released := slices.Contains(v.Did, billing.Released)
	text := v.Account + " is " + string(state)
	switch {
	case state == ledger.Pending && v.After.Balance < 0:
		return text + " until its invoice is paid"
	case v.Held:
		return text + ": it still owes what it was held back for"
	case v.Reason != nil:
		text += ": " + *v.Reason
	case state == ledger.Active && slices.Contains(v.Did, string(ledger.KindActivated)):
		text += " from now on"
	case state == ledger.Active && released:
		text += " again"
	}
	if released {
		text += ", no longer held back as unpaid"
	}
	if slices.Contains(v.Did, string(ledger.KindRenewed)) {
		text += ", renewed"
	}
	if v.After.TermEnd == nil || state == ledger.Closed {
		return text
	}
	return text + "; its term runs " + receipt.Through(e, *v.After.TermEnd)
}

// creditText is the credit that the account has, and until when.
func creditText(e *shell.Env, v *billing.Paid) string {
	var parts []string
	for _, l := range v.Credit {
		parts = append(parts, words.Units(l.Units, field.Or0(v.After.Unit))+" "+receipt.Through(e, l.Expires))
	}
	return strings.Join(parts, ", ")
}
