package mailer

import (
	"slices"
	"time"

	"relay/mailer/pace"
	"relay/store"
)

// A message waits for a ceiling in the store: no claim, no connection and no goroutine
// waits with it. So a site asks for no more messages than may begin now, and an alarm
// wakes it when the next one may. Its lanes stand in their turns meanwhile, but take no
// place of others in the window.

const (
	restingWindows = 2 // as many lanes that wait for a ceiling are in memory; more, of sites that have none
	profileLife    = time.Minute
	longWait       = time.Second // for a ceiling, for which nothing stays claimed
	maxWoken       = 64          // sites in one step
)

// setPace gives a site the row and the limits that are in force.
func (s *schedule) setPace(t *site) {
	cfg := s.m.config()
	if t.row == nil {
		t.gate = pace.NewSite(pace.Limits{Connections: 1}, s.kept.take(t))
	}
	t.row = cfg.rowOf(t.path)
	l := cfg.limits(t.row, t.has.fastest(cfg.Profile))
	if t.path.Connections > 0 {
		l.Connections = t.path.Connections
	}
	t.setCaps(t.row)
	t.setWarm()
	t.gate.SetLimits(t.part(s.slowed(t.place, l)))
}

// profileEntry is an account's profile and pool as they were a moment ago.
type profileEntry struct {
	profile pace.Profile
	own     bool // the account has it itself
	pool    string
	until   time.Time // monotonic
}

// profileOf an account: its own, or that of the configuration, which is another one for new
// accounts.
func (s *schedule) profileOf(account string) pace.Profile { return s.profile(account).profile }

// poolOf is the pool whose sources an account's mail leaves by. One that has no source is as
// none: the configuration has changed.
func (s *schedule) poolOf(account string) string {
	if pool := s.profile(account).pool; slices.ContainsFunc(s.origins, func(o *origin) bool { return o.Pool == pool }) {
		return pool
	}
	return ""
}

func (s *schedule) profile(account string) profileEntry {
	if e, ok := s.profiles[account]; ok && time.Now().Before(e.until) {
		return e
	}
	e := profileEntry{until: time.Now().Add(profileLife)}
	a, err := s.m.store.Account(account)
	if err == nil && a.Profile != "" {
		e.profile, e.own = pace.Profile(a.Profile), true
	} else {
		e.profile = s.newProfile(account)
	}
	if err == nil {
		e.pool = a.Pool
	}
	if len(s.profiles) >= maxKept {
		clear(s.profiles)
	}
	s.profiles[account] = e
	return e
}

// join has a lane stand at a site.
func (s *schedule) join(t *site, l *lane) {
	l.profile = s.profileOf(l.Account)
	before := t.has
	t.join(l)
	if t.lanes == 1 {
		s.deal(t.place)
	}
	switch {
	case t.rests:
		s.resting++
	case t.lanes == 1 && t.workers == 0 && t.free(s.m.store.Now()) == 0:
		s.setResting(t, true) // from its first lane on, so that it gets no more than it needs
	}
	s.profilesChanged(t, before)
}

// leave takes a lane away that does not stand in its turn.
func (s *schedule) leave(t *site, l *lane) {
	before := t.has
	t.leave(l)
	if t.lanes == 0 {
		s.deal(t.place)
	}
	if t.rests {
		s.resting--
	}
	s.profilesChanged(t, before)
}

// profilesChanged gives a site other limits when the accounts that have mail there are
// others: it goes as fast as the fastest of them may, and the others have gates.
func (s *schedule) profilesChanged(t *site, before profiles) {
	cfg := s.m.config()
	if t.path != nil && before.fastest(cfg.Profile) != t.has.fastest(cfg.Profile) {
		s.setPace(t)
	}
}

// disband retires all lanes of a site that are not asked for.
func (s *schedule) disband(t *site) {
	s.setResting(t, false)
	before := t.has
	for _, l := range t.disband() {
		s.retire(l)
	}
	s.profilesChanged(t, before)
}

// gateOf is the ceiling of an account's own at a site, and its limits there; nil: it has
// none. Accounts that go by the configuration share one where others take more.
func (s *schedule) gateOf(t *site, account string, p pace.Profile, now time.Time) (*pace.Gate, pace.Limits) {
	word := s.slowOf(store.OverrideAccount, account)
	if t.row == nil || t.path.Fixed && word == nil {
		return nil, pace.Limits{}
	}
	cfg := s.m.config()
	conduct := s.conducts[conductKey{account, t.provider()}]
	slow := conduct != nil && (conduct.Slow(now) || conduct.Held(now))
	name := "profile " + string(p)
	switch {
	case slow, word != nil, pace.Slower(p, cfg.Profile) != cfg.Profile:
		name = account
	case p == t.has.fastest(cfg.Profile):
		return nil, pace.Limits{}
	}
	l := cfg.limits(t.row, p)
	if conduct != nil {
		l = conduct.Limits(now, l)
	}
	return t.gateNamed(name, now), s.slowedBy(store.OverrideAccount, account, l)
}

// gateNamed is a gate of a site; those that say nothing any more make room for it.
func (t *site) gateNamed(name string, now time.Time) *pace.Gate {
	g := t.gates[name]
	if g != nil {
		return g
	}
	if n := len(t.gates); n >= 16 && n&(n-1) == 0 {
		for other, g := range t.gates {
			if g.AtRest(now) {
				delete(t.gates, other)
			}
		}
	}
	if t.gates == nil {
		t.gates = map[string]*pace.Gate{}
	}
	g = &pace.Gate{}
	t.gates[name] = g
	return g
}

