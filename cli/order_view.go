package cli

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

// receiptView is an order as programs see it. Amounts are minor units.
type receiptView struct {
	Account  string           `json:"account"`
	Order    string           `json:"order"`
	DryRun   bool             `json:"dry_run"` // nothing was changed
	Refused  []refusedView    `json:"refused"` // why it is not possible; empty: it is
	Lines    []lineView       `json:"lines"`   // the figures
	Amount   int64            `json:"amount"`  // invoiced with tax, or paid back
	Currency string           `json:"currency"`
	Invoices []answer.Payable `json:"invoices"` // new or changed, credit notes too
	Before   accountStand     `json:"before"`
	After    accountStand     `json:"after"`
	Owed     *answer.Owed     `json:"owed,omitempty"` // without an invoice, afterwards
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
	State      *string    `json:"state"` // null: there was no account
	Plan       *string    `json:"plan"`
	Allowance  *allowance `json:"allowance"` // of a period
	TermEnd    *time.Time `json:"term_end"`
	Unit       *string    `json:"unit"`        // of credit: bytes or e-mails
	CreditLeft int64      `json:"credit_left"` // units
	Balance    int64      `json:"balance"`     // minor units; negative: owed
}

func (c *call) stand(a *store.Account) accountStand {
	if a.Name == "" { // before it was added
		return accountStand{}
	}
	p := a.Plan(c.now())
	s := accountStand{State: new(stateName(a, a.Expired(c.now(), c.st.Zone()))), Plan: orNull(p.Name), TermEnd: orNull(a.TermEnd()),
		CreditLeft: quota.Sum(quota.Live(a.Lots, c.now())), Balance: a.Balance}
	if p.Name != "" {
		s.Unit = new(p.Unit())
	}
	if p.Name != "" && a.State != store.Closed {
		if t := a.Contract(c.now()); t != nil {
			at, _ := t.PeriodAt(c.now(), c.st.Zone())
			p = p.In(at)
		}
		s.Allowance = viewAllowance(p)
	}
	return s
}

func (c *call) receipt(o *orderOutput, r *store.Receipt) receiptView {
	v := receiptView{Account: o.name, Order: o.what, DryRun: o.dryRun, Refused: []refusedView{}, Lines: []lineView{},
		Amount: r.Amount, Currency: c.st.Currency(), Invoices: []answer.Payable{},
		Before: c.stand(&r.Before), After: c.stand(&r.After), Owed: answer.OwedBy(c.acts(), r.After.Name, r.Debt)}
	for i := range r.Lines {
		v.Lines = append(v.Lines, lineView{words.English.Line(&r.Lines[i]), r.Lines[i].Amount})
	}
	for i := range r.Invoices {
		v.Invoices = append(v.Invoices, answer.IssuedOf(c.acts(), &r.Invoices[i]))
	}
	return v
}

