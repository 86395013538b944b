package quota

import "time"

// refundDays is how long a term can be given back, its first day being day 1 (M20).
// Where a clock change makes these days short, it is as many times 24 hours.
const refundDays = 30

// Refunding is a contract that a customer wants to give back.
type Refunding struct {
	Contract Contract
	Paid     int64 // for the contract, with its upgrades and what was bought on top; minor units
	Later    bool  // it is not the first term of the account
	Overage  bool  // in any period of the contract, the running one included
	Abuse    bool  // the account is marked
}

// Refund is what is paid back, in full, at now (M20). Days are dates in zone. It is
// refused, with a *Refusal that names every reason beside what would have been paid
// back, from the 31st day on, unless 30 times 24 hours are not over yet, for any but
// the first term of an account, after overage and after abuse.
func Refund(in Refunding, now time.Time, zone *time.Location) (amount int64, err error) {
	day := dayNumber(now, zone) - dayNumber(in.Contract.Start, zone) + 1
	r := &Refusal{Order: "refund"}
	over := !now.Before(in.Contract.Start.Add(refundDays * 24 * time.Hour))
	r.add(over && day > refundDays, Reason{Why: WhyLate, Day: day, Last: refundDays})
	r.add(in.Later, Reason{Why: WhyLater})
	r.add(in.Overage, Reason{Why: WhyOverage})
	r.add(in.Abuse, Reason{Why: WhyAbuse})
	return in.Paid, r.err()
}