// heldAt reports whether nothing of an account goes to a site's provider.
func (s *schedule) heldAt(t *site, account string, now time.Time) bool {
	if len(s.conducts) == 0 {
		return false
	}
	c := s.conducts[conductKey{account, t.provider()}]
	return c != nil && c.Held(now)
}

// demand is how many messages a site asks for now, how many of one lane at most, and how
// many of an account; nil: any number.
func (s *schedule) demand(t *site, now time.Time) (n, each int, spare func(*turn) int) {
	stuck := s.stuck(t)
	n, each = t.wants(stuck)
	if n = min(n, t.free(now)-t.queue.len()-t.asked); n <= 0 {
		return 0, 0, nil
	}
	spare = func(u *turn) int {
		if stuck != nil && stuck(u.account) {
			return 0
		}
		return s.spare(u, now)
	}
	for u := range t.turns.all() {
		if spare(u) > 0 {
			return n, each, spare
		}
	}
	return 0, 0, nil
}

// spare is how many more messages of an account may be asked for.
func (s *schedule) spare(u *turn, now time.Time) int {
	t := u.site
	if s.heldAt(t, u.account, now) {
		return 0
	}
	g, l := s.gateOf(t, u.account, u.profile, now)
	if g == nil {
		return pace.Any
	}
	return g.Free(now, l) - t.queue.count(u.account) - u.asked
}

// begin counts a message that is sent from now on.
func (s *schedule) begin(j *job, now time.Time) *job {
	t := j.site
	j.leave() // it was begun before, and did not go
	j.limits, j.stops = t.gate.Limits(), t.row != nil && t.row.Stops
	j.waited = t.since.After(j.message.Accepted) || s.heldBack(j)
	n := transactions(j)
	s.heat(t, n-j.sends, now)
	j.sends, j.warm = n, t.warmKey()
	t.send(now, n)
	g, l := s.gateOf(t, j.message.Account, s.profileOf(j.message.Account), now)
	if j.gate = g; g != nil {
		g.Busy++
		g.Send(now, n, l)
	}
	return j
}

// leave takes a job that is over from its account's gate.
func (j *job) leave() {
	if j.gate != nil {
		j.gate.Busy--
		j.gate = nil
	}
}

// transactions are how many a message takes.
func transactions(j *job) int {
	most, n := j.limits.Recipients, 0
	if most == 0 {
		return 1
	}
	for i := range j.claims {
		n += len(j.claims[i].Rcpts)
	}
	return max(1, (n+most-1)/most)
}

// mayOpen reports whether a message may begin on a new connection.
func (t *site) mayOpen(now time.Time) bool {
	return t.free(now) > 0 && !t.crowdedOut() && !t.gate.MayOpen(now).After(now)
}

// rest sets the alarm of a site that a ceiling keeps from asking for more, and gives back
// what is claimed and would wait long.
func (s *schedule) rest(t *site, now time.Time) {
	at := s.nextAt(t, now)
	s.setResting(t, at.After(now) && t.queue.len() == 0)
	if !at.After(now) {
		s.alarms.Drop(t)
		return
	}
	s.alarms.Set(t, at)
	t.since = now
	if t.queue.len() > 0 && t.freeAt(now).Sub(now) > longWait {
		s.giveBack(t.queue.take())
	}
}

// nextAt is when a ceiling lets the site's mail go on; now: none keeps it.
func (s *schedule) nextAt(t *site, now time.Time) time.Time {
	if t.queue.len() > 0 {
		if at := t.freeAt(now); at.After(now) || t.workers >= t.limit {
			return at
		}
		return t.gate.MayOpen(now)
	}
	if t.lanes == 0 {
		return now
	}
	if at := t.freeAt(now); at.After(now) {
		return at
	}
	var first time.Time
	for u := range t.turns.all() {
		at := s.nextOf(u, now)
		if !at.After(now) {
			return now
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// nextOf is when an account's own ceiling lets its mail at a site go on.
func (s *schedule) nextOf(u *turn, now time.Time) time.Time {
	if c := s.conducts[conductKey{u.account, u.site.provider()}]; c != nil && c.Held(now) {
		return c.HeldUntil()
	}
	g, l := s.gateOf(u.site, u.account, u.profile, now)
	if g == nil {
		return now
	}
	return g.Next(now, l)
}

// setResting takes the lanes of a site out of the window, or back in.
func (s *schedule) setResting(t *site, rests bool) {
	if t.rests == rests {
		return
	}
	t.rests = rests
	if rests {
		s.resting += t.lanes
	} else {
		s.resting -= t.lanes
	}
	if rests {
		s.scan.retired = true // there is room
	}
}

// wake has sites looked at whose time has come: so many that a step stays short. The
// others are for the next step, which comes at once.
func (s *schedule) wake(now time.Time) {
	for range maxWoken {
		t, ok := s.alarms.Pop(now)
		if !ok {
			return
		}
		s.touch(t)
	}
}

// longRest reports whether a connection would wait for a ceiling longer than for
// anything else.
func (s *schedule) longRest(t *site, now time.Time) bool {
	return s.m.config().lasts(t.freeAt(now).Sub(now)) > s.m.config().IdleTimeout
}

// provider is the name that an account's conduct goes by: that of the row, or the site
// itself where the row is for any.
func (t *site) provider() string {
	if t.row == nil || t.row.Name == pace.AnyOther || t.row.Name == fixedRow {
		return t.key
	}
	return t.row.Name
}
