package mailer

import (
	"time"

	"relay/mailer/pacebook"
	"relay/mailer/site"
)

// loadPace reads what was slower when relay ended.
func (s *schedule) loadPace() {
	list, err := s.m.spool.Sites.PaceEntries()
	if err != nil {
		s.m.logStoreError("pace", err)
		return
	}
	for i := range list {
		s.origins.Load(&list[i])
		s.accounts.Load(&list[i])
	}
	if gone := s.paces.Load(list, s.m.spool.Now()); len(gone) > 0 {
		s.beside.Do(func() {
			if err := s.m.spool.Sites.KeepPace(gone); err != nil {
				s.m.logStoreError("pace", err)
			}
		})
	}
	s.origins.Loaded()
	s.readStates()
}

// keepPace tells the store what changed, once a minute.
func (s *schedule) keepPace(now time.Time) {
	if !s.paces.News() && !s.accounts.News() && !s.origins.News() || !s.paces.Due() {
		return
	}
	list := s.accounts.Entries(s.paces.Tell(s.origins.Entries(), now), pacebook.Most, now)
	s.beside.Do(func() {
		s.m.stored("pace", s.m.spool.Sites.KeepPace(list))
		s.beside.Tell(s.paces.Told)
	})
}

// resumePace ends what slows or stops a site, and accounts there, by the operator's word.
func (s *schedule) resumePace(t *site.Site) {
	s.accounts.Release(t.Provider())
	s.touch(t)
	s.paces.Resume(t, s.m.spool.Now())
}
