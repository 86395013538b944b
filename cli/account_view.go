package cli

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"relay/quota"
	"relay/store"
)

// accountView is an account as programs see it.
type accountView struct {
	Account   string     `json:"account"`
	Plan      string     `json:"plan"`
	Terms     quota.Plan `json:"terms"`   // as they were bought; 0: unlimited
	State     string     `json:"state"`   // pending, active, suspended, expired or closed
	Reason    string     `json:"reason"`  // of a suspension
	Contact   string     `json:"contact"` // "": none
	AtLimit   string     `json:"at_limit"`
	Senders   []string   `json:"senders"` // empty: any
	Created   time.Time  `json:"created"`
	Activated time.Time  `json:"activated,omitzero"`
	TermEnd   time.Time  `json:"term_end,omitzero"` // it sends until then
	Logins    []string   `json:"logins,omitempty"`
	Networks  []string   `json:"networks,omitempty"`
}

func (c *call) accountView(a *store.Account) accountView {
	v := accountView{
		Account: a.Name, State: accountState(a, c.now()), Reason: a.Reason, Terms: a.Plan(c.now()),
		Contact: a.Contact, AtLimit: string(a.AtLimit), Senders: a.Senders, Created: a.Created, Activated: a.Activated(),
		TermEnd: a.TermEnd(),
	}
	if v.Senders == nil {
		v.Senders = []string{}
	}
	v.Plan = v.Terms.Name
	return v
}

// accountDetail is all of one account.
type accountDetail struct {
	accountView
	Hold      string         `json:"hold"`     // why the system holds it back: unpaid, or ""
	Owner     string         `json:"owner"`    // customer; "": none
	Reseller  string         `json:"reseller"` // "": none
	Abuse     bool           `json:"abuse"`    // no refund
	Period    string         `json:"period"`   // that runs; "": none
	Bought    []termView     `json:"bought"`   // terms, by time
	Credit    []lotView      `json:"credit"`   // in the order of use; of the running period nothing is drawn yet
	Drawn     int64          `json:"drawn"`    // of it, in the running period
	Unit      string         `json:"credit_unit"`
	Balance   int64          `json:"balance"` // minor units; negative: owed
	Currency  string         `json:"currency"`
	Invoices  []orderInvoice `json:"invoices"` // open ones
	Allowance struct {
		Messages int64 `json:"messages"` // 0: unlimited
		Bytes    int64 `json:"bytes"`
	} `json:"allowance"` // of the period
}

