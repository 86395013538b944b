package cli

import (
	"errors"
	"fmt"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/store"
)

func (p *program) invoiceCommand() *cli.Command {
	return shell.Group("invoice", "what customers owe", p.invoiceList(), p.invoiceShow(), p.invoiceCancel())
}

// invoice by its number as it was issued, or without the prefix.
func (c *call) invoice(text string) (i store.Invoice, err error) {
	i, err = c.st.FindInvoice(text)
	if _, ok := errors.AsType[*store.NoNumber](err); ok {
		return i, exit.Usage("relay invoice list shows all", "%w", err)
	}
	if err == nil && i.Kind == store.VoidNumber {
		return i, exit.Fail(exit.Failed, "relay invoice list shows all", "number %s is void: %s", i.Name, i.Reason)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = exit.Fail(exit.Failed, "relay invoice list shows all", "no invoice %s", term.Clean(strings.TrimSpace(text)))
	}
	return i, err
}

func (p *program) invoiceCancel() *cli.Command {
	var reason string
	var dryRun bool
	return p.onStore(&cli.Command{
		Name: "cancel", ArgsUsage: "NUMBER", Usage: "take back an invoice that is not paid",
		Description: `A credit note says that it is taken back, and why: no number is ever missing. What was paid of it stays in the account's balance and pays what else is open. An order that waits for the payment is not done. Unused credit that it bought is removed; a term or an upgrade that was delivered stays.

What was paid in full is paid back by relay account refund.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` what the credit note says", Required: true, Destination: &reason},
			shell.DryRunFlag(&dryRun),
		},
	}, work{run: func(c *call) error {
		text := term.Cut(term.Clean(strings.TrimSpace(reason)), 200)
		if text == "" {
			return exit.Usage("", "--reason cannot be empty: the credit note says it")
		}
		i, err := c.invoice(c.args[0])
		if err != nil {
			return err
		}
		number := i.Name
		switch {
		case i.Kind == store.CreditNote:
			return exit.Fail(exit.Failed, "relay invoice show "+number+" has what it is about", "%s is a credit note: it cannot be cancelled", number)
		case i.State != store.InvoiceOpen:
			return exit.Fail(exit.Failed, "relay account refund "+i.Account+" pays a term back; relay account correct "+i.Account+" enters an amount of your own",
				"invoice %s is %s: only an open one can be cancelled", number, i.State)
		}
		r, err := c.st.CancelInvoice(c.order(dryRun), i.Number, text)
		return c.ordered(orderOutput{name: i.Account, what: fmt.Sprintf("cancel invoice %s", number), dryRun: dryRun}, r, err)
	}})
}
