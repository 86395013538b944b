package quota

import "strings"

// Why an order is not possible.
type Why string

const (
	WhyEnded     Why = "ended"     // the contract is over
	WhyRetired   Why = "retired"   // the plan is not sold any more
	WhyKind      Why = "kind"      // the plans do not count the same
	WhyTerm      Why = "term"      // the plans do not run for the same term
	WhySmaller   Why = "smaller"   // the other plan allows no more, or in one way less
	WhyCheaper   Why = "cheaper"   // the other plan costs less
	WhyUnlimited Why = "unlimited" // there is no limit to add to
	WhyNoBlock   Why = "no block"  // the plan has no such block
	WhyLate      Why = "late"      // after the thirtieth day
	WhyLater     Why = "later"     // it is not the first term of the account
	WhyOverage   Why = "overage"   // there was overage in the term
	WhyAbuse     Why = "abuse"     // the account was marked for abuse
	WhyUsedUp    Why = "used up"   // nothing is left of a month's term: it is renewed
	WhyOrdered   Why = "ordered"   // an account waits for it
)

// Refusal says why an order is not possible. It is an answer, not a fault; the
// quote beside it says what it would have come to.
type Refusal struct {
	Order   string // "upgrade", "top-up", "block", "refund"; of the store's "order", "plan", "cancel"
	Reasons []Reason
}

// Reason is a word for programs, with the figures that the order and the Why need to be
// put into a sentence; report/words does that.
type Reason struct {
	Why Why

	From, To  Plan   // that the account has, and that was ordered; of no Name: it is not about that
	Day, Last int64  // of the term: today, and the last day for a refund
	Units     int64  // of To, that would be overage
	Since     string // date in the operator's zone from which on they were sent
	Invoice   string // as it was issued
	Account   string
}

// Refuse for one reason.
func Refuse(order string, r Reason) *Refusal {
	return &Refusal{Order: order, Reasons: []Reason{r}}
}

// Error is for logs and programs: it has no sentences.
func (r *Refusal) Error() string {
	list := make([]string, len(r.Reasons))
	for i, reason := range r.Reasons {
		list[i] = string(reason.Why)
	}
	return r.Order + " refused: " + strings.Join(list, ", ")
}

// For reports whether why is one of the reasons.
func (r *Refusal) For(why Why) bool {
	for _, reason := range r.Reasons {
		if reason.Why == why {
			return true
		}
	}
	return false
}

func (r *Refusal) add(bad bool, reason Reason) {
	if bad {
		r.Reasons = append(r.Reasons, reason)
	}
}

// err is nil where there is no reason.
func (r *Refusal) err() error {
	if len(r.Reasons) == 0 {
		return nil
	}
	return r
}
