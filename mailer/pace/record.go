package pace

// Record says whether an account has delivered enough mail on clean days to count as proven
// instead of new. The caller counts days, in one zone.
type Record struct {
	Delivered int64 `json:"delivered,omitempty"` // recipients on clean days
	Clean     int   `json:"clean,omitempty"`     // days
	Proven    bool  `json:"proven,omitempty"`
	Today     Day   `json:"today,omitzero"`
}

// Day sums up one day of an account.
type Day struct {
	Number    int   `json:"number,omitempty"`
	Delivered int64 `json:"delivered,omitempty"`
	Unknown   int64 `json:"unknown,omitempty"`
	Complaint int64 `json:"complaint,omitempty"`
	Bad       bool  `json:"bad,omitempty"` // it was held somewhere, or blamed
}

// What makes an account proven: recipients, and days.
const (
	ProvenRecipients = 1000
	ProvenDays       = 7
)

// Clean reports whether mail was delivered on that day, and hardly any of it went wrong.
func (d *Day) Clean() bool {
	all := float64(d.Delivered + d.Unknown)
	return d.Delivered > 0 && !d.Bad && float64(d.Unknown) <= slowUnknown*all &&
		(d.Complaint < fewComplaints || float64(d.Complaint) <= slowComplaints*float64(d.Delivered))
}

// Turn closes Today if day is a later one. Call it before Today is changed.
func (r *Record) Turn(day int) {
	if day <= r.Today.Number {
		return
	}
	if r.Today.Clean() {
		r.Clean++
		r.Delivered += r.Today.Delivered
	}
	r.Proven = r.Proven || r.Clean >= ProvenDays && r.Delivered >= ProvenRecipients
	r.Today = Day{Number: day}
}

// First limits how many recipients a day an account may reach that it never wrote to.
type First struct {
	Cap  int  `json:"cap,omitempty"`  // recipients a day; 0: the first day's cap
	Day  int  `json:"day,omitempty"`  // the open one
	Used int  `json:"used,omitempty"` // of the cap, on that day
	Bad  bool `json:"bad,omitempty"`  // that day is not clean
}

// FirstCap is the cap of the first day, unless the operator says otherwise.
const FirstCap = 200

// Turn closes the open day if day is a later one. The cap doubles, up to most (0: no
// limit), if that day was clean and at least half of the cap was used.
func (f *First) Turn(day, begin, most int) {
	f.Cap = max(f.Cap, begin)
	if day <= f.Day {
		return
	}
	if f.Used*2 >= f.Cap && !f.Bad {
		f.Cap *= 2
	}
	if most > 0 {
		f.Cap = min(f.Cap, most)
	}
	f.Day, f.Used, f.Bad = day, 0, false
}

// Free returns how many more may be written to today.
func (f *First) Free() int { return max(0, f.Cap-f.Used) }

// Out returns the day on which the last of n waiting recipients can be reached, if all days
// are clean.
func (f *First) Out(n, most int) int {
	day, capacity := f.Day, f.Cap
	for n -= f.Free(); n > 0; n -= capacity {
		day++
		if capacity *= 2; most > 0 {
			capacity = min(capacity, most)
		}
		if capacity <= 0 {
			return day
		}
	}
	return day
}
