package mailer

import (
	"time"

	"relay/mailer/paceentry"
	"relay/mailer/site"
	"relay/mailer/source"
	"relay/store/sites"
)

// A source that is warmed up has a ceiling of messages a day at each provider. The schedule
// counts a message when it begins; Settle counts it in the store, in the transaction of its
// outcome, and notes there that a reply was about the address. So after a crash the count
// lacks at most what was under way, one message a connection.

// heat counts messages that begin. When they were the last ones of today, all sites of the
// source at the provider give up their lanes, and other sources take them.
func (s *schedule) heat(t *site.Site, n int, now time.Time) {
	if n == 0 || !t.Heat(n, now) {
		return
	}
	s.m.logWarmUpFull(t, t.Warm.Now(now))
	for other := range s.atlas.Sites {
		if other.Warm == t.Warm {
			s.touch(other)
		}
	}
	s.dueAt(now)
}

// yieldCold has a site whose warm-up is full give up what waits there.
func (s *schedule) yieldCold(t *site.Site, now time.Time) {
	if !t.Cold(now) {
		return
	}
	t.Waits(source.Turns(now))
	if t.Lanes > 0 {
		s.disband(t)
		s.dueAt(now)
	}
	s.dueAt(source.Turns(now))
}

// shun has other sources take what waits for a site that refuses the address: for an hour,
// and longer each time until it accepts mail again. Where there is no other, the site goes
// on as before.
func (s *schedule) shun(t *site.Site, now time.Time) {
	if t.Blame(now) {
		s.keepBlame(t, now)
	}
	if !s.origins.Several() || now.Before(t.Shunned) {
		return
	}
	t.Shun(now)
	s.disband(t)
	s.dueAt(now)
}

// keepBlame stores that the warm-up of a site's source stops for today.
func (s *schedule) keepBlame(t *site.Site, now time.Time) {
	e := sites.PaceEntry{Key: t.WarmKey(), Change: paceentry.Warmed(t.Origin.WarmUp, 0, true, now)}
	s.beside.Do(func() {
		if err := s.m.spool.Sites.KeepPace([]sites.PaceEntry{e}); err != nil {
			s.m.logStoreError("pace", err)
		}
	})
}
