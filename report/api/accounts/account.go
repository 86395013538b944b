package accounts

import (
	"cmp"
	"context"
	"time"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/standing"
)

// Account is an account as lists and changes show it. What there is none of is null.
type Account struct {
	Account   string      `json:"account"`
	Plan      string      `json:"plan"`
	Terms     answer.Plan `json:"terms" doc:"The plan as it was bought."`
	State     string      `json:"state" doc:"pending, active, suspended, expired or closed."`
	Reason    *string     `json:"reason" doc:"Of the operator's suspension."`
	Cause     *string     `json:"cause" doc:"Of its suspension; null: it is not suspended. abuse: too much came back of its mail. unpaid: an invoice. operator: somebody suspended it, reason says why."`
	Hold      *string     `json:"hold" doc:"Why the system holds it back: unpaid."`
	Contact   *string     `json:"contact"`
	Billing   *string     `json:"billing_contact" doc:"Where orders, invoices and receipts go; null: to the contact."`
	AbuseMail *string     `json:"abuse_contact" doc:"Is told too when the account is suspended for abuse."`
	Language  *string     `json:"language" doc:"Of mail to the customer; null: as the configuration says."`
	Notify    []string    `json:"notify" doc:"Topics by choice that it is told about."`
	AtLimit   string      `json:"at_limit"`
	OverMax   *int64      `json:"over_max" doc:"Octets of overage in a month, where it continues; null: no ceiling."`
	Senders   []string    `json:"senders" doc:"Empty: any."`
	Pool      *string     `json:"pool" doc:"Of sources that its mail leaves by; null: those of all that have none."`
	Profile   *string     `json:"profile" doc:"How much of what providers take its mail may use: prudent, normal or full; null: as the configuration says."`
	Auth      string      `json:"auth" enum:"warn,refuse" doc:"What follows when nothing proves to receivers who a message is from: warn (it is taken and remarked) or refuse."`
	Owner     *string     `json:"owner" doc:"Customer."`
	Reseller  *string     `json:"reseller"`
	Abuse     bool        `json:"abuse" doc:"No refund."`
	Balance   int64       `json:"balance" doc:"Minor units; negative: owed."`
	Currency  string      `json:"currency"`
	Created   time.Time   `json:"created"`
	Activated *time.Time  `json:"activated"`
	TermEnd   *time.Time  `json:"term_end" doc:"It sends until then."`

	Method    *string  `json:"method,omitempty" doc:"How it pays."`
	Reference *string  `json:"reference,omitempty" doc:"The customer's own text."`
	Consent   *Consent `json:"consent,omitempty" doc:"To the operator's terms."`
	FirstCap  int      `json:"first_cap,omitempty" doc:"Recipients a day that it may reach by MX for the first time, where it has a number of its own; -1: any number."`
	Service   bool     `json:"service_signature,omitempty" doc:"Mail bears a second signature, of the operator's domain."`
	VERP      bool     `json:"verp,omitempty" doc:"Reports about its mail come back to relay, which passes them on."`
}

// Consent is the version of the terms that a customer agreed to, and when.
type Consent struct {
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
}

func accountOf(st *standing.Standing, currency string) Account {
	a, plan := &st.Account, st.Plan()
	v := Account{
		Account: a.Name, Plan: plan.Name, Terms: answer.PlanOf(&plan, currency), State: st.State(), Reason: field.OrNull(a.Reason),
		Cause: field.OrNull(causeOf(a)), Hold: field.OrNull(a.Hold), Contact: field.OrNull(a.Contact), AtLimit: string(a.Limit(plan)), OverMax: field.Ceiling(plan.Ceiling(a.OverMax)),
		Senders: field.OrNone(a.Senders), Pool: field.OrNull(a.Pool), Profile: field.OrNull(a.Profile), Auth: cmp.Or(a.Auth, AuthWarn), Owner: field.OrNull(a.Owner), Reseller: field.OrNull(a.Reseller), Abuse: a.Abuse, Balance: a.Balance,
		Currency: currency, Created: a.Created, Method: field.OrNull(a.Method), Reference: field.OrNull(a.Reference),
		Activated: field.OrNull(a.Activated()), TermEnd: field.OrNull(a.TermEnd()),
		Service: a.ServiceSignature, VERP: a.VERP, FirstCap: a.FirstCap,
	}
	v.Billing, v.AbuseMail, v.Language = field.OrNull(a.BillingContact), field.OrNull(a.AbuseContact), field.OrNull(a.Language)
	v.Notify = topicNames(a.Notified())
	if a.Consent.Version != "" {
		v.Consent = &Consent{a.Consent.Version, a.Consent.Time}
	}
	return v
}

