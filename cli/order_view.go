package cli

import (
	"fmt"
	"time"

	"relay/quota"
	"relay/report/invoice"
	"relay/report/money"
	"relay/store"
)

// receiptView is an order as programs see it. Amounts are minor units.
type receiptView struct {
	Account  string         `json:"account"`
	Order    string         `json:"order"`
	DryRun   bool           `json:"dry_run"` // nothing was changed
	Refused  []refusedView  `json:"refused"` // why it is not possible; empty: it is
	Lines    []lineView     `json:"lines"`   // the figures
	Amount   int64          `json:"amount"`  // invoiced with tax, or paid back
	Currency string         `json:"currency"`
	Invoices []orderInvoice `json:"invoices"` // new or changed, credit notes too
	Before   accountStand   `json:"before"`
	After    accountStand   `json:"after"`
}

type refusedView struct {
	Why  string `json:"why"`
	Text string `json:"text"`
}

type lineView struct {
	Text   string `json:"text"`
	Amount int64  `json:"amount"`
}

// accountStand is what orders change of an account.
type accountStand struct {
	State     string    `json:"state"`
	Plan      string    `json:"plan"`
	Emails    int64     `json:"emails"`    // a period; 0: unlimited
	Bandwidth int64     `json:"bandwidth"` // octets a period; 0: unlimited
	TermEnd   time.Time `json:"term_end,omitzero"`
	Unit      string    `json:"credit_unit"` // bytes or e-mails
	Credit    int64     `json:"credit"`
	Balance   int64     `json:"balance"` // minor units; negative: owed
}

func (c *call) stand(a *store.Account) accountStand {
	p := a.Plan(c.now())
	s := accountStand{State: accountState(a, c.now()), Plan: p.Name, Emails: p.Emails, Bandwidth: p.Bandwidth, TermEnd: a.TermEnd(),
		Unit: p.Unit(), Credit: quota.Sum(quota.Live(a.Lots, c.now())), Balance: a.Balance}
	if a.Name == "" { // before it was added
		s.State, s.Unit = "", ""
	}
	return s
}

// orderInvoice is an invoice with how it is paid while it is open.
type orderInvoice struct {
	invoiceView
	Link    string `json:"link"`    // where it is paid; "": nowhere
	Payment string `json:"payment"` // how it is paid; "": not said
}

func (c *call) orderInvoice(i *store.Invoice) orderInvoice {
	v := orderInvoice{invoiceView: c.viewInvoice(i)}
	if v.Open > 0 {
		d := invoice.New(i, c.documents())
		v.Link, v.Payment = d.Link, d.Instructions
	}
	return v
}

// openInvoices of an account, oldest first.
func (c *call) openInvoices(name string) ([]orderInvoice, error) {
	list, err := c.st.InvoicesOf(name, true)
	open := make([]orderInvoice, len(list))
	for i := range list {
		open[i] = c.orderInvoice(&list[i])
	}
	return open, err
}

func (c *call) receipt(o *ordered, r *store.Receipt) receiptView {
	doc := c.documents()
	v := receiptView{Account: o.name, Order: o.what, DryRun: o.dryRun, Refused: []refusedView{}, Lines: []lineView{},
		Amount: r.Amount, Currency: c.st.Billing().Currency, Invoices: []orderInvoice{},
		Before: c.stand(&r.Before), After: c.stand(&r.After)}
	for _, l := range r.Lines {
		v.Lines = append(v.Lines, lineView{withPrefix(l.Text, &doc), l.Amount})
	}
	for i := range r.Invoices {
		v.Invoices = append(v.Invoices, c.orderInvoice(&r.Invoices[i]))
	}
	return v
}

// showReceipt is the same screen for what was done and for what would be.
func (c *call) showReceipt(v *receiptView) error {
	if err := writeFields(c.Stdout, []field{{"account", v.Account}, {"order", v.Order}}); err != nil {
		return err
	}
	if err := c.showFigures(v); err != nil {
		return err
	}
	return c.showStand(v)
}

