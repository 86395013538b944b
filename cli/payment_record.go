package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/receipt"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

// paying is the command line of payment record.
type paying struct {
	account, method, reference, amount string
	dryRun                             bool
}

func (p *program) paymentRecord() *cli.Command {
	var f paying
	return p.onStore(&cli.Command{
		Name: "record", ArgsUsage: "[NUMBER...]", Usage: "enter a payment: what was ordered is done",
		Description: `It pays the invoices that it names, in that order; all have to be of one account. What is left pays what else of the account was delivered, the oldest first; then what it owes by corrections; then orders that wait, the oldest first. The rest stays in the account's balance for invoices to come. An order that is paid in full is done at that moment: the account is active, or its term renewed; and an account that was held back for what it owed goes on.

The reference is the bank's or the card processor's: the same one by the same method is taken once only. Without --amount it is all that is open of these invoices.

What an account owes by a correction has no invoice. --account enters a payment for that: it comes first, then the rest as above.

A payment for an order that has expired is entered too, and the order is done.

  relay payment record 17 --method bank --reference TRN-4711 --amount 50.00

  relay payment record 17 18 19 --method bank --reference TRN-4712`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` of an account that owes without an invoice, in place of NUMBER", Destination: &f.account},
			&cli.StringFlag{Name: "method", Usage: "`METHOD` " + strings.Join(store.Methods, ", "), Required: true, Destination: &f.method},
			&cli.StringFlag{Name: "reference", Usage: "`TEXT` that tells the payment from all others", Required: true, Destination: &f.reference},
			&cli.StringFlag{Name: "amount", Usage: "`AMOUNT` that was received, 12.50 (default what is open)", Destination: &f.amount},
			shell.DryRunFlag(&f.dryRun),
		},
	}, work{run: func(c *call) error { return c.recordPayment(&f) }})
}

func (c *call) recordPayment(f *paying) error {
	if !slices.Contains(store.Methods, f.method) {
		return exit.Usage("", "--method %q: one of %s%s", f.method, strings.Join(store.Methods, ", "), words.DidYouMean(f.method, store.Methods))
	}
	p := store.Payment{Method: f.method, Reference: strings.TrimSpace(f.reference)}
	switch {
	case p.Reference == "":
		return exit.Usage("", "--reference cannot be empty: it tells the payment from all others")
	case len(p.Reference) > mostReference:
		return exit.Usage("", "--reference: at most %d octets", mostReference)
	case term.Clean(p.Reference) != p.Reference:
		return exit.Usage("", "--reference: one line of plain text")
	}
	if err := c.payFor(f, &p); err != nil {
		return err
	}
	r, err := c.st.RecordPayment(c.order(f.dryRun), p)
	if errors.Is(err, store.ErrExists) {
		return c.paidBefore(&p, err)
	}
	if errors.Is(err, quota.ErrOverflow) {
		return exit.Fail(exit.Failed, "relay account show "+p.Account+" has its balance", "account %s: with this payment it would have more than can be counted", p.Account)
	}
	if errors.Is(err, store.ErrNotFound) {
		return exit.Fail(exit.NoAccount, "send the money back; or add an account and enter it there", "invoice %s is of account %s, which was removed", c.args[0], p.Account)
	}
	if err != nil {
		return err
	}
	v := c.viewPaid(&p, &r, f.dryRun)
	if c.json {
		return term.Encode(c.Stdout, v)
	}
	return c.showPayment(&v, &r)
}

// payFor reads what is paid: invoices of one account, or what that owes without one.
func (c *call) payFor(f *paying, p *store.Payment) (err error) {
	const more = "relay payment record --help"
	switch {
	case f.account != "" && len(c.args) > 0:
		return exit.Usage(more, "INVOICE and --account: name one of them")
	case f.account == "" && len(c.args) == 0:
		return exit.Usage(more, "relay payment record needs INVOICE")
	}
	currency, open := c.currency(), int64(0)
	if f.account != "" {
		a, err := c.account(f.account)
		if err != nil {
			return err
		}
		p.Account = a.Name
		if open, err = c.st.Debt(a.Name); err != nil {
			return err
		}
	}
	for at, text := range c.args {
		i, err := c.invoice(text)
		if err != nil {
			return err
		}
		if err := c.mayPay(&i, p, at); err != nil {
			return err
		}
		open, currency = open+i.Payable(), i.Currency
	}
	if f.amount != "" {
		if p.Amount, err = received(f.amount, currency); err != nil {
			return err
		}
	}
	return c.payable(p, open)
}

// mayPay adds an invoice to those of a payment.
func (c *call) mayPay(i *store.Invoice, p *store.Payment, at int) error {
	switch {
	case i.Kind == store.CreditNote:
		return exit.Fail(exit.Failed, "relay invoice list --account "+i.Account+" --open shows what is to be paid", "%s is a credit note: there is nothing to pay", i.Name)
	case at == 0:
		p.Invoice, p.Account = i.Number, i.Account
		return nil
	case i.Account != p.Account:
		return exit.Usage("enter a payment for each account, with its own --amount; the reference may end with the account's name", "invoice %s is of account %s, the first one of %s", i.Name, i.Account, p.Account)
	case i.Number == p.Invoice || slices.Contains(p.Also, i.Number):
		return exit.Usage("", "invoice %s is named twice", i.Name)
	}
	p.Also = append(p.Also, i.Number)
	return nil
}

const mostReference = 200 // octets

// received is an amount that a customer may have paid.
func received(text, currency string) (int64, error) {
	n, err := money.Parse(text, currency)
	switch {
	case err != nil:
		return 0, exit.Usage("", "--amount: %w", err)
	case n <= 0:
		return 0, exit.Usage("what is paid back: relay account refund NAME; any other change: relay account correct NAME", "--amount %q: more than nothing", text)
	case n > math.MaxInt64/1024:
		return 0, exit.Usage("", "--amount %q is more than can be counted", text)
	}
	return n, nil
}

// payable says why nothing can be paid.
func (c *call) payable(p *store.Payment, open int64) error {
	if _, err := c.st.Payment(p.Method, p.Reference); err == nil {
		return c.paidBefore(p, store.ErrExists)
	}
	if p.Amount != 0 || open != 0 {
		return nil
	}
	const hint = "name what was received with --amount: it is kept as balance"
	if p.Invoice == 0 {
		return exit.Fail(exit.Failed, hint, "account %s owes nothing without an invoice", p.Account)
	}
	i, err := c.st.Invoice(p.Invoice)
	if err != nil {
		return err
	}
	return exit.Fail(exit.Failed, hint, "invoice %s is %s: nothing of it is open", i.Name, i.State)
}

// paidBefore names the payment that has the same method and reference.
func (c *call) paidBefore(p *store.Payment, err error) error {
	old, e := c.st.Payment(p.Method, p.Reference)
	if e != nil {
		return errors.Join(err, e)
	}
	what := ""
	if old.Invoice != 0 {
		what = "for invoice " + answer.InvoiceName(c.acts(), strconv.FormatUint(old.Invoice, 10)) + " "
	}
	return exit.Fail(exit.Failed, "it was not entered again; another payment has another reference",
		"a payment by %s with reference %q is recorded already: %s %sof account %s, at %s",
		old.Method, old.Reference, c.amount(old.Amount), what, old.Account, c.stamp(old.Time))
}

// paidView is what a payment came to, or would, as programs see it.
type paidView struct {
	answer.Payment
	DryRun   bool             `json:"dry_run"`  // nothing was recorded
	Did      []string         `json:"did"`      // by this payment: activated, renewed, released (it was held back as unpaid)
	Invoices []answer.Payable `json:"invoices"` // that are new or changed, the one that was paid first
	Before   answer.Stand     `json:"before"`
	After    answer.Stand     `json:"after"`
	Owed     *answer.Owed     `json:"owed,omitempty"` // by the account without an invoice, afterwards
}

const released = "released"

func (v *paidView) did(what string) bool { return slices.Contains(v.Did, what) }

func (c *call) viewPaid(p *store.Payment, r *store.Receipt, dryRun bool) paidView {
	paid := *p
	paid.Amount, paid.Account, paid.Time, paid.By = r.Amount, r.After.Name, c.now().UTC(), c.by()
	if at := slices.IndexFunc(r.Entries, func(e store.Entry) bool { return e.Kind == store.KindPayment }); at >= 0 {
		paid.Time = r.Entries[at].Time
	}
	v := paidView{Payment: answer.PaymentOf(c.acts(), &paid, c.currency()), DryRun: dryRun, Did: []string{}, Invoices: []answer.Payable{}, Before: answer.StandOf(c.acts(), &r.Before), After: answer.StandOf(c.acts(), &r.After)}
	for _, e := range r.Entries {
		if e.Kind == store.KindActivated || e.Kind == store.KindRenewed {
			v.Did = append(v.Did, string(e.Kind))
		}
	}
	if r.Before.Hold != "" && r.After.Hold == "" {
		v.Did = append(v.Did, released)
	}
	v.Owed = answer.OwedBy(c.acts(), r.After.Name, r.Debt)
	for i := range r.Invoices {
		d := &r.Invoices[i]
		one := answer.PayableOf(c.acts(), d)
		if d.Number == p.Invoice {
			v.Invoices = slices.Insert(v.Invoices, 0, one)
		} else {
			v.Invoices = append(v.Invoices, one)
		}
	}
	return v
}

func (c *call) showPayment(v *paidView, r *store.Receipt) error {
	fields := []term.Field{{"payment", fmt.Sprintf("%s by %s, reference %s", money.Format(v.Amount, v.Currency), *v.Method, *v.Reference)}}
	for i := range v.Invoices {
		fields = append(fields, term.Field{"invoice", paidText(&v.Invoices[i], v.Currency)})
	}
	fields = append(fields,
		term.Field{"account", c.paidAccount(v, &r.After)},
		term.Field{"open", receipt.OwedText(v.Owed)}, term.Field{"pay at", receipt.OwedLink(v.Owed)}, term.Field{"pay by", receipt.OwedHow(v.Owed)},
		term.Field{"credit", c.lotsText(&r.After)},
		term.Field{"balance", words.Balance(v.After.Balance, v.Currency, r.After.State == store.Closed)})
	if err := term.WriteFields(c.Stdout, fields); err != nil || !v.DryRun {
		return err
	}
	return c.say("\nnothing was recorded")
}

// paidText is what an invoice has become.
func paidText(d *answer.Payable, currency string) string {
	text := d.Name
	if d.Kind != string(store.ForOrder) {
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
func (c *call) paidAccount(v *paidView, a *store.Account) string {
	state := store.AccountState(*v.After.State)
	text := v.Account + " is " + *v.After.State
	switch {
	case state == store.Pending && a.Balance < 0:
		return text + " until its invoice is paid"
	case state == store.Suspended && a.State == store.Active:
		return text + ": it still owes what it was held back for"
	case state == store.Suspended && a.Reason != "":
		text += ": " + a.Reason
	case state == store.Active && v.did(string(store.KindActivated)):
		text += " from now on"
	case state == store.Active && v.did(released):
		text += " again"
	}
	if v.did(released) {
		text += ", no longer held back as unpaid"
	}
	if v.did(string(store.KindRenewed)) {
		text += ", renewed"
	}
	if a.TermEnd().IsZero() || state == store.Closed {
		return text
	}
	return text + "; its term runs " + c.through(a.TermEnd())
}

// through names the last day before an instant that is excluded.
func (c *call) through(end time.Time) string {
	return "to the end of " + c.lastDay(end)
}

// lotsText is the credit that an account has, and until when.
func (c *call) lotsText(a *store.Account) string {
	var parts []string
	unit := a.Plan(c.now()).Unit()
	for _, l := range quota.Live(a.Lots, c.now()) {
		parts = append(parts, words.Units(l.Amount, unit)+" "+c.through(l.Expires))
	}
	return strings.Join(parts, ", ")
}
