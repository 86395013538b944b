package site

import (
	"time"

	"relay/mailer/attempt"
	"relay/mailer/pace"
	"relay/mailer/settings"
	"relay/mailer/source"
	"relay/mailer/turns"
)

// MaxAhead is how many messages are claimed ahead of a site's connections at most.
const MaxAhead = 128

// coldAhead is how many messages are claimed for a site before the first connection to it.
const coldAhead = 50

// MaxInterval is the longest time until what waits is looked at again.
const MaxInterval = time.Minute

// Site is a place as one source sees it: what shares connections and limits. Only the
// goroutine of the schedule touches it, except for the fields that never change.
type Site struct {
	*Place
	Origin *Origin
	Name   string // tells it from all others, in the store too

	Row   *pace.Row             // of its provider; nil with a fault
	Gate  *pace.Site            // the ceiling of our source there
	gates map[string]*pace.Gate // of accounts whose pace is another one, by name; of those of a profile together, by its name
	Has   Profiles              // accounts with lanes, by profile
	Rests bool                  // its lanes wait for a ceiling, and take no place in the window
	Heard stats

	Warm    *Warmth       // of the source at the provider; nil: there is none, or it needs none
	Shunned time.Time     // the place refused the source: others are taken before it until then
	Shuns   time.Duration // how long that was last

	Turns    turns.FIFO[*Turn] // accounts that have lanes to ask for, in turn
	Accounts map[string]*Turn  // by name; nil: none
	Lanes    int               // of all accounts

	Queue turns.Rota[*attempt.Job] // claimed, waiting for a connection
	Asked int                      // asked of the store and not answered yet

	Workers int       // connections, and those being made
	Open    int       // of them, those that were made
	Idle    []*Hand   // that wait for a message; the last is the freshest
	Limit   int       // connections allowed now, grows up to what the gate has
	Ceiling int       // up to which it grows for now; 0: no other
	eased   time.Time // when the ceiling was set or raised
	Ahead   int       // messages claimed ahead, grows up to MaxAhead

	Up       bool      // the last connection was made
	Failures int       // in a row, of all next hops, until one takes a transaction
	Until    time.Time // not tried before
	Why      string    // the last failure

	Dirty, Hungry bool            // stands in the list of that name in the schedule
	Waiting       map[string]bool // accounts in whose turn it stands there; nil: none
}

// New is the site of a source at a place, to which nothing was sent yet.
func New(p *Place, o *Origin) *Site {
	return &Site{Place: p, Origin: o, Name: nameOf(p, o), Limit: 1, Gate: pace.NewSite(pace.Limits{Connections: 1}, pace.State{})}
}

// Down reports whether the site is left alone after failures. A block that is longer
// than any is one from before the clock was set back.
func (s *Site) Down(now time.Time) bool {
	return now.Before(s.Until) && s.Until.Sub(now) <= settings.MaxBlock
}

// Blocked reports whether the site is left alone: it is down, or told us to stop, or its
// source may send nothing there now.
func (s *Site) Blocked(now time.Time) bool {
	return s.Down(now) || s.Gate.Stopped(now) || s.Cold(now) || !s.Origin.Usable(now)
}