// showFigures are the lines of an order and its invoices.
func (c *call) showFigures(v *receiptView) error {
	if err := c.showLines(v.Lines, v.Currency); err != nil {
		return err
	}
	for i := range v.Invoices {
		if err := c.showOrderInvoice(&v.Invoices[i], v.Currency); err != nil {
			return err
		}
	}
	return nil
}

// showLines writes texts with their amounts behind them.
func (c *call) showLines(lines []lineView, currency string) error {
	if len(lines) == 0 {
		return nil
	}
	amounts, width := make([]string, len(lines)), 0
	for i, l := range lines {
		amounts[i] = money.Format(l.Amount, currency)
		width = max(width, len(amounts[i]))
	}
	if err := c.say(""); err != nil {
		return err
	}
	const indent = "  "
	room := screen - len(indent) - gap - width
	for i, l := range lines {
		texts := fold(clean(l.Text), room)
		for n, text := range texts {
			if n < len(texts)-1 {
				if err := c.say("%s%s", indent, text); err != nil {
					return err
				}
				continue
			}
			if err := c.say("%s%s  %s", indent, pad(text, room, false), pad(amounts[i], width, true)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *call) showOrderInvoice(i *orderInvoice, currency string) error {
	text := fmt.Sprintf("%s, %s", i.Invoice, money.Format(i.Total, currency))
	switch {
	case i.Kind == string(store.CreditNote):
		text += ", a credit note"
	case i.Open == 0:
		text += ", " + i.State
	default:
		if i.Open != i.Total {
			text += ", still to pay " + money.Format(i.Open, currency)
		}
		text += ", due " + c.day(i.Due)
	}
	if err := c.say(""); err != nil {
		return err
	}
	return writeFields(c.Stdout, []field{{"invoice", text}, {"pay at", i.Link}, {"pay by", i.Payment}})
}

// showStand is how the account stands afterwards, and what was different before.
func (c *call) showStand(v *receiptView) error {
	if err := c.say(""); err != nil {
		return err
	}
	was, is := v.Before, v.After
	if v.Before.State == "" {
		was = is
	}
	change := func(before, after string) string {
		if before == after {
			return after
		}
		return before + " -> " + after
	}
	err := writeFields(c.Stdout, []field{
		{"state", change(was.State, is.State)},
		{"plan", change(orElse(was.Plan, "none"), orElse(is.Plan, "none"))},
		{"allowance", change(allowanceText(was.Emails, was.Bandwidth), allowanceText(is.Emails, is.Bandwidth))},
		{"term ends", change(c.stamp(was.TermEnd), c.stamp(is.TermEnd))},
		{"credit", change(unitsText(was.Credit, was.Unit), unitsText(is.Credit, is.Unit))},
		{"balance", change(money.Format(was.Balance, v.Currency), money.Format(is.Balance, v.Currency))},
	})
	if err == nil && v.DryRun {
		err = c.say("\nnothing was changed")
	}
	return err
}

// allowanceText is "9,000 e-mails and 90 MB"; nothing is unlimited.
func allowanceText(emails, bandwidth int64) string {
	switch {
	case emails == 0 && bandwidth == 0:
		return "unlimited"
	case emails == 0:
		return size(bandwidth)
	case bandwidth == 0:
		return plural(emails, "e-mail")
	}
	return plural(emails, "e-mail") + " and " + size(bandwidth)
}

// unitsText is an amount of credit or overage in the unit of the plan.
func unitsText(n int64, unit string) string {
	if unit == "bytes" {
		return size(n)
	}
	return plural(n, "e-mail")
}

// invoiceToPay names an invoice to the mail program of a customer.
func (c *Config) invoiceToPay(i *store.Invoice) string {
	return fmt.Sprintf("invoice %s, %s", c.invoices().Number(i.Number), money.Format(i.Open(), i.Currency))
}
