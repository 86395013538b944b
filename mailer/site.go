package mailer

import (
	"time"

	"relay/mailer/pace"
	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/source"
	"relay/store"
)

// Most messages that are claimed ahead of a site's connections, and of a site
// that no connection was made to yet.
const (
	maxAhead  = 128
	coldAhead = 50
)

// site is a place as one source sees it: what shares connections and limits. Only the
// goroutine of schedule.run touches it, except for the fields that never change.
type site struct {
	*place
	origin *origin

	row   *pace.Row             // of its provider; nil with a fault
	gate  *pace.Site            // the ceiling of our source there
	gates map[string]*pace.Gate // of accounts whose pace is another one, by name; of those of a profile together, by its name
	has   profiles              // accounts with lanes, by profile
	rests bool                  // its lanes wait for a ceiling, and take no place in the window
	heard stats

	warm    *warmth       // of the source at the provider; nil: there is none, or it needs none
	shunned time.Time     // other sources are taken before this one until then, see shun
	shuns   time.Duration // how long that was last

	turns    fifo[*turn]      // accounts that have lanes to ask for, in turn
	accounts map[string]*turn // by name; nil: none
	lanes    int              // of all accounts

	queue rota[*job] // claimed, waiting for a connection
	asked int        // asked of the store and not answered yet

	workers int       // connections, and those being made
	open    int       // of them, those that were made
	idle    []*worker // that wait for a message; the last is the freshest
	limit   int       // connections allowed now, grows up to what the gate has
	ceiling int       // up to which it grows for now; 0: no other
	eased   time.Time // when the ceiling was set or raised
	ahead   int       // messages claimed ahead, grows up to maxAhead

	up       bool      // the last connection was made
	failures int       // in a row, of all next hops, until one takes a transaction
	until    time.Time // not tried before
	why      string    // the last failure

	dirty, hungry bool            // stands in the list of that name in schedule
	waiting       map[string]bool // accounts in whose turn it stands there; nil: none
}

func newSite(p *place, o *origin) *site {
	return &site{place: p, origin: o, limit: 1, gate: pace.NewSite(pace.Limits{Connections: 1}, pace.State{})}
}

// job is a message on its way to a site: the claims of all its domains there
// that were claimed together.
type job struct {
	site    *site
	path    *route.Path
	fault   *route.Error
	from    *source.Source
	message *store.Message
	claims  []store.Claimed
	claimed time.Time // monotonic
	again   bool      // Dialled comes before the dial, see store.Claimed
	passed  int       // how often a connection that could not be made passed it on

	sends int    // transactions, since it was begun; 0: it was not
	warm  string // key of the warm-up that counts them; "": none does

	provider string // whose row held when it was claimed; "": there is no way

	limits pace.Limits   // of the site when it was begun
	waited bool          // a ceiling kept it since it was accepted
	terms  *policy.Terms // of its domains, which all ask the same; nil: nothing
	stops  bool          // a 421 ends the attempt: no other host of the site is asked
	gate   *pace.Gate    // of the account, when it was begun; nil: it has none
}

// down reports whether the site is left alone after failures. A block that is longer
// than any is one from before the clock was set back.
func (s *site) down(now time.Time) bool {
	return now.Before(s.until) && s.until.Sub(now) <= maxBlock
}

// blocked reports whether the site is left alone: it is down, or told us to stop, or its
// source may send nothing there now.
func (s *site) blocked(now time.Time) bool {
	return s.down(now) || s.gate.Stopped(now) || s.cold(now) || !s.origin.usable(now)
}

