package cli

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store"
)

// accountView is an account as programs see it. What there is none of is null.
type accountView struct {
	Account   string     `json:"account"`
	Plan      string     `json:"plan"`
	Terms     planView   `json:"terms"`  // as they were bought
	State     string     `json:"state"`  // pending, active, suspended, expired or closed
	Reason    *string    `json:"reason"` // of the operator's suspension
	Hold      *string    `json:"hold"`   // why the system holds it back: unpaid
	Contact   *string    `json:"contact"`
	AtLimit   string     `json:"at_limit"`
	OverMax   *int64     `json:"over_max"` // octets of overage in a month, where it continues; null: no ceiling
	Senders   []string   `json:"senders"`  // empty: any
	Owner     *string    `json:"owner"`    // customer
	Reseller  *string    `json:"reseller"`
	Abuse     bool       `json:"abuse"`   // no refund
	Balance   int64      `json:"balance"` // minor units; negative: owed
	Currency  string     `json:"currency"`
	Created   time.Time  `json:"created"`
	Activated *time.Time `json:"activated"`
	TermEnd   *time.Time `json:"term_end"` // it sends until then

	Method    *string      `json:"method,omitempty"`    // by which it pays
	Reference *string      `json:"reference,omitempty"` // the customer's own text
	Consent   *consentView `json:"consent,omitempty"`   // to the operator's terms
}