// showReceipt is the same screen for what was done and for what would be.
func (c *call) showReceipt(v *receiptView) error {
	if err := term.WriteFields(c.Stdout, []term.Field{{"account", v.Account}, {"order", v.Order}}); err != nil {
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
	room := term.Columns - len(indent) - term.Gap - width
	for i, l := range lines {
		texts := term.Fold(term.Clean(l.Text), room)
		for n, text := range texts {
			if n < len(texts)-1 {
				if err := c.say("%s%s", indent, text); err != nil {
					return err
				}
				continue
			}
			if err := c.say("%s%s  %s", indent, term.Pad(text, room, false), term.Pad(amounts[i], width, true)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *call) showOrderInvoice(i *answer.Payable, currency string) error {
	text := fmt.Sprintf("%s, %s", i.Name, money.Format(i.Total, currency))
	switch {
	case i.Kind == string(store.CreditNote):
		text += ", a credit note for " + value(i.About)
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
	return term.WriteFields(c.Stdout, []term.Field{{"invoice", text}, {"reference", value(i.Ref)}, {"pay at", value(i.Link)}, {"pay by", value(i.Text)}})
}

// showStand is how the account stands afterwards, and what was different before.
func (c *call) showStand(v *receiptView) error {
	if err := c.say(""); err != nil {
		return err
	}
	was, is := v.Before, v.After
	if v.Before.State == nil {
		was = is
	}
	change := func(before, after string) string {
		if before == after {
			return after
		}
		return before + " -> " + after
	}
	err := term.WriteFields(c.Stdout, []term.Field{
		{"state", change(value(was.State), value(is.State))},
		{"plan", change(orElse(value(was.Plan), "none"), orElse(value(is.Plan), "none"))},
		{"allowance", change(orElse(was.Allowance.text(), "none"), orElse(is.Allowance.text(), "none"))},
		{"term ends", change(c.end(value(was.TermEnd)), c.end(value(is.TermEnd)))},
		{"credit", change(words.Units(was.CreditLeft, value(was.Unit)), words.Units(is.CreditLeft, value(cmp.Or(is.Unit, was.Unit))))},
		{"balance", change(money.Format(was.Balance, v.Currency), money.Format(is.Balance, v.Currency)) + whose(is.Balance, value(is.State) == string(store.Closed))},
		{"open", owedText(v.Owed)}, {"pay at", owedLink(v.Owed)}, {"pay by", owedHow(v.Owed)},
		{"to send", c.toSend(v)},
	})
	if c.scope == nil { // resellers neither enter money nor say who sells
		c.noteParties(v)
	}
	if err == nil && v.DryRun {
		return c.say("\nnothing was changed")
	}
	if c.scope == nil {
		c.noteNext(v)
	}
	return err
}

// noteParties says which address a new invoice lacks. It is never changed later.
func (c *call) noteParties(v *receiptView) {
	for i := range v.Invoices {
		in := &v.Invoices[i]
		if in.Open == 0 || in.Open != in.Total {
			continue
		}
		if slices.Contains(in.Lacks, answer.Seller) {
			c.note("invoice %s has no address of yours and never changes: set seller in [billing] before the next one", in.Name)
		}
		switch {
		case !slices.Contains(in.Lacks, answer.Buyer):
		case in.Customer != nil:
			c.note("invoice %s has no address of the customer: relay customer set %s --address LINES is for the next one", in.Name, *in.Customer)
		default:
			c.note("invoice %s has no address of the customer: relay customer add takes one, and --owner names the customer", in.Name)
		}
	}
}

// noteSeller of a plan that will be invoiced.
func (c *call) noteSeller(p *quota.Plan) {
	if p.Price > 0 && len(c.st.Billing().Seller) == 0 {
		c.note("invoices have no address of yours yet: set seller in [billing]")
	}
}

// noteNext tells the operator what is left to do about money.
func (c *call) noteNext(v *receiptView) {
	for i := range v.Invoices {
		if in := &v.Invoices[i]; in.Open > 0 {
			c.note("relay payment record %s enters the payment of invoice %[1]s", in.Name)
		}
	}
	if v.Owed != nil && !v.DryRun {
		c.note("relay payment record --account %s enters the payment of what it owes without an invoice", v.Account)
	}
	if left := v.After.Balance; left > 0 && value(v.After.State) == string(store.Closed) {
		c.note("pay back the %s that are left, and enter it with", money.Format(left, v.Currency))
		c.note("relay account correct %s --amount -%s --reason TEXT", v.Account, money.Plain(left, v.Currency))
	}
}

// whose a balance is.
func whose(n int64, closed bool) string {
	switch {
	case n < 0:
		return ", to be paid"
	case n > 0 && closed:
		return ", to be paid back"
	case n > 0:
		return ", kept for invoices to come"
	}
	return ""
}

// toSend is what the operator has to pay out; "": nothing.
func (c *call) toSend(v *receiptView) string {
	if v.Order != "refund" || v.Amount == 0 {
		return ""
	}
	return money.Format(v.Amount, v.Currency) + " to the customer: relay only enters it"
}