// back is when a site that is blocked is tried again.
func (s *site) back(now time.Time) time.Time {
	at := s.until
	if s.gate.Stopped(now) {
		at = later(at, s.gate.Next(now))
	}
	if s.cold(now) {
		at = later(at, source.Turns(now))
	}
	if !s.origin.usable(now) {
		at = later(at, later(s.origin.Since, now.Add(maxInterval)))
	}
	return at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// join adds a lane, which then stands in its account's turn.
func (s *site) join(l *lane) {
	t := s.accounts[l.Account]
	if t == nil {
		if s.accounts == nil {
			s.accounts = map[string]*turn{}
		}
		t = &turn{site: s, account: l.Account, profile: l.profile}
		s.accounts[l.Account] = t
		s.has.add(t.profile, 1)
	}
	l.turn = t
	t.size++
	s.lanes++
	s.stand(l)
}

// stand puts a lane that is not asked for at the end of its account's lanes.
func (s *site) stand(l *lane) {
	t := l.turn
	t.lanes.push(l)
	if !t.queued {
		t.queued = true
		s.turns.push(t)
	}
}

// leave takes out a lane that does not stand in its turn.
func (s *site) leave(l *lane) {
	s.lanes--
	l.turn.size--
	if l.turn.size == 0 {
		delete(s.accounts, l.Account)
		s.has.add(l.turn.profile, -1)
		if len(s.accounts) == 0 {
			s.accounts = nil // a dead site is small
		}
	}
	l.turn = nil
}

// disband takes out all lanes that are not asked for.
func (s *site) disband() []*lane {
	var all []*lane
	for s.turns.len() > 0 {
		t := s.turns.pop()
		t.queued = false
		for t.lanes.len() > 0 {
			all = append(all, t.lanes.pop())
		}
	}
	for _, l := range all {
		s.leave(l)
	}
	return all
}

// wants is how many messages to ask for now, and how many of one lane at most. What
// is claimed of accounts that are stuck is in nobody's way.
func (s *site) wants(stuck func(account string) bool) (n, each int) {
	if s.turns.len() == 0 {
		return 0, 0
	}
	have := s.queue.len() + s.asked
	if stuck != nil {
		for account := range s.queue.turns.all() {
			if stuck(account) {
				have -= s.queue.count(account)
			}
		}
	}
	switch {
	case s.fault != nil && s.fault.Permanent:
		n, each = coldAhead, coldAhead // nobody is dialled: as many as a transaction carries well
	case s.up:
		n, each = max(2*s.limit, s.ahead), maxAhead
	case s.failures > 0 || s.fault != nil:
		n, each = 1, 1 // a probe
	default:
		n, each = coldAhead, 1 // many lanes may carry one message
	}
	if !s.up && s.workers > 0 && (s.fault == nil || !s.fault.Permanent) {
		return 0, 0 // let the connection that is being made decide
	}
	if have > n/2 {
		return 0, 0
	}
	return n - have, each
}

// ask picks lanes for n messages: the accounts get equal parts, the lanes of an
// account too. spare is how many an account may have; nil: any number.
func (s *site) ask(n, each int, spare func(*turn) int) []*lane {
	turns := s.next(n, spare)
	k := len(turns)
	var picked []*lane
	for i, t := range turns {
		part := share(n, k, i)
		if spare != nil {
			part = min(part, spare(t))
		}
		picked = append(picked, t.ask(part, each)...)
		if t.queued = t.lanes.len() > 0; t.queued {
			s.turns.push(t)
		}
	}
	for _, l := range picked {
		s.asked += l.asked
		l.turn.asked += l.asked
	}
	return picked
}

// next takes the next accounts, n at most, out of their turns.
func (s *site) next(n int, spare func(*turn) int) []*turn {
	list := make([]*turn, 0, min(n, s.turns.len()))
	for range s.turns.len() {
		if len(list) == n {
			break
		}
		t := s.turns.pop()
		if spare != nil && spare(t) <= 0 {
			s.turns.push(t)
			continue
		}
		list = append(list, t)
	}
	return list
}

// grow allows more connections after a success.
func (s *site) grow(now time.Time) {
	top := s.gate.Connections(now)
	if s.ceiling > 0 {
		if now.Sub(s.eased) >= time.Minute {
			s.ceiling++
			s.eased = now
		}
		top = min(top, s.ceiling)
	}
	s.limit = min(2*s.limit, top)
}

// shrink allows no more than n connections for a while.
func (s *site) shrink(n int, now time.Time) {
	s.limit = max(1, n)
	s.ceiling, s.eased = s.limit, now
}

// profiles counts accounts whose profile may be faster than the configuration's.
type profiles struct{ normal, full int }

func (h *profiles) add(p pace.Profile, n int) {
	switch p {
	case pace.Normal:
		h.normal += n
	case pace.Full:
		h.full += n
	}
}

// fastest of them and p.
func (h *profiles) fastest(p pace.Profile) pace.Profile {
	switch {
	case h.full > 0 || p == pace.Full:
		return pace.Full
	case h.normal > 0:
		return pace.Normal
	}
	return p
}

// answered ends what was asked of the store for a lane.
func (s *site) answered(l *lane) {
	s.asked -= l.asked
	l.turn.asked -= l.asked
	l.asked = 0
}

// unused reports whether forgetting the site loses nothing.
func (s *site) unused(now time.Time) bool {
	return s.deserted() && s.gate.AtRest(now) && (s.failures == 0 || now.Sub(s.until) > 6*time.Hour)
}

// deserted reports whether nothing waits for the site, or is under way to it.
func (s *site) deserted() bool {
	return s.lanes == 0 && s.workers == 0 && s.asked == 0 && s.queue.len() == 0
}
