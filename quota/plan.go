package quota

import "slices"

// Term is how long a plan runs.
type Term string

const (
	Year  Term = "year"  // to the day before the anniversary, an allowance for each calendar month, the first one full
	Month Term = "month" // 30 days from activation, one allowance
)

// Kind is what a plan counts over-use in.
type Kind string

const (
	Bandwidth Kind = "bandwidth" // octets (M11)
	Count     Kind = "count"     // e-mails of any size (M12)
)

// AtLimit is what happens when the allowance is used (M14).
type AtLimit string

const (
	Suspend  AtLimit = "suspend"  // mail that does not fit is refused
	Continue AtLimit = "continue" // it is taken and counted as overage
)

// Recipients in one message where a plan does not say (M5).
const DefaultRecipients = 50

// Block is bandwidth that is bought over the allowance (M15).
type Block struct {
	Bytes int64 `json:"bytes"`
	Price int64 `json:"price"` // minor units
}

// Plan is what can be bought. Stored in bucket "plans", key Name, JSON; a
// Contract keeps a copy of it as the terms that were bought, so that a later
// change of the plan does not change a running term. Copies share Blocks and
// AtLimit: replace them, never write into them.
type Plan struct {
	Name       string    `json:"name"`                  // lower case, unique
	Emails     int64     `json:"emails"`                // e-mails a period; 0: no limit
	Bandwidth  int64     `json:"bandwidth"`             // octets a period; 0: no limit
	Term       Term      `json:"term"`                  // year or month
	Recipients int       `json:"recipients"`            // in one message; 0: DefaultRecipients
	Price      int64     `json:"price,omitempty"`       // minor units a term; 0: free
	Blocks     []Block   `json:"blocks,omitempty"`      // for overage or ahead; empty: overage is not billed
	CreditStep int64     `json:"credit_step,omitempty"` // units of the plan; 0: 500 MB, 1 e-mail
	AtLimit    []AtLimit `json:"at_limit,omitempty"`    // what an account may choose; empty: by kind, see Choices
	OverMax    int64     `json:"over_max,omitempty"`    // octets of overage in a period; 0: the largest block, Uncapped: no ceiling; see Ceiling
	Dedicated  bool      `json:"dedicated,omitempty"`   // with a sending address of its own (M10)
	Ends       bool      `json:"ends,omitempty"`        // a year without a price, which otherwise renews automatically
	Retired    bool      `json:"retired,omitempty"`     // not sold any more
	Resale     bool      `json:"resale,omitempty"`      // resellers may order it for the accounts below them (M23)

	Weight int64 `json:"-"` // EmailWeight of the whole, where In has made a share of it; 0: of a plan as it is sold
}

// Kind of the plan: a bandwidth makes it a bandwidth plan, with e-mails or without.
func (p Plan) Kind() Kind {
	if p.Bandwidth != 0 {
		return Bandwidth
	}
	return Count
}

// Unit names what lots and overage of the plan are counted in.
func (p Plan) Unit() string {
	if p.Kind() == Bandwidth {
		return "bytes"
	}
	return "e-mails"
}

// defaultWeight is the size that an e-mail counts for in a bandwidth plan (M11).
const defaultWeight = 10_000

// EmailsFor is how many e-mails a bandwidth plan allows that does not say (M11).
func EmailsFor(bandwidth int64) int64 { return max(bandwidth/defaultWeight, 1) }

// EmailWeight is the number of octets that stand for one e-mail over the
// allowance of a bandwidth plan; 0 in a count plan.
func (p Plan) EmailWeight() int64 {
	switch {
	case p.Kind() == Count:
		return 0
	case p.Weight > 0:
		return p.Weight
	case p.Emails > 0:
		return max(p.Bandwidth/p.Emails, 1)
	}
	return defaultWeight
}

// Step is what credit is rounded down to whole ones of, in units of the plan (M15, M17).
func (p Plan) Step() int64 {
	switch {
	case p.CreditStep > 0:
		return p.CreditStep
	case p.Kind() == Bandwidth:
		return 500 * mb
	}
	return 1
}

// Choices are what an account may choose to happen at the limit. A plan that
// does not say leaves both to yearly bandwidth plans; others always suspend (M14).
func (p Plan) Choices() []AtLimit {
	switch {
	case !p.mayContinue():
		return []AtLimit{Suspend}
	case len(p.AtLimit) > 0:
		return slices.Clone(p.AtLimit)
	}
	return []AtLimit{Suspend, Continue}
}

// Allows reports whether an account may choose a.
func (p Plan) Allows(a AtLimit) bool { return slices.Contains(p.Choices(), a) }

func (p Plan) mayContinue() bool { return p.Term == Year && p.Kind() == Bandwidth }

// GoesOn reports whether a term renews automatically at its end (M19).
func (p Plan) GoesOn() bool { return p.Term == Year && p.Price == 0 && !p.Ends }

// Bills reports whether overage is billed: blocks are needed for it.
func (p Plan) Bills() bool { return len(p.Blocks) > 0 }

// Allowance of one period: a whole one, or that of In.
func (p Plan) Allowance() Allowance { return Allowance{Messages: p.Emails, Bytes: p.Bandwidth} }

// MaxRecipients in one message.
func (p Plan) MaxRecipients() int {
	if p.Recipients == 0 {
		return DefaultRecipients
	}
	return p.Recipients
}
