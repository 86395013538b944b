package pace

import (
	"math"
	"time"
)

// Site is the ceiling of one source at a site. The caller notes messages and replies; Site
// says how much more may be sent, and when. A reply about rate or reputation halves rate
// and connections, see Level.
type Site struct {
	limits          Limits
	state           State
	messages, opens bucket
	sent            meter
}

// State is the part of a Site that outlives a restart. Zero: the site is at its row.
type State struct {
	Rate   Level     `json:"rate,omitzero"`   // messages a minute
	Conns  Level     `json:"conns,omitzero"`  // connections
	Top    float64   `json:"top,omitempty"`   // of the rate, if the row has none
	Slowed time.Time `json:"slowed,omitzero"` // when it was slowed last
	Until  time.Time `json:"until,omitzero"`  // end of the suspension; zero: there is none
	Since  time.Time `json:"since,omitzero"`  // when the present slowness or suspension began
	Why    string    `json:"why,omitempty"`   // the reply that slowed or suspended last
}

// AtRow reports whether the site is at its row and not suspended.
func (s *State) AtRow() bool { return s.Rate.rests() && s.Conns.rests() && s.Until.IsZero() }

// Last returns the time of the last slowing, or the end of a later suspension.
func (s *State) Last() time.Time { return later(s.Slowed, s.Until) }

const (
	reaction = time.Minute    // replies within it are to mail that was under way already
	maxStop  = 24 * time.Hour // the longest suspension; a longer one means that the clock was set
)

// NewSite returns a site under limits, with its stored state.
func NewSite(l Limits, was State) *Site { return &Site{limits: l, state: was} }

// Limits returns the row's limits.
func (s *Site) Limits() Limits { return s.limits }

// SetLimits puts the site under another row or profile.
func (s *Site) SetLimits(l Limits) { s.limits = l }

// State returns the present state, to be stored.
func (s *Site) State(now time.Time) State {
	s.grow(now)
	return s.state
}

// AtRest reports whether forgetting the site loses nothing.
func (s *Site) AtRest(now time.Time) bool {
	s.grow(now)
	return s.state.AtRow() && !s.messages.full.After(now) && !s.opens.full.After(now)
}

// Stopped reports whether the site is suspended.
func (s *Site) Stopped(now time.Time) bool { return s.state.Stopped(now) }

// Stopped reports whether the site is suspended.
func (s *State) Stopped(now time.Time) bool {
	return now.Before(s.Until) && s.Until.Sub(now) <= maxStop
}

// Rate returns messages a minute now; 0: any number.
func (s *Site) Rate(now time.Time) float64 {
	s.grow(now)
	return s.state.Rate.value(float64(s.limits.Rate))
}

// Connections returns how many may be open at once now.
func (s *Site) Connections(now time.Time) int {
	s.grow(now)
	return int(s.state.Conns.value(float64(s.limits.Connections)))
}

// Any is Free without a limit: more messages than there can be.
const Any = math.MaxInt32

// Free returns how many messages may begin now.
func (s *Site) Free(now time.Time) int {
	rate := s.Rate(now)
	switch {
	case s.Stopped(now):
		return 0
	case rate == 0:
		return Any
	}
	return s.messages.free(now, speedOf(rate))
}

// Next returns when a message may begin, now or later.
func (s *Site) Next(now time.Time) time.Time {
	at := now
	if s.Stopped(now) {
		at = s.state.Until
	}
	if rate := s.Rate(now); rate > 0 {
		at = later(at, s.messages.next(now, speedOf(rate)))
	}
	return at
}

// Send notes that n messages begin: more than one for a message that takes several
// transactions.
func (s *Site) Send(now time.Time, n int) {
	s.sent.add(now, n)
	if rate := s.Rate(now); rate > 0 {
		s.messages.take(now, n, speedOf(rate))
	}
}

// Sent returns about how many messages began in the last minute.
func (s *Site) Sent(now time.Time) float64 { return s.sent.rate(now) }

// MayOpen returns when a connection may be begun, now or later.
func (s *Site) MayOpen(now time.Time) time.Time {
	if s.limits.Opens == 0 {
		return now
	}
	return s.opens.next(now, speedOf(float64(s.limits.Opens)))
}

// Open notes that a connection is begun.
func (s *Site) Open(now time.Time) {
	if s.limits.Opens > 0 {
		s.opens.take(now, 1, speedOf(float64(s.limits.Opens)))
	}
}

// Slow halves rate and connections after a reply about rate or reputation, and reports
// whether it did. Several replies within reaction count once, because they are to mail that
// was under way.
func (s *Site) Slow(now time.Time, why string) bool {
	rate, conns := s.Rate(now), float64(s.Connections(now))
	if s.reacts(now) {
		return false
	}
	if rate == 0 { // the row has none: start from what was sent, which was too much
		rate = max(2, s.sent.rate(now))
		s.state.Top = rate
	}
	s.state.Rate.cut(now, rate, rate/2)
	s.state.Conns.cut(now, conns, math.Floor(conns/2))
	s.slowed(now, why)
	s.messages.empty(now, speedOf(s.state.Rate.At))
	return true
}

// Crowd lowers the connections after a reply that there are too many. left is the number
// open beside the refused one. The rate stays.
func (s *Site) Crowd(now time.Time, left int, why string) bool {
	conns := s.Connections(now)
	if conns == 1 || s.reacts(now) && conns <= left {
		return false
	}
	s.state.Conns.cut(now, float64(conns), float64(min(left, conns-1)))
	s.slowed(now, why)
	return true
}

// Suspend stops the site for a time that follows from a reply. It reports whether that ends
// later than the suspension before.
func (s *Site) Suspend(now time.Time, d time.Duration, why string) bool {
	until := now.Add(min(d, maxStop))
	stopped := s.Stopped(now)
	if stopped && !until.After(s.state.Until) {
		return false
	}
	if !stopped {
		s.state.Since = now
	}
	s.state.Until, s.state.Why = until, why
	return true
}

// Resume ends a suspension and all slowness.
func (s *Site) Resume() { s.state = State{} }

// reacts reports whether the last slowing covers replies that come now: see reaction.
func (s *Site) reacts(now time.Time) bool {
	age := now.Sub(s.state.Slowed)
	return age >= 0 && age < reaction
}

// slowed notes time and reason of a slowing.
func (s *Site) slowed(now time.Time, why string) {
	if s.state.Since.IsZero() {
		s.state.Since = now
	}
	s.state.Slowed, s.state.Why = now, why
}

// grow raises rate and connections for the clean time. Time of a suspension does not count.
func (s *Site) grow(now time.Time) {
	st := &s.state
	if !st.Until.IsZero() && !s.Stopped(now) {
		st.Rate.Calm, st.Conns.Calm = later(st.Rate.Calm, st.Until), later(st.Conns.Calm, st.Until)
		st.Until = time.Time{}
		st.Since = st.Slowed
	}
	if st.Until.IsZero() {
		top := float64(s.limits.Rate)
		if top == 0 {
			top = st.Top
		}
		st.Rate.grow(now, top)
		st.Conns.grow(now, float64(s.limits.Connections))
	}
	if st.AtRow() && !st.Since.IsZero() {
		*st = State{}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
