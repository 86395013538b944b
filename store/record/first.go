package record

// First limits how many recipients a day an account may reach that it never wrote to. What
// is over the cap is planned for a later day: in order, as many a day as the cap will then
// be if all days are clean. If they are not, some of a day's plan cannot go when its day
// comes, and is planned anew, behind the others.
type First struct {
	Cap     int `json:"cap,omitempty"`     // recipients a day; 0: the first day's cap
	Used    int `json:"used,omitempty"`    // of the cap, today
	Last    int `json:"last,omitempty"`    // the last day that something is planned for
	Planned int `json:"planned,omitempty"` // recipients on that day
}

// StartCap is the cap of the first day, unless the operator says otherwise.
const StartCap = 200

// Uncapped is a cap beyond which nothing is counted any more.
const Uncapped = 1_000_000

// turn begins another day. The cap doubles after a clean day on which at least half of it
// was used.
func (f *First) turn(clean, forward bool, day int) {
	if clean && f.Used*2 >= f.Cap {
		f.Cap = min(2*f.Cap, Uncapped)
	}
	f.Used = 0
	if !forward {
		f.Last = min(f.Last, day)
	}
}

// Bound keeps the cap between what the first day has and most (0: no limit).
func (f *First) Bound(begin, most int) {
	if f.Cap = max(f.Cap, begin); most > 0 {
		f.Cap = min(f.Cap, most)
	}
}

// Reserve plans one more recipient and returns the number of its day. If that is today's,
// it has used the cap.
func (r *Record) Reserve(most int) int {
	f, today := &r.First, r.Today.Number
	if f.Last < today {
		f.Last, f.Planned = today, f.Used
	}
	if f.Last == today {
		f.Planned = max(f.Planned, f.Used)
	}
	if f.Planned >= r.capOn(f.Last, most) {
		f.Last, f.Planned = f.Last+1, 0
	}
	f.Planned++
	if f.Last == today {
		f.Used++
	}
	return f.Last
}

// Grant lets a recipient go today that was planned, if the cap allows it.
func (r *Record) Grant() bool {
	if r.First.Used >= r.First.Cap {
		return false
	}
	r.First.Used++
	return true
}

// Forget drops the plan, so that what waits can be planned anew from today on.
func (r *Record) Forget() { r.First.Last, r.First.Planned = 0, 0 }

// capOn is the cap on a day if all days until then are clean.
func (r *Record) capOn(day, most int) int {
	limit := r.First.Cap
	days := day - r.Today.Number
	if !r.Today.fair() {
		days--
	}
	for ; days > 0 && limit < Uncapped; days-- {
		limit *= 2
	}
	if most > 0 {
		limit = min(limit, most)
	}
	return max(limit, r.First.Cap)
}
