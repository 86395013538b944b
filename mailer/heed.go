package mailer

import (
	"time"

	"relay/mailer/accounts"
	"relay/mailer/attempt"
	"relay/mailer/link"
	"relay/mailer/pace"
	"relay/mailer/site"
	"relay/mailer/verdict"
	"relay/store/spool"
	"relay/store/spooled"
)

// heed slows the site, or the account there, for what was said.
func (s *schedule) heed(t *site.Site, account string, list []attempt.Said, now time.Time) {
	if t.Fault != nil {
		return
	}
	for i := range list {
		d := &list[i]
		t.Heard.Note(d, now)
		s.heedSite(t, d, now)
		if t.Path != nil && !t.Path.Fixed && account != "" {
			s.heedAccount(t, account, d, now)
		}
	}
}

func (s *schedule) heedSite(t *site.Site, d *attempt.Said, now time.Time) {
	if d.Slows == verdict.Source {
		s.shun(t, now)
	} else if d.Class == verdict.Delivered {
		t.Shuns = 0
	}
	changed := false
	switch {
	case d.Slows != verdict.Site && d.Slows != verdict.Source:
	case d.Category == verdict.TooManyConnections:
		changed = t.Gate.Crowd(now, t.Open, d.Reply)
	default:
		changed = t.Gate.Slow(now, d.Reply)
	}
	if changed {
		s.m.logSiteSlowed(t, now, d.Reply)
	}
	if wait := attempt.StopOf(d.Verdict); wait > 0 && t.Gate.Suspend(now, wait, d.Reply) {
		s.m.logSiteSuspended(t, now.Add(wait), d.Reply)
		s.dueAt(t.Back(now))
		s.disband(t)
		t.Since = now.Add(wait)
		changed = true
	}
	if changed {
		t.Limit = min(t.Limit, t.Gate.Connections(now))
		s.paces.Changed(t)
		s.touch(t)
	}
}

// crowded421 is for a connection that a site did not take beside others. Those that it
// does take are as many as it wants.
func (s *schedule) crowded421(t *site.Site, failed *link.Failure, now time.Time) {
	if failed.Local || failed.Err.Reply.Code == 0 {
		return
	}
	if t.Gate.Crowd(now, t.Open, failed.Err.Error()) {
		s.m.logSiteSlowed(t, now, failed.Err.Error())
		s.paces.Changed(t)
	}
}

func (s *schedule) heedAccount(t *site.Site, account string, d *attempt.Said, now time.Time) {
	key := accounts.Key{Account: account, Provider: t.Provider()}
	c, step := s.accounts.Heed(key, d, now)
	if s.slower(key, c, step, now) {
		s.touch(t)
	}
}

// slower tells what a note about an account led to, and reports whether the account is slower; c is
// nil where it is not.
func (s *schedule) slower(key accounts.Key, c *pace.Account, step pace.Step, now time.Time) bool {
	if c == nil {
		return false
	}
	s.m.logAccountSlowed(key, c, now)
	if step == pace.HoldsBack {
		s.hold(key, c, now)
	} else {
		s.tellSlowed(key, c, now)
	}
	return true
}

// complained slows an account at the provider that a complaint comes from.
func (s *schedule) complained(c spool.Complaint) {
	now := s.m.spool.Now()
	key := accounts.Key{Account: c.Account, Provider: c.Provider}
	t := s.home(spooled.Lane{Domain: c.Domain, Account: c.Account}, now)
	if t != nil {
		key.Provider = t.Provider()
	}
	a, step := s.accounts.Complained(key, now)
	if s.slower(key, a, step, now) && t != nil {
		s.touch(t)
	}
}