// termView is a term that was bought.
type termView struct {
	Plan    string    `json:"plan"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Invoice string    `json:"invoice"` // "": none
}

// lotView is credit.
type lotView struct {
	Lot     string    `json:"lot"`
	Amount  int64     `json:"amount"` // units of the plan
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

func (c *call) accountDetail(a *store.Account) (accountDetail, error) {
	st, e1 := c.st.Standing(a.Name)
	creds, e2 := c.st.Credentials(a.Name)
	nets, e3 := c.st.Networks(a.Name)
	open, e4 := c.openInvoices(a.Name)
	if err := cmp.Or(e1, e2, e3, e4); err != nil {
		return accountDetail{}, err
	}
	v := accountDetail{accountView: c.accountView(a), Hold: a.Hold, Owner: a.Owner, Reseller: a.Reseller, Abuse: a.Abuse,
		Bought: c.viewTerms(a), Credit: viewLots(st.Live), Drawn: st.Use().Drawn, Unit: a.Plan(c.now()).Unit(),
		Balance: a.Balance, Currency: c.currency(), Invoices: open}
	if st.InTerm {
		v.Period = st.Period.Key
		v.Allowance.Messages, v.Allowance.Bytes = st.Contract.Plan.Emails, st.Contract.Plan.Bandwidth
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
	doc, terms := c.documents(), []termView{}
	for _, t := range a.Contracts {
		v := termView{Plan: t.Plan.Name, Start: t.Start, End: t.End}
		if n, err := doc.ParseNumber(t.Invoice); err == nil {
			v.Invoice = doc.Number(n)
		}
		terms = append(terms, v)
	}
	return terms
}

func (c *call) showAccount(a *store.Account) error {
	v, err := c.accountDetail(a)
	if err != nil {
		return err
	}
	if c.json {
		return encode(c.Stdout, v)
	}
	fields := []field{
		{"account", v.Account},
		{"state", v.stateText()},
		{"plan", planText(&v.Terms)},
		{"term ends", c.stamp(v.TermEnd)},
	}
	fields = append(fields, c.termFields(v.Bought)...)
	if v.Period != "" {
		fields = append(fields, field{"allowance", allowanceText(v.Allowance.Messages, v.Allowance.Bytes) + " in " + v.Period})
	}
	fields = append(fields, c.creditFields(v.Credit, v.Drawn, v.Unit)...)
	fields = append(fields, field{"balance", balanceText(v.Balance, v.Currency)})
	for i := range v.Invoices {
		in := &v.Invoices[i]
		fields = append(fields, field{"unpaid", c.invoiceText(in)}, field{"pay at", in.Link})
	}
	return writeFields(c.Stdout, append(fields,
		field{"at limit", v.AtLimit},
		field{"contact", v.Contact},
		field{"owner", v.Owner},
		field{"reseller", v.Reseller},
		field{"abuse", ifSo(v.Abuse, "marked: no refund")},
		field{"senders", orElse(strings.Join(v.Senders, ", "), "any")},
		field{"logins", orElse(strings.Join(v.Logins, ", "), "none")},
		field{"networks", strings.Join(v.Networks, ", ")},
		field{"created", c.stamp(v.Created)},
	))
}

// stateText is the state with the reason of whoever stopped the account.
func (v *accountDetail) stateText() string {
	switch {
	case v.Reason != "":
		return v.State + ": " + v.Reason
	case v.Hold != "":
		for _, i := range v.Invoices {
			if !i.Waits {
				return v.State + ": unpaid invoice " + i.Invoice
			}
		}
		return v.State + ": " + v.Hold
	case v.State == string(store.Pending) && len(v.Invoices) > 0:
		return v.State + ": it sends when invoice " + v.Invoices[0].Invoice + " is paid"
	}
	return v.State
}

// termFields are the terms, where there is more than one.
func (c *call) termFields(terms []termView) (list []field) {
	if len(terms) < 2 {
		return nil
	}
	for i, t := range terms {
		text := fmt.Sprintf("%s, %s to %s", t.Plan, c.day(t.Start), c.lastDay(t.End))
		if t.Invoice != "" {
			text += ", invoice " + t.Invoice
		}
		list = append(list, field{ifSo(i == 0, "terms"), text})
	}
	return list
}

// lastDay before an end that is excluded.
func (c *call) lastDay(end time.Time) string { return c.day(end.Add(-time.Nanosecond)) }

// creditFields are a line a lot.
func (c *call) creditFields(lots []lotView, drawn int64, unit string) (list []field) {
	for i, l := range lots {
		list = append(list, field{ifSo(i == 0, "credit"), fmt.Sprintf("%s %s (%s)", unitsText(l.Amount, unit), c.through(l.Expires), l.Lot)})
	}
	if drawn > 0 {
		list = append(list, field{"", "of it used in this period: " + unitsText(drawn, unit)})
	}
	return list
}

// invoiceText is an open invoice in one line.
func (c *call) invoiceText(i *orderInvoice) string {
	return fmt.Sprintf("invoice %s, %s, %s, due %s", i.Invoice, i.Kind, c.amount(i.Open), c.day(i.Due))
}

// planText is a plan in one line.
func planText(p *quota.Plan) string {
	emails, bandwidth := "any number of e-mails", "any bandwidth"
	if p.Emails > 0 {
		emails = plural(p.Emails, "e-mail")
	}
	if p.Bandwidth > 0 {
		bandwidth = size(p.Bandwidth)
	}
	return fmt.Sprintf("%s: %s and %s %s, up to %s a message", p.Name, emails, bandwidth, perPeriod(p.Term),
		plural(int64(p.MaxRecipients()), "recipient"))
}

// perPeriod is the stretch of time that the allowance of a term is for.
func perPeriod(t quota.Term) string {
	if t == quota.Month {
		return "in 30 days"
	}
	return "a month"
}

// allowed is text, or that there is no limit.
func allowed(n int64, text string) string {
	if n == 0 {
		return "unlimited"
	}
	return text
}

func (c *call) stamp(t time.Time) string { return stamp(t, c.st.Zone()) }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