// Back is when a site that is blocked is tried again.
func (s *Site) Back(now time.Time) time.Time {
	at := s.Until
	if s.Gate.Stopped(now) {
		at = later(at, s.Gate.Next(now))
	}
	if s.Cold(now) {
		at = later(at, source.Turns(now))
	}
	if !s.Origin.Usable(now) {
		at = later(at, later(s.Origin.Since, now.Add(MaxInterval)))
	}
	return at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Fail leaves a site alone for an interval that grows with its failures.
func (s *Site) Fail(why string, now time.Time, cfg *settings.Config) {
	s.Up, s.Limit, s.Ceiling, s.Ahead = false, 1, 0, 0
	s.Failures++
	s.Why = why
	s.Until = now.Add(cfg.Block(s.Failures))
	if s.Owner != nil {
		s.Owner.Expires = s.Until
	}
}

// Join adds a lane, which then stands in its account's turn.
func (s *Site) Join(l *Lane) {
	t := s.Accounts[l.Account]
	if t == nil {
		if s.Accounts == nil {
			s.Accounts = map[string]*Turn{}
		}
		t = &Turn{Site: s, Account: l.Account, Profile: l.Profile}
		s.Accounts[l.Account] = t
		s.Has.add(t.Profile, 1)
	}
	l.Turn = t
	t.Size++
	s.Lanes++
	s.Stand(l)
}

// Stand puts a lane that is not asked for at the end of its account's lanes.
func (s *Site) Stand(l *Lane) {
	t := l.Turn
	t.lanes.Push(l)
	if !t.queued {
		t.queued = true
		s.Turns.Push(t)
	}
}

// Leave takes out a lane that does not stand in its turn.
func (s *Site) Leave(l *Lane) {
	s.Lanes--
	l.Turn.Size--
	if l.Turn.Size == 0 {
		delete(s.Accounts, l.Account)
		s.Has.add(l.Turn.Profile, -1)
		if len(s.Accounts) == 0 {
			s.Accounts = nil // a dead site is small
		}
	}
	l.Turn = nil
}

// Disband takes out all lanes that are not asked for.
func (s *Site) Disband() []*Lane {
	var all []*Lane
	for s.Turns.Len() > 0 {
		t := s.Turns.Pop()
		t.queued = false
		for t.lanes.Len() > 0 {
			all = append(all, t.lanes.Pop())
		}
	}
	for _, l := range all {
		s.Leave(l)
	}
	return all
}

// Wants is how many messages to ask for now, and how many of one lane at most. What
// is claimed for accounts that are stuck does not count.
func (s *Site) Wants(stuck func(account string) bool) (n, each int) {
	if s.Turns.Len() == 0 {
		return 0, 0
	}
	have := s.Queue.Len() + s.Asked
	if stuck != nil {
		for account := range s.Queue.Accounts() {
			if stuck(account) {
				have -= s.Queue.Count(account)
			}
		}
	}
	switch {
	case s.Fault != nil && s.Fault.Permanent:
		n, each = coldAhead, coldAhead // nobody is dialled: as many as a transaction carries well
	case s.Up:
		n, each = max(2*s.Limit, s.Ahead), MaxAhead
	case s.Failures > 0 || s.Fault != nil:
		n, each = 1, 1 // a probe
	default:
		n, each = coldAhead, 1 // many lanes may carry one message
	}
	if !s.Up && s.Workers > 0 && (s.Fault == nil || !s.Fault.Permanent) {
		return 0, 0 // let the connection that is being made decide
	}
	if have > n/2 {
		return 0, 0
	}
	return n - have, each
}

// Ask picks lanes for n messages: the accounts get equal parts, the lanes of an
// account too. spare is how many an account may have; nil: any number.
func (s *Site) Ask(n, each int, spare func(*Turn) int) []*Lane {
	turns := s.next(n, spare)
	k := len(turns)
	var picked []*Lane
	for i, t := range turns {
		part := share(n, k, i)
		if spare != nil {
			part = min(part, spare(t))
		}
		picked = append(picked, t.ask(part, each)...)
		if t.queued = t.lanes.Len() > 0; t.queued {
			s.Turns.Push(t)
		}
	}
	for _, l := range picked {
		s.Asked += l.Asked
		l.Turn.Asked += l.Asked
	}
	return picked
}

// next takes the next accounts, n at most, out of their turns.
func (s *Site) next(n int, spare func(*Turn) int) []*Turn {
	list := make([]*Turn, 0, min(n, s.Turns.Len()))
	for range s.Turns.Len() {
		if len(list) == n {
			break
		}
		t := s.Turns.Pop()
		if spare != nil && spare(t) <= 0 {
			s.Turns.Push(t)
			continue
		}
		list = append(list, t)
	}
	return list
}

// Grow allows more connections after a success.
func (s *Site) Grow(now time.Time) {
	top := s.Gate.Connections(now)
	if s.Ceiling > 0 {
		if now.Sub(s.eased) >= time.Minute {
			s.Ceiling++
			s.eased = now
		}
		top = min(top, s.Ceiling)
	}
	s.Limit = min(2*s.Limit, top)
}

// Shrink allows no more than n connections for a while.
func (s *Site) Shrink(n int, now time.Time) {
	s.Limit = max(1, n)
	s.Ceiling, s.eased = s.Limit, now
}

// Profiles counts accounts whose profile may be faster than the configuration's.
type Profiles struct{ normal, full int }

func (h *Profiles) add(p pace.Profile, n int) {
	switch p {
	case pace.Normal:
		h.normal += n
	case pace.Full:
		h.full += n
	}
}

// Fastest of them and p.
func (h *Profiles) Fastest(p pace.Profile) pace.Profile {
	switch {
	case h.full > 0 || p == pace.Full:
		return pace.Full
	case h.normal > 0:
		return pace.Normal
	}
	return p
}

// Answered ends what was asked of the store for a lane.
func (s *Site) Answered(l *Lane) {
	s.Asked -= l.Asked
	l.Turn.Asked -= l.Asked
	l.Asked = 0
}

// Unused reports whether forgetting the site loses nothing.
func (s *Site) Unused(now time.Time) bool {
	return s.Deserted() && s.Gate.AtRest(now) && (s.Failures == 0 || now.Sub(s.Until) > 6*time.Hour)
}

// Deserted reports whether nothing waits for the site, or is under way to it.
func (s *Site) Deserted() bool {
	return s.Lanes == 0 && s.Workers == 0 && s.Asked == 0 && s.Queue.Len() == 0
}