// causeOf is why an account is suspended, as a word; "": it is not.
func causeOf(a *books.Account) string {
	switch {
	case a.State == ledger.Suspended && a.Cause == ledger.CauseAbuse:
		return string(ledger.CauseAbuse)
	case a.State == ledger.Suspended:
		return "operator"
	}
	return a.Hold
}

// AccountDetail is all of one account.
type AccountDetail struct {
	Account
	Logins    []string          `json:"logins"`
	Networks  []string          `json:"networks"`
	Access    []LoginUse        `json:"access" doc:"Its logins, and from where they were used."`
	Period    *string           `json:"period" doc:"That runs."`
	Allowance *answer.Allowance `json:"allowance" doc:"Of the period."`
	Bought    []answer.Term     `json:"bought" doc:"Terms, by time."`
	Credit    []answer.Lot      `json:"credit" doc:"In the order of use; of the running period nothing is drawn yet."`
	Drawn     int64             `json:"drawn" doc:"Of the credit, in the running period."`
	Unit      string            `json:"unit" doc:"Of credit: bytes or e-mails."`
	Invoices  []answer.Payable  `json:"invoices" doc:"Open ones."`
	GoesOn    bool              `json:"goes_on" doc:"Renews automatically at the end of the last term."`
	UsedUp    bool              `json:"used_up" doc:"The running term, of 30 days, has nothing left."`
	NextTerm  string            `json:"next_term,omitempty" doc:"What begins the next term, when the running one is used up: message or renewal."`
	Owed      *answer.Owed      `json:"owed,omitempty" doc:"Without an invoice."`
	Kept      *Kept             `json:"kept" doc:"What waits in the queue while it is suspended; null: it is not."`
	Returns   []Return          `json:"returns" doc:"What came back of its mail, by sign and window; empty: nothing."`
	Record    *Record           `json:"record" doc:"What its mail by MX came to; null: the relay's mail goes by a smarthost."`
}

// What begins the term after one that is used up.
const (
	ByMessage = "message" // the next one that is sent
	ByRenewal = "renewal" // which has to be ordered
)

// Name is a request on one account.
type Name struct {
	Account string `path:"account"`
}

// Show is the act that shows one account.
var Show = act.New(act.Spec{Name: "account show", Route: "GET /v1/accounts/{account}", Summary: "One account, its logins and networks",
	May: act.Operator | act.Reseller}, show)

func show(ctx context.Context, s *act.Service, in *Name) (*AccountDetail, error) {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	return detail(s, in.Account)
}

func detail(s *act.Service, name string) (*AccountDetail, error) {
	st, e0 := s.Store.Standings.Standing(name)
	a := &st.Account
	creds, e1 := s.Store.People.Credentials(name)
	nets, e2 := s.Store.People.Networks(name)
	open, e3 := answer.OpenInvoices(s, name)
	record, e6 := recordOf(s, name)
	kept, e7 := keptOf(s, name)
	returns, e8 := returnsOf(s, name)
	owed, e4 := s.Store.Orders.Debt(name)
	goes, e5 := s.Store.Books.GoesOn(a)
	uses, e9 := usesOf(s, creds)
	if err := cmp.Or(e0, e1, e2, e3, e4, e5, e6, e7, e8, e9); err != nil {
		return nil, err
	}
	v := &AccountDetail{Account: accountOf(&st, s.Store.Books.Currency()), Logins: []string{}, Networks: []string{}, Bought: []answer.Term{},
		Credit: answer.LotsOf(st.Live), Drawn: st.Use().Drawn, Unit: st.Plan().Unit(), Invoices: open,
		GoesOn: goes, UsedUp: st.Spent(), NextTerm: nextTerm(&st), Owed: answer.OwedBy(s, name, owed), Kept: kept, Returns: returns, Record: record, Access: uses}
	if st.InTerm {
		v.Period, v.Allowance = &st.Period.Key, answer.AllowanceOf(st.InPeriod())
	}
	for i := range a.Contracts {
		v.Bought = append(v.Bought, answer.TermOf(s, &a.Contracts[i]))
	}
	for _, cred := range creds {
		v.Logins = append(v.Logins, cred.Login)
	}
	for _, n := range nets {
		v.Networks = append(v.Networks, n.Prefix.String())
	}
	return v, nil
}

func nextTerm(st *standing.Standing) string {
	switch {
	case st.Account.State != ledger.Active || !st.Spent():
		return ""
	case st.Goes:
		return ByMessage
	}
	return ByRenewal
}

// unbilled reports an account that goes on at the limit of a plan without blocks: nothing
// bounds what it sends, and nothing bills it.
func unbilled(limit quota.AtLimit, p quota.Plan) bool {
	return limit == quota.Continue && p.Allows(limit) && !p.Bills()
}
