package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/store"
)

func (p *program) invoiceCommand() *cli.Command {
	return group("invoice", "what customers owe", p.invoiceList(), p.invoiceShow(), p.invoiceCancel())
}

// invoiceView is an invoice or a credit note as programs see it. Amounts are
// minor units, those of a credit note negative.
type invoiceView struct {
	Invoice  string    `json:"invoice"` // number as it is printed
	Number   uint64    `json:"number"`
	Account  string    `json:"account"`
	Customer *string   `json:"customer"` // null: the account itself
	Kind     string    `json:"kind"`     // order, renewal, upgrade, topup, block, overage or credit-note
	About    *string   `json:"about"`    // of a credit note: the invoice that it takes back
	State    string    `json:"state"`    // open, paid, cancelled or refunded
	Overdue  bool      `json:"overdue"`
	Waits    bool      `json:"waits"` // what was ordered waits for its payment
	Issued   time.Time `json:"issued"`
	Due      time.Time `json:"due"`
	Period   *string   `json:"period"`              // of overage
	Method   *string   `json:"method,omitempty"`    // by which the customer chose to pay
	Ref      *string   `json:"reference,omitempty"` // the customer's own text
	Currency string    `json:"currency"`
	Net      int64     `json:"net"`
	Tax      int64     `json:"tax"`
	Total    int64     `json:"total"`
	Paid     int64     `json:"paid"`
	Open     int64     `json:"open"` // still to be paid
}

func (c *call) viewInvoice(i *store.Invoice) invoiceView {
	v := invoiceView{
		Invoice: i.Name, Number: i.Number, Account: i.Account, Customer: orNull(i.Customer), Kind: string(i.Kind),
		State: string(i.State), Overdue: c.overdue(i), Waits: i.State == store.InvoiceOpen && i.Order != nil,
		Issued: i.Issued, Due: i.Due, Period: orNull(i.Period), Method: orNull(i.Method), Ref: orNull(i.Reference), Currency: i.Currency,
		Net: i.Net, Tax: i.Tax, Total: i.Total, Paid: i.Paid, Open: i.Open(),
	}
	if i.About != 0 {
		v.About = new(i.Names)
	}
	return v
}

// overdue reports whether the day is over on which an invoice was to be paid. What
// is only ordered is not had, and not late.
func (c *call) overdue(i *store.Invoice) bool {
	return i.State == store.InvoiceOpen && i.Order == nil && c.day(c.now()) > c.day(i.Due)
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

// invoiceName is the number in an entry of the ledger as its invoice was issued.
func (c *call) invoiceName(ref string) string {
	n, err := strconv.ParseUint(ref, 10, 64)
	if err != nil {
		return ref
	}
	i, err := c.st.Invoice(n)
	if err != nil {
		return ref // it is only worked out, not issued
	}
	return i.Name
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
			dryRunFlag(&dryRun),
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
