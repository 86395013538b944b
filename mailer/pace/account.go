package pace

import (
	"time"

	"relay/store/record"
)

// Account is the ceiling of one account at one provider. Providers judge senders' domains,
// so replies to this account's mail slow it there, and no other account.
type Account struct{ state Conduct }

// Conduct is the part of an Account that outlives a restart. Zero: nothing is known.
type Conduct struct {
	Share  Level     `json:"share,omitzero"`  // percent of the profile's pace
	Counts Counts    `json:"counts,omitzero"` // of the last days
	Slowed time.Time `json:"slowed,omitzero"` // when it was slowed last
	Held   time.Time `json:"held,omitzero"`   // until then no mail of it goes to the provider
	Since  time.Time `json:"since,omitzero"`  // when the present slowness or hold began
	Why    string    `json:"why,omitempty"`   // a reply, or figures
	Reason Reason    `json:"reason,omitempty"`
}

// Reason says why an account is slowed or held.
type Reason string

// The reasons.
const (
	ForUnknown    Reason = "unknown"    // recipients that do not exist
	ForComplaints Reason = "complaints" // of recipients
	ForBlame      Reason = "blame"      // a reply blames its domain or content
)

// Counts are recipients by outcome. Half of each count is forgotten each day.
type Counts struct {
	Delivered float64   `json:"delivered,omitempty"`
	Unknown   float64   `json:"unknown,omitempty"`
	Complaint float64   `json:"complaint,omitempty"`
	At        time.Time `json:"at,omitzero"`
}

// Shares above which an account is slowed and held, and the least counts for that: one
// wrong address among five is an accident.
const (
	slowUnknown, holdUnknown       = record.MostUnknown, 0.10
	slowComplaints, holdComplaints = record.MostComplaints, 0.003
	fewUnknown, fewComplaints      = 10, record.FewComplaints

	whole     = 100            // percent
	halfLife  = 24 * time.Hour // of Counts
	holdFor   = 24 * time.Hour
	afterHold = 10  // percent, when a hold is over
	unpaced   = 600 // messages a minute on which a share is based if the profile has no rate
)

// Step says whether a note has slowed or held an account.
type Step int

// The steps.
const (
	Same Step = iota
	SlowsDown
	HoldsBack
)

// NewAccount returns an account at a provider, with its stored state.
func NewAccount(was Conduct) *Account { return &Account{state: was} }

// State returns the present state, to be stored.
func (a *Account) State(now time.Time) Conduct {
	a.grow(now)
	return a.state
}

// AtRest reports whether the account is not slowed or held, and no count could lead there
// soon.
func (c *Conduct) AtRest() bool {
	return c.Share.rests() && c.Held.IsZero() && c.Counts.Unknown+c.Counts.Complaint < 1
}

// Held reports whether no mail of the account may go to the provider.
func (a *Account) Held(now time.Time) bool {
	return now.Before(a.state.Held) && a.state.Held.Sub(now) <= holdFor
}

// HeldUntil returns the end of the hold; zero: there is none.
func (a *Account) HeldUntil() time.Time { return a.state.Held }

// Slow reports whether the account has less than its profile's pace.
func (a *Account) Slow(now time.Time) bool {
	a.grow(now)
	return a.state.Share.At > 0
}

// Limits returns the account's present share of its profile's limits.
func (a *Account) Limits(now time.Time, l Limits) Limits {
	a.grow(now)
	share := a.state.Share.value(whole) / whole
	if share == 1 {
		return l
	}
	if l.Rate == 0 {
		l.Rate = unpaced
	}
	l.Rate, l.Connections = max(1, int(float64(l.Rate)*share)), max(1, int(float64(l.Connections)*share))
	return l
}

// Delivered notes recipients that the provider accepted.
func (a *Account) Delivered(now time.Time, n int) {
	a.state.Counts.fade(now)
	a.state.Counts.Delivered += float64(n)
}

// Unknown notes recipients that do not exist.
func (a *Account) Unknown(now time.Time, n int, why string) Step {
	a.state.Counts.fade(now)
	c := &a.state.Counts
	c.Unknown += float64(n)
	return a.judge(now, ForUnknown, why, c.Unknown, c.Unknown+c.Delivered, fewUnknown, slowUnknown, holdUnknown)
}

// Complained notes a recipient's complaint.
func (a *Account) Complained(now time.Time, why string) Step {
	a.state.Counts.fade(now)
	c := &a.state.Counts
	c.Complaint++
	return a.judge(now, ForComplaints, why, c.Complaint, c.Delivered, fewComplaints, slowComplaints, holdComplaints)
}

// Blamed notes a reply that blames the account's domain or content.
func (a *Account) Blamed(now time.Time, why string) Step { return a.slow(now, ForBlame, why) }

// judge slows or holds the account if n is too large a share of all.
func (a *Account) judge(now time.Time, reason Reason, why string, n, all, few, slow, hold float64) Step {
	switch {
	case n < few, n <= slow*all:
		return Same
	case n <= hold*all:
		return a.slow(now, reason, why)
	case a.Held(now):
		return Same
	}
	a.state.Held = now.Add(holdFor)
	a.because(now, reason, why)
	return HoldsBack
}

// slow halves the account's share, once for replies that come within reaction.
func (a *Account) slow(now time.Time, reason Reason, why string) Step {
	a.grow(now)
	if age := now.Sub(a.state.Slowed); age >= 0 && age < reaction || a.Held(now) {
		return Same
	}
	share := a.state.Share.value(whole)
	a.state.Share.cut(now, share, share/2)
	a.because(now, reason, why)
	a.state.Slowed = now
	return SlowsDown
}

func (a *Account) because(now time.Time, reason Reason, why string) {
	if a.state.Since.IsZero() || a.state.Reason != reason {
		a.state.Since = now
	}
	a.state.Reason, a.state.Why = reason, why
}

// Release ends a hold and all slowness, and forgets what led to them.
func (a *Account) Release() { a.state = Conduct{} }

// grow raises the share for the clean time since the last change. After a hold an account
// starts again with a small share, and with half of its bad counts.
func (a *Account) grow(now time.Time) {
	c := &a.state
	if !c.Held.IsZero() && !a.Held(now) {
		c.Share.cut(later(c.Held, c.Share.Calm), whole, afterHold)
		c.Counts.Unknown, c.Counts.Complaint = c.Counts.Unknown/2, c.Counts.Complaint/2
		c.Held = time.Time{}
	}
	if c.Held.IsZero() {
		c.Share.grow(now, whole)
	}
	if c.Share.rests() && c.Held.IsZero() {
		c.Since, c.Why, c.Reason = time.Time{}, "", ""
	}
}

// fade forgets half of the counts a day.
func (c *Counts) fade(now time.Time) {
	for !c.At.IsZero() && now.Sub(c.At) >= halfLife {
		c.Delivered, c.Unknown, c.Complaint = c.Delivered/2, c.Unknown/2, c.Complaint/2
		c.At = c.At.Add(halfLife)
		if c.Delivered+c.Unknown+c.Complaint < 0.5 {
			*c = Counts{}
		}
	}
	if c.At.IsZero() || now.Before(c.At) {
		c.At = now
	}
}
