package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/words"
	"relay/store"
)

func (p *program) paymentReverse() *cli.Command {
	var r store.Reversal
	var dryRun bool
	return p.onStore(&cli.Command{
		Name: "reverse", ArgsUsage: "INVOICE", Usage: "a payment was taken back: a chargeback, a debit that bounced",
		Description: `The payment is named by an invoice that it was for and by its reference; one that was recorded with --account, by any invoice of that account. What the customer has with you besides goes first; for the rest the invoice is open again, then the newest of the others that were paid. The days of grace run from now; --suspend holds the account back at once. Its payment lets it go on. What was delivered stays.

If the money was paid back before, the account owes it without an invoice.

  relay payment reverse 17 --reference TRN-4711 --reason 'chargeback, 4711'`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reference", Usage: "`TEXT` of the payment", Required: true, Destination: &r.Reference},
			&cli.StringFlag{Name: "method", Usage: "`METHOD` of the payment, where several have the reference", Destination: &r.Method},
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` for the ledger", Required: true, Destination: &r.Text},
			&cli.BoolFlag{Name: "suspend", Usage: "hold the account back at once", Destination: &r.Suspend},
			shell.DryRunFlag(&dryRun),
		},
	}, work{run: func(c *call) error { return c.reversePayment(r, dryRun) }})
}

func (c *call) reversePayment(r store.Reversal, dryRun bool) error {
	if r.Method != "" && !slices.Contains(store.Methods, r.Method) {
		return exit.Usage("", "--method %q: one of %s%s", r.Method, strings.Join(store.Methods, ", "), words.DidYouMean(r.Method, store.Methods))
	}
	if r.Text = term.Cut(term.Clean(strings.TrimSpace(r.Text)), 200); r.Text == "" {
		return exit.Usage("", "--reason cannot be empty: the ledger says why")
	}
	i, err := c.invoice(c.args[0])
	if err != nil {
		return err
	}
	r.Invoice = i.Number
	receipt, err := c.st.ReversePayment(c.order(dryRun), r)
	reference := term.Clean(r.Reference)
	list := "relay payment list --account " + i.Account + " shows them"
	switch {
	case errors.Is(err, store.ErrReversed):
		return exit.Fail(exit.Failed, list, "the payment of invoice %s with reference %q was taken back before", i.Name, reference)
	case errors.Is(err, store.ErrSeveral):
		return exit.Fail(exit.Failed, "say which with --method; "+list, "several payments of invoice %s have the reference %q", i.Name, reference)
	case errors.Is(err, store.ErrNotFound):
		if _, e := c.account(i.Account); e != nil {
			return e
		}
		return exit.Fail(exit.Failed, list, "no payment of invoice %s has the reference %q", i.Name, reference)
	}
	return c.ordered(orderOutput{name: i.Account, what: fmt.Sprintf("reverse the payment of invoice %s", i.Name), dryRun: dryRun}, receipt, err)
}
