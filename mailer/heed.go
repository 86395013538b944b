package mailer

import (
	"time"

	"relay/mailer/pace"
	"relay/mailer/verdict"
	"relay/store"
)

// said is a reply about recipients of a message.
type said struct {
	verdict.Verdict
	reply string
	rcpts int // about whom it was said
}

// hear notes what was said of targets, before it is stored, and returns what must be
// stored with it: a site that stopped must stay so after a crash.
func (a *attempt) hear(targets []int, now time.Time) (keep []store.PaceEntry) {
	blamed := false
	for _, i := range targets {
		t := &a.targets[i]
		blamed = blamed || t.verdict.Slows == verdict.Source
		v, reply := t.verdict, ""
		if v.Class != verdict.Delivered {
			reply = t.out.Reply.String()
		}
		if n := len(a.said); n > 0 && a.said[n-1].reply == reply && a.said[n-1].Class == v.Class {
			a.said[n-1].rcpts++
			continue
		}
		a.said = append(a.said, said{v, reply, 1})
		if d := stopOf(v); d > 0 && a.job.path != nil {
			keep = append(keep, stopEntry(a.job.site.id(), pace.State{Until: now.Add(d), Since: now, Why: reply}))
		}
	}
	if e, ok := warmEntry(a.job, a.uncounted(), blamed, now); ok {
		keep = append(keep, e)
	}
	return keep
}

// uncounted are transactions of the message that the store does not count yet.
func (a *attempt) uncounted() int {
	if a.counted {
		return 0
	}
	a.counted = true
	return a.job.sends
}

// stopOf is how long a site stops after a reply; 0: it does not.
func stopOf(v verdict.Verdict) time.Duration {
	if v.Slows == verdict.Site || v.Slows == verdict.Source {
		return max(v.Suspend, v.Wait)
	}
	return v.Suspend
}

// stats are what the mailer heard of a site since it knows it.
type stats struct {
	delivered, deferred, failed int64
	last                        []Reply // the newest last
}

// Reply is a reply of a site that something came of.
type Reply struct {
	Time     time.Time
	Text     string
	Category string
	Slows    string // what: site, source or account; "": nothing
}

const lastReplies = 3 // of a site are remembered

func (h *stats) note(d *said, now time.Time) {
	n := int64(d.rcpts)
	switch d.Class {
	case verdict.Delivered:
		h.delivered += n
		return
	case verdict.Deferred:
		h.deferred += n
	default:
		h.failed += n
	}
	if len(h.last) == lastReplies {
		h.last = append(h.last[:0], h.last[1:]...)
	}
	h.last = append(h.last, Reply{now, d.reply, string(d.Category), string(d.Slows)})
}

// heed slows the site, or the account there, for what was said.
func (s *schedule) heed(t *site, account string, list []said, now time.Time) {
	if t.fault != nil {
		return
	}
	for i := range list {
		d := &list[i]
		t.heard.note(d, now)
		s.heedSite(t, d, now)
		if t.path != nil && !t.path.Fixed && account != "" {
			s.heedAccount(t, account, d, now)
		}
	}
}

func (s *schedule) heedSite(t *site, d *said, now time.Time) {
	if d.Slows == verdict.Source {
		s.shun(t, now)
	} else if d.Class == verdict.Delivered {
		t.shuns = 0
	}
	changed := false
	switch {
	case d.Slows != verdict.Site && d.Slows != verdict.Source:
	case d.Category == verdict.TooManyConnections:
		changed = t.gate.Crowd(now, t.open, d.reply)
	default:
		changed = t.gate.Slow(now, d.reply)
	}
	if changed {
		s.m.logSiteSlowed(t, now, d.reply)
	}
	if wait := stopOf(d.Verdict); wait > 0 && t.gate.Suspend(now, wait, d.reply) {
		s.m.logSiteSuspended(t, now.Add(wait), d.reply)
		s.dueAt(t.back(now))
		s.disband(t)
		t.since = now.Add(wait)
		changed = true
	}
	if changed {
		t.limit = min(t.limit, t.gate.Connections(now))
		s.kept.changed(t)
		s.touch(t)
	}
}

// crowded421 is for a connection that a site did not take beside others. Those that it
// does take are as many as it wants.
func (s *schedule) crowded421(t *site, failed *failure, now time.Time) {
	if failed.local || failed.err.Reply.Code == 0 {
		return
	}
	if t.gate.Crowd(now, t.open, failed.err.Error()) {
		s.m.logSiteSlowed(t, now, failed.err.Error())
		s.kept.changed(t)
	}
}

// conductKey is an account at a provider.
type conductKey struct{ account, provider string }

const maxConducts = 50_000

func (s *schedule) heedAccount(t *site, account string, d *said, now time.Time) {
	unknown := unknown(&d.Verdict)
	blamed := d.Slows == verdict.Account
	key := conductKey{account, t.provider()}
	c := s.conducts[key]
	switch {
	case c == nil && !unknown && !blamed && d.Class != verdict.Delivered:
		return
	case c == nil:
		s.shedConducts(now)
		c = pace.NewAccount(pace.Conduct{})
		s.conducts[key] = c
	}
	step := pace.Same
	switch {
	case d.Class == verdict.Delivered:
		c.Delivered(now, d.rcpts)
	case unknown:
		step = c.Unknown(now, d.rcpts, d.reply)
	case blamed:
		step = c.Blamed(now, d.reply)
	}
	if step != pace.Same {
		s.m.logAccountSlowed(key, c, now)
		s.kept.accounts[key] = true
		if step == pace.HoldsBack {
			s.hold(key, c, now)
		} else {
			s.tellSlowed(key, c, now)
		}
		s.touch(t)
	}
}

// shedConducts makes room for one more: what says nothing goes.
func (s *schedule) shedConducts(now time.Time) {
	if len(s.conducts) < maxConducts {
		return
	}
	for key, c := range s.conducts {
		if state := c.State(now); state.AtRest() {
			delete(s.conducts, key)
		}
	}
}
