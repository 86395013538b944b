package mailer

import (
	"time"

	"relay/mailer/attempt"
	"relay/mailer/pace"
	"relay/mailer/site"
	"relay/store/egress"
)

// A message waits for a ceiling in the store: no claim, no connection and no goroutine
// waits with it. So a site asks for no more messages than may begin now, and an alarm
// wakes it when the next one may. Its lanes stand in their turns meanwhile, but take no
// place of others in the window.

const (
	longWait = time.Second // for a ceiling, for which nothing stays claimed
	maxWoken = 64          // sites in one step
)

// setPace gives a site the row and the limits that are in force.
func (s *schedule) setPace(t *site.Site) {
	cfg := s.m.config()
	if t.Row == nil {
		t.Gate = pace.NewSite(pace.Limits{Connections: 1}, s.paces.Take(t))
	}
	t.Row = cfg.RowOf(t.Path)
	l := cfg.Limits(t.Row, t.Has.Fastest(cfg.Profile))
	if t.Path.Connections > 0 {
		l.Connections = t.Path.Connections
	}
	t.SetCaps(t.Row)
	t.SetWarm()
	t.Gate.SetLimits(t.Part(site.Slowed(s.orders.Slow(egress.OverrideSite, t.Key, s.m.spool.Now()), l)))
}

// poolOf is the pool whose sources an account's mail leaves by. One that has no source is as
// none: the configuration has changed.
func (s *schedule) poolOf(account string) string {
	return s.origins.Pool(s.accounts.Profile(account).Pool)
}

// join has a lane stand at a site.
func (s *schedule) join(t *site.Site, l *site.Lane) {
	l.Profile = s.accounts.Profile(l.Account).Pace
	before := t.Has
	t.Join(l)
	if t.Lanes == 1 {
		s.deal(t.Place)
	}
	switch {
	case t.Rests:
		s.window.Joined(t)
	case t.Lanes == 1 && t.Workers == 0 && t.Free(s.m.spool.Now()) == 0:
		s.setResting(t, true) // from its first lane on, so that it gets no more than it needs
	}
	s.profilesChanged(t, before)
}

// leave takes a lane away that does not stand in its turn.
func (s *schedule) leave(t *site.Site, l *site.Lane) {
	before := t.Has
	t.Leave(l)
	if t.Lanes == 0 {
		s.deal(t.Place)
	}
	s.window.Left(t)
	s.profilesChanged(t, before)
}

// profilesChanged gives a site other limits when the accounts that have mail there are
// others: it goes as fast as the fastest of them may, and the others have gates.
func (s *schedule) profilesChanged(t *site.Site, before site.Profiles) {
	cfg := s.m.config()
	if t.Path != nil && before.Fastest(cfg.Profile) != t.Has.Fastest(cfg.Profile) {
		s.setPace(t)
	}
}

// disband retires all lanes of a site that are not asked for.
func (s *schedule) disband(t *site.Site) {
	s.setResting(t, false)
	before := t.Has
	for _, l := range t.Disband() {
		s.retire(l)
	}
	s.profilesChanged(t, before)
}

// demand is how many messages a site asks for now, how many of one lane at most, and how
// many of an account; nil: any number.
func (s *schedule) demand(t *site.Site, now time.Time) (n, each int, spare func(*site.Turn) int) {
	return s.accounts.Demand(t, s.crew.Stuck(t), now)
}

// begin counts a message that is sent from now on.
func (s *schedule) begin(t *site.Site, j *attempt.Job, now time.Time) *attempt.Job {
	j.Leave() // it was begun before, and did not go
	j.Limits, j.Stops = t.Gate.Limits(), t.Row != nil && t.Row.Stops
	j.Waited = t.Since.After(j.Message.Accepted) || s.orders.HeldBack(t.Place, j)
	n := s.m.transactions(j)
	s.heat(t, n-j.Sends, now)
	j.Sends, j.Warm = n, t.WarmKey()
	t.Send(now, n)
	g, l := s.accounts.Gate(t, j.Message.Account, s.accounts.Profile(j.Message.Account).Pace, now)
	if j.Gate = g; g != nil {
		g.Busy++
		g.Send(now, n, l)
	}
	return j
}

// transactions are how many a message takes; with VERP it is one a recipient.
func (m *Mailer) transactions(j *attempt.Job) int {
	most, n := j.Limits.Recipients, 0
	if m.out.Returns(j.Message) != "" {
		most = 1
	}
	if most == 0 {
		return 1
	}
	for i := range j.Claims {
		n += len(j.Claims[i].Rcpts)
	}
	return max(1, (n+most-1)/most)
}

// rest sets the alarm of a site that a ceiling keeps from asking for more, and gives back
// what is claimed and would wait long.
func (s *schedule) rest(t *site.Site, now time.Time) {
	at := s.accounts.NextAt(t, now)
	s.setResting(t, at.After(now) && t.Queue.Len() == 0)
	if !at.After(now) {
		s.alarms.Drop(t)
		return
	}
	s.alarms.Set(t, at)
	t.Since = now
	if t.Queue.Len() > 0 && t.FreeAt(now).Sub(now) > longWait {
		s.giveBack(t, t.Queue.Take())
	}
}

// setResting takes the lanes of a site out of the window, or back in.
func (s *schedule) setResting(t *site.Site, rests bool) {
	if t.Rests == rests {
		return
	}
	s.window.Rest(t, rests)
	if rests {
		s.scan.Freed() // there is room
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
func (s *schedule) longRest(t *site.Site, now time.Time) bool {
	return s.m.config().Lasts(t.FreeAt(now).Sub(now)) > s.m.config().IdleTimeout
}

// deal gives the sites of a place their parts anew.
func (s *schedule) deal(p *site.Place) {
	if !p.Capped() || len(p.Sites) < 2 || p.Path == nil {
		return
	}
	now := s.m.spool.Now()
	for _, t := range p.Sites {
		s.setPace(t)
		t.Limit = min(t.Limit, t.Gate.Connections(now))
		s.touch(t)
	}
}
