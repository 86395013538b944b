package mailer

import "time"

// drain ends the schedule: nothing new is begun, what was claimed and not tried
// goes back, and running transactions have Config.Drain to end; then their
// connections are closed. It returns when nothing runs beside the owner.
func (s *schedule) drain() {
	s.stopping = true
	deadline := time.AfterFunc(s.m.config().Drain, s.cancel)
	defer deadline.Stop()
	for t := range s.atlas.Sites {
		s.touch(t)
	}
	s.settleDown()
	s.beside.End(s.settleDown)
}

// settleDown gives back what came in, and lets idle connections go.
func (s *schedule) settleDown() {
	now := s.m.spool.Now()
	for s.dirty.Len() > 0 {
		t := s.dirty.Pop()
		t.Dirty = false
		s.serve(t, now)
	}
}
