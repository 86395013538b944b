package answer

import (
	"time"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/books"
	"relay/store/ledger"
)

// Plan is what can be bought, or the terms of an account as they were bought.
type Plan struct {
	Name       string          `json:"name"`
	Kind       quota.Kind      `json:"kind"`
	Term       quota.Term      `json:"term"`
	Emails     *int64          `json:"emails" doc:"A period; null: unlimited."`
	Bandwidth  *int64          `json:"bandwidth" doc:"Octets a period; null: unlimited."`
	Recipients int             `json:"recipients" doc:"In one message."`
	Price      int64           `json:"price" doc:"Minor units a term; 0: free."`
	Currency   string          `json:"currency" doc:"Of all prices."`
	Blocks     []quota.Block   `json:"blocks" doc:"Prices in minor units."`
	CreditStep int64           `json:"credit_step" doc:"Units of the kind."`
	AtLimit    []quota.AtLimit `json:"at_limit_choices" doc:"What an account may choose."`
	OverMax    *int64          `json:"over_max" doc:"Octets of overage in a month, where it is continued; null: no ceiling."`
	GoesOn     bool            `json:"goes_on" doc:"Renews automatically at its end."`
	Dedicated  bool            `json:"dedicated"`
	Retired    bool            `json:"retired"`
	Resale     bool            `json:"resale" doc:"Resellers may order it."`
}

// PlanOf is a plan of the store.
func PlanOf(p *quota.Plan, currency string) Plan {
	return Plan{
		Name: p.Name, Kind: p.Kind(), Term: p.Term, Emails: field.OrUnlimited(p.Emails), Bandwidth: field.OrUnlimited(p.Bandwidth), Recipients: p.MaxRecipients(),
		Price: p.Price, Currency: currency, Blocks: field.OrNone(p.Blocks), CreditStep: p.Step(), AtLimit: p.Choices(), OverMax: field.Ceiling(p.Ceiling(0)),
		GoesOn: p.GoesOn(), Dedicated: p.Dedicated, Retired: p.Retired, Resale: p.Resale,
	}
}

// Quota is the plan as arithmetic and words know it.
func (p *Plan) Quota() quota.Plan {
	q := quota.Plan{Name: p.Name, Term: p.Term, Emails: field.Or0(p.Emails), Bandwidth: field.Or0(p.Bandwidth), Recipients: p.Recipients,
		Price: p.Price, Blocks: p.Blocks, CreditStep: p.CreditStep, AtLimit: p.AtLimit, OverMax: quota.Uncapped,
		Ends: !p.GoesOn, Dedicated: p.Dedicated, Retired: p.Retired, Resale: p.Resale}
	if p.OverMax != nil {
		q.OverMax = *p.OverMax
	}
	return q
}

// Allowance of a period.
type Allowance struct {
	Messages *int64 `json:"messages" doc:"Null: unlimited."`
	Bytes    *int64 `json:"bytes"`
}

// String is the allowance for people; "": none runs.
func (a *Allowance) String() string {
	if a == nil {
		return ""
	}
	return words.Allowance(a.Messages, a.Bytes)
}

// AllowanceOf a plan, or of a plan's share in a period.
func AllowanceOf(p quota.Plan) *Allowance {
	return &Allowance{field.OrUnlimited(p.Emails), field.OrUnlimited(p.Bandwidth)}
}

// Term is a term that was bought.
type Term struct {
	Plan    string    `json:"plan"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Invoice *string   `json:"invoice" doc:"It was bought with."`
}

// TermOf is a contract of an account.
func TermOf(s *act.Service, c *quota.Contract) Term {
	return Term{Plan: c.Plan.Name, Start: c.Start, End: c.End, Invoice: field.OrNull(InvoiceName(s, c.Invoice))}
}

// Lot is credit.
type Lot struct {
	Lot     string    `json:"lot"`
	Units   int64     `json:"units" doc:"Of the plan."`
	Granted time.Time `json:"granted"`
	Expires time.Time `json:"expires"`
}

// LotsOf are lots in their order.
func LotsOf(lots []quota.Lot) []Lot {
	list := make([]Lot, len(lots))
	for i, l := range lots {
		list[i] = Lot{l.Ref, l.Amount, l.Granted, l.Expires}
	}
	return list
}

// Stand has the figures of an account that orders change.
type Stand struct {
	State      *string    `json:"state" doc:"Null: there was no account."`
	Plan       *string    `json:"plan"`
	Allowance  *Allowance `json:"allowance" doc:"Of a period."`
	TermEnd    *time.Time `json:"term_end"`
	Unit       *string    `json:"unit" doc:"Of credit: bytes or e-mails."`
	CreditLeft int64      `json:"credit_left" doc:"Units."`
	Balance    int64      `json:"balance" doc:"Minor units; negative: owed."`
}

// StandOf returns the figures of an account now; of one without a name, that was not added
// yet, they are empty.
func StandOf(s *act.Service, a *books.Account) Stand {
	if a.Name == "" {
		return Stand{}
	}
	now, zone := s.Store.BookTime(), s.Store.Zone()
	p := a.Plan(now)
	is := Stand{State: new(StateOf(a, a.Expired(now, zone))), Plan: field.OrNull(p.Name), TermEnd: field.OrNull(a.TermEnd()),
		CreditLeft: quota.Sum(quota.Live(a.Lots, now)), Balance: a.Balance}
	if p.Name != "" {
		is.Unit = new(p.Unit())
	}
	if p.Name != "" && a.State != ledger.Closed {
		if t := a.Contract(now); t != nil {
			at, _ := t.PeriodAt(now, zone)
			p = p.In(at)
		}
		is.Allowance = AllowanceOf(p)
	}
	return is
}

// States of accounts as people see them: expired is one whose term has ended.
var States = []string{"pending", "active", "suspended", "expired", "closed"}

// StateOf an account.
func StateOf(a *books.Account, expired bool) string {
	if expired {
		return "expired"
	}
	return string(a.Status())
}