// orNull is what programs see of a text or an instant: null where there is none.
func orNull[T string | time.Time](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

func (c *call) accountView(st *store.Standing, currency string) accountView {
	a, plan := &st.Account, st.Plan()
	return accountView{
		Account: a.Name, Plan: plan.Name, Terms: viewPlan(&plan, currency), State: accountState(st), Reason: orNull(a.Reason),
		Hold: orNull(a.Hold), Contact: orNull(a.Contact), AtLimit: string(a.Limit(plan)), OverMax: field.Ceiling(plan.Ceiling(a.OverMax)), Senders: orNone(a.Senders), Owner: orNull(a.Owner),
		Reseller: orNull(a.Reseller), Abuse: a.Abuse, Balance: a.Balance, Currency: currency, Created: a.Created,
		Method: orNull(a.Method), Reference: orNull(a.Reference), Consent: viewConsent(a.Consent),
		Activated: orNull(a.Activated()), TermEnd: orNull(a.TermEnd()),
	}
}

// accountDetail is all of one account.
type accountDetail struct {
	accountView
	Logins    []string         `json:"logins"`
	Networks  []string         `json:"networks"`
	Period    *string          `json:"period"`         // that runs
	Allowance *allowance       `json:"allowance"`      // of the period
	Bought    []termView       `json:"bought"`         // terms, by time
	Credit    []lotView        `json:"credit"`         // in the order of use; of the running period nothing is drawn yet
	Drawn     int64            `json:"drawn"`          // of it, in the running period
	Unit      string           `json:"unit"`           // of credit: bytes or e-mails
	Invoices  []answer.Payable `json:"invoices"`       // open ones
	GoesOn    bool             `json:"goes_on"`        // by itself, at the end of the last term
	UsedUp    bool             `json:"used_up"`        // the running term, which is a month's
	Owed      *answer.Owed     `json:"owed,omitempty"` // without an invoice

	usedUp string // for people
}

// allowance of a period as programs see it.
type allowance struct {
	Messages *int64 `json:"messages"` // null: unlimited
	Bytes    *int64 `json:"bytes"`
}

func viewAllowance(p quota.Plan) *allowance {
	return &allowance{field.OrUnlimited(p.Emails), field.OrUnlimited(p.Bandwidth)}
}

// text of an allowance for people, "9,000 e-mails and 90 MB"; "": none runs.
func (a *allowance) text() string {
	if a == nil {
		return ""
	}
	return words.Allowance(a.Messages, a.Bytes)
}

// value of what may be null.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// termView is a term that was bought.
type termView struct {
	Plan    string    `json:"plan"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Invoice *string   `json:"invoice"` // it was bought with
}

// lotView is credit.
type lotView struct {
	Lot     string    `json:"lot"`
	Units   int64     `json:"units"` // of the plan
	Granted time.Time `json:"granted"`
	Expires time.Time `json:"expires"`
}

func viewLots(lots []quota.Lot) []lotView {
	list := make([]lotView, len(lots))
	for i, l := range lots {
		list[i] = lotView{l.Ref, l.Amount, l.Granted, l.Expires}
	}
	return list
}

func (c *call) accountDetail(st *store.Standing) (accountDetail, error) {
	a := &st.Account
	creds, e1 := c.st.Credentials(a.Name)
	nets, e2 := c.st.Networks(a.Name)
	open, e3 := answer.OpenInvoices(c.acts(), a.Name)
	owed, e4 := c.st.Debt(a.Name)
	goes, e5 := c.st.GoesOn(a)
	if err := cmp.Or(e1, e2, e3, e4, e5); err != nil {
		return accountDetail{}, err
	}
	v := accountDetail{accountView: c.accountView(st, c.currency()), Logins: []string{}, Networks: []string{},
		Bought: c.viewTerms(a), Credit: viewLots(st.Live), Drawn: st.Use().Drawn, Unit: st.Plan().Unit(), Invoices: open,
		GoesOn: goes, UsedUp: st.Spent(), Owed: answer.OwedBy(c.acts(), a.Name, owed), usedUp: usedUpText(st)}
	if st.InTerm {
		v.Period, v.Allowance = &st.Period.Key, viewAllowance(st.InPeriod())
	}
	for _, cred := range creds {
		v.Logins = append(v.Logins, cred.Login)
	}
	for _, n := range nets {
		v.Networks = append(v.Networks, n.Prefix.String())
	}
	return v, nil
}

func (c *call) viewTerms(a *store.Account) []termView {
	terms := []termView{}
	for i := range a.Contracts {
		terms = append(terms, c.viewTerm(&a.Contracts[i]))
	}
	return terms
}

func (c *call) viewTerm(t *quota.Contract) termView {
	return termView{Plan: t.Plan.Name, Start: t.Start, End: t.End, Invoice: orNull(answer.InvoiceName(c.acts(), t.Invoice))}
}

func (c *call) showAccount(name string) error {
	st, err := c.st.Standing(name)
	if err != nil {
		return err
	}
	v, err := c.accountDetail(&st)
	if err != nil {
		return err
	}
	if c.json {
		return term.Encode(c.Stdout, v)
	}
	a, plan := &st.Account, st.Plan()
	fields := []term.Field{
		{"account", v.Account},
		{"state", v.stateText()},
		{"plan", words.Plan(&plan)},
		{"term ends", c.end(a.TermEnd()) + ifSo(v.GoesOn, ", and goes on by itself")},
		{"used up", v.usedUp},
	}
	fields = append(fields, c.termFields(v.Bought)...)
	if v.Period != nil {
		fields = append(fields, term.Field{"allowance", v.Allowance.text() + " in " + *v.Period})
	}
	fields = append(fields, c.creditFields(v.Credit, v.Drawn, v.Unit)...)
	fields = append(fields, term.Field{"balance", words.Balance(v.Balance, v.Currency, v.State == string(store.Closed))})
	for i := range v.Invoices {
		in := &v.Invoices[i]
		fields = append(fields, term.Field{"unpaid", c.invoiceText(in)}, term.Field{"pay at", value(in.Link)})
	}
	fields = append(fields, term.Field{"unpaid", owedText(v.Owed)}, term.Field{"pay at", owedLink(v.Owed)}, term.Field{"pay by", owedHow(v.Owed)})
	return term.WriteFields(c.Stdout, append(fields,
		term.Field{"at limit", words.AtLimit(a.Limit(plan), a.OverMax, &plan)},
		term.Field{"contact", a.Contact},
		term.Field{"owner", a.Owner},
		term.Field{"reseller", a.Reseller},
		term.Field{"pays by", a.Method},
		term.Field{"reference", a.Reference},
		term.Field{"agreed to", c.consentText(a.Consent)},
		term.Field{"abuse", ifSo(v.Abuse, "marked: no refund")},
		term.Field{"senders", orElse(strings.Join(v.Senders, ", "), "any")},
		term.Field{"logins", orElse(strings.Join(v.Logins, ", "), "none")},
		term.Field{"networks", strings.Join(v.Networks, ", ")},
		term.Field{"created", c.stamp(v.Created)},
	))
}

// usedUpText is how a month's term that is used up goes on; "": it is not.
func usedUpText(st *store.Standing) string {
	switch {
	case st.Account.State != store.Active || !st.Spent():
		return ""
	case st.Goes:
		return "the next term begins with the next message"
	}
	return "relay account renew " + st.Account.Name + " begins the next term at once"
}

// stateText is the state with the reason of whoever stopped the account.
func (v *accountDetail) stateText() string {
	switch {
	case v.Reason != nil:
		return v.State + ": " + *v.Reason
	case v.Hold != nil:
		for _, i := range v.Invoices {
			if !i.Waits {
				return v.State + ": unpaid invoice " + i.Name
			}
		}
		return v.State + ": " + *v.Hold
	case v.State == string(store.Pending) && len(v.Invoices) == 0:
		return v.State + ": no invoice waits for a payment"
	case v.State == string(store.Pending):
		return v.State + ": it sends when invoice " + v.Invoices[0].Name + " is paid"
	}
	return v.State
}

// termFields are the terms, where there is more than one.
func (c *call) termFields(terms []termView) (list []term.Field) {
	if len(terms) < 2 {
		return nil
	}
	for i, t := range terms {
		text := fmt.Sprintf("%s, %s to %s", t.Plan, c.day(t.Start), c.lastDay(t.End))
		if t.Invoice != nil {
			text += ", invoice " + *t.Invoice
		}
		list = append(list, term.Field{ifSo(i == 0, "terms"), text})
	}
	return list
}

// lastDay before an end that is excluded.
func (c *call) lastDay(end time.Time) string { return c.day(quota.LastDay(end, c.st.Zone())) }

// lastDayOf is lastDay, or - where there is no end.
func (c *call) lastDayOf(end time.Time) string {
	if end.IsZero() {
		return "-"
	}
	return c.lastDay(end)
}

// end of a term for people: its last day, where that is a whole one.
func (c *call) end(t time.Time) string {
	local := t.In(c.st.Zone())
	if t.IsZero() || !local.Equal(time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, local.Location())) {
		return c.stamp(t)
	}
	return "at the end of " + c.lastDay(t)
}

// creditFields are a line a lot.
func (c *call) creditFields(lots []lotView, drawn int64, unit string) (list []term.Field) {
	for i, l := range lots {
		list = append(list, term.Field{ifSo(i == 0, "credit"), fmt.Sprintf("%s %s (%s)", words.Units(l.Units, unit), c.through(l.Expires), l.Lot)})
	}
	if drawn > 0 {
		list = append(list, term.Field{"", "of it used in this period: " + words.Units(drawn, unit)})
	}
	return list
}

// invoiceText is an open invoice in one line.
func (c *call) invoiceText(i *answer.Payable) string {
	due := "due"
	if i.Overdue {
		due = "was due"
	}
	return fmt.Sprintf("invoice %s, %s, %s, %s %s", i.Name, i.Kind, c.amount(i.Open), due, c.day(i.Due))
}

func (c *call) stamp(t time.Time) string { return words.Stamp(t, c.st.Zone()) }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
