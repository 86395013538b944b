package record

// Record is what an account's mail came to, day by day.
type Record struct {
	Delivered int64 `json:"delivered,omitempty"` // recipients on clean days
	Clean     int   `json:"clean,omitempty"`     // days
	Proven    bool  `json:"proven,omitempty"`    // not new any more
	Today     Day   `json:"today,omitzero"`
	First     First `json:"first,omitzero"`
	Slow      int   `json:"slow,omitempty"` // clean days until it goes at its own pace again; 0: it does
}

// Day sums up one day of an account.
type Day struct {
	Number    int   `json:"number,omitempty"`
	Delivered int64 `json:"delivered,omitempty"`
	Unknown   int64 `json:"unknown,omitempty"`
	Complaint int64 `json:"complaint,omitempty"`
	Bad       bool  `json:"bad,omitempty"` // it was held somewhere, or blamed
}

// An account is proven from these on: recipients, and days.
const (
	ProvenRecipients = 1000
	ProvenDays       = 7
)

// Shares above which mail goes wrong, and the least complaints for that: one is an accident.
const (
	MostUnknown    = 0.05
	MostComplaints = 0.001
	FewComplaints  = 3
)

// Clean reports whether mail was delivered on that day, and hardly any of it went wrong.
func (d *Day) Clean() bool { return d.Delivered > 0 && d.fair() }

// fair reports whether nothing speaks against a day so far.
func (d *Day) fair() bool {
	all := float64(d.Delivered + d.Unknown)
	return !d.Bad && float64(d.Unknown) <= MostUnknown*all &&
		(d.Complaint < FewComplaints || float64(d.Complaint) <= MostComplaints*float64(d.Delivered))
}

// Turn closes Today if day is another one. Call it before anything else of the record is
// used. A clock that was set back makes no day count twice.
func (r *Record) Turn(day int) {
	if day == r.Today.Number {
		return
	}
	forward, clean := day > r.Today.Number, r.Today.Clean()
	if forward && clean {
		r.Clean++
		r.Delivered += r.Today.Delivered
		r.Slow = max(0, r.Slow-1)
	}
	r.Proven = r.Proven || r.Clean >= ProvenDays && r.Delivered >= ProvenRecipients
	r.First.turn(forward && clean, forward, day)
	r.Today = Day{Number: day}
}

// SlowDays is how many clean days an account needs after it was slowed down.
const SlowDays = 7

// SlowDown has the account go as slowly as a new one, until it has had clean days.
func (r *Record) SlowDown() { r.Slow, r.Today.Bad = SlowDays, true }
