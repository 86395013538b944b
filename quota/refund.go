package quota

import (
	"fmt"
	"time"
)

// refundDays is how long a term can be given back, its first day being day 1 (M20).
const refundDays = 30

// Refunding is a contract that a customer wants to give back.
type Refunding struct {
	Contract Contract
	Paid     int64 // for the contract, with its upgrades and what was bought on top; minor units
	Overage  bool  // in any period of the contract, the running one included
	Abuse    bool  // the account is marked
}

// RefundQuote is what a refund pays back.
type RefundQuote struct {
	Day    int64 // of the contract at now; 0 or less: before its first
	Last   int64 // on which a refund is possible
	Amount int64 // in full; if refused, what would have been paid back
}

// Refund quotes what is paid back, in full, at now (M20). Days are dates in
// zone. It is refused, with a *Refused that names every reason beside the quote,
// from the 31st day on, after overage and after abuse.
func Refund(in Refunding, now time.Time, zone *time.Location) (RefundQuote, error) {
	q := RefundQuote{
		Day:    dayNumber(now, zone) - dayNumber(in.Contract.Start, zone) + 1,
		Last:   refundDays,
		Amount: in.Paid,
	}
	r := &Refused{Order: "refund"}
	r.add(q.Day > q.Last, WhyLate, fmt.Sprintf("it is day %d of the term, the last for a refund was day %d", q.Day, q.Last))
	r.add(in.Overage, WhyOverage, "there was overage in this term")
	r.add(in.Abuse, WhyAbuse, "the account was marked for abuse")
	return q, r.err()
}
