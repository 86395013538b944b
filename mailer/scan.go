package mailer

import (
	"slices"
	"time"

	"relay/mailer/scan"
	"relay/store/spooled"
)

// dueAt has the lanes looked through at that time, or as soon after it as may be.
func (s *schedule) dueAt(at time.Time) { s.scan.DueAt(at) }

// triedAt is told of a next try that an attempt stored; zero: it stored none. It may be
// earlier than the next one that the last scan has seen, or a claim has stored.
func (s *schedule) triedAt(next time.Time) {
	if !next.IsZero() {
		s.dueAt(next)
	}
}

// scanLanes makes a step of a scan if one is due: it admits lanes that have mail due.
func (s *schedule) scanLanes(now time.Time) {
	cfg := s.m.config()
	if s.stopping || !s.scan.Due(cfg, now) {
		return
	}
	began := time.Now()
	from, next, err := s.m.spool.VisitDue(s.scan.Begin(now), now, func(l spooled.Lane) bool {
		if !s.scan.Visit(cfg, s.window.Crammed()) {
			return false
		}
		s.admit(l, now)
		return true
	})
	if err != nil {
		s.m.logStoreError("lanes", err)
	}
	if s.scan.End(cfg, now, scan.Step{From: from, Next: next, Failed: err != nil, Took: time.Since(began), Crammed: s.window.Crammed()}) {
		s.m.storeWorks("lanes")
		s.scan.Watch(slices.Collect(s.atlas.Sites))
		s.pauses.Ends(now, s.dueAt)
	}
}
