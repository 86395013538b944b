package quota

import (
	"math"
	"time"
)

// MaxOver is where over-use and sums of credit stop being counted: 4.6 EB.
const MaxOver = 1 << 62

// Over is what used exceeds the allowance by, in units of the plan: octets in a
// bandwidth plan, where an e-mail too many stands for EmailWeight octets and the
// worse of both limits counts; e-mails in a count plan. It stops at MaxOver.
func Over(p Plan, used Charge) int64 {
	emails := beyond(p.Emails, used.Messages)
	if p.Kind() == Count {
		return min(emails, MaxOver)
	}
	return min(max(beyond(p.Bandwidth, used.Bytes), times(emails, p.EmailWeight())), MaxOver)
}

func beyond(limit, used int64) int64 {
	limit, ok := Limit(limit)
	if !ok || used <= limit {
		return 0
	}
	return used - limit
}

// times stops at the largest number there is. Neither factor is negative.
func times(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}

// Use is how the use of a running period is met: order of M16.
type Use struct {
	Over    int64 // over the allowance, units of the plan
	Drawn   int64 // of it from credit
	Credit  int64 // what is left of the credit
	Overage int64 // of Over what no credit covers
}

// Split is the Use that used makes of the allowance and of live lots. Nothing is
// written for it while the period runs; its close makes entries of it.
func Split(p Plan, used Charge, live []Lot) Use {
	over, credit := Over(p, used), Sum(live)
	drawn := min(over, credit)
	return Use{Over: over, Drawn: drawn, Credit: credit - drawn, Overage: over - drawn}
}

// Left is what is there to use of an allowance, credit included, in units of the plan:
// of octets no more than the e-mails that are left would weigh. Of no limit it is
// nothing.
func Left(p Plan, used Charge, live []Lot) int64 {
	left := p.Emails
	if left != 0 {
		left = max(max(p.Emails, 0)-used.Messages, 0)
	}
	if p.Kind() == Bandwidth {
		octets := max(max(p.Bandwidth, 0)-used.Bytes, 0)
		if p.Emails != 0 {
			octets = min(octets, times(left, p.EmailWeight()))
		}
		left = octets
	}
	return min(add(left, Split(p, used, live).Credit), MaxOver)
}

// Fits says whether asked may be sent by an account that has used so much of
// the plan in this period and has these live lots: nil, or what is exceeded.
// most is the overage that it may run up, see MayOver. Asking for nothing always
// fits. What cannot be counted fits only where there is no ceiling.
// Renewed is left for the caller, who knows the period.
func Fits(p Plan, used, asked Charge, live []Lot, most int64) *Exceeded {
	if asked == (Charge{}) || most == Endless {
		return nil
	}
	over, credit := Over(p, used.Add(asked)), Sum(live)
	if over == 0 || (over <= add(credit, most) && over < MaxOver) {
		return nil
	}
	return &Exceeded{Allowance: p.Allowance(), Used: used, Asked: asked, Credit: credit, Most: most, Weight: p.EmailWeight()}
}

// Spent reports whether a contract's allowance is used up, which ends a month's
// term (M13): what is left, credit included, is less than one e-mail of the size
// that bandwidth plans reckon with (M11). A year's term has months to come.
func (c Contract) Spent(used Charge, live []Lot) bool {
	return c.Plan.Term == Month && Fits(c.Plan, used, Charge{1, defaultWeight}, live, 0) != nil
}

// Exceeded says why a message does not fit: what was allowed and used, what
// the message would have cost, and when the allowance is renewed.
type Exceeded struct {
	Allowance Allowance
	Used      Charge
	Asked     Charge
	Credit    int64     // beside the allowance in this period, used or not; units of the plan
	Most      int64     // overage beside that, which the account may run up; units of the plan
	Weight    int64     // octets an e-mail over the allowance stands for; 0 in a count plan
	Renewed   time.Time // UTC, start of the next period; zero: not renewed in this term
}

// OverMessages reports whether it is the number of e-mails that does not fit
// (otherwise the bytes do not). Where both do not, it is the one that would
// need more credit.
func (e *Exceeded) OverMessages() bool {
	after := e.Used.Add(e.Asked)
	emails := beyond(e.Allowance.Messages, after.Messages)
	return emails > 0 && (e.Weight == 0 || times(emails, e.Weight) >= beyond(e.Allowance.Bytes, after.Bytes))
}
