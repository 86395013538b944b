package mailer

import (
	"time"

	"relay/store"
)

// noteEvery is how often the store is told of dials, and the least age of the
// attempts that it is told of. Most end sooner, and Settle ends their claims: they
// cost nothing here.
const noteEvery = 250 * time.Millisecond

// assign has a worker that waits take a job.
func (s *schedule) assign(w *worker, j *job) {
	s.take(w, j)
	w.jobs <- j
}

// take notes the job that a worker has from now on.
func (s *schedule) take(w *worker, j *job) {
	w.job, w.since, w.noted = j, time.Now(), j.again || j.fault != nil
	s.held.add(j.message.Account, 1)
	if s.noteAt.IsZero() {
		s.noteAt = w.since.Add(noteEvery)
	}
}

// release takes note that a worker's job has ended.
func (s *schedule) release(w *worker) {
	if w.job != nil {
		s.held.add(w.job.message.Account, -1)
		w.job.leave()
		w.job = nil
	}
}

// noteDials tells the store which claims are dialled for, in one transaction for all
// attempts that last: so a crash leaves these their next try, and claims that only
// waited are due at the next start.
func (s *schedule) noteDials() {
	now := time.Now()
	if s.noting || s.noteAt.IsZero() || now.Before(s.noteAt) {
		return
	}
	s.noteAt = time.Time{}
	var list []store.Claimed
	for w := range s.team {
		switch {
		case w.job == nil || w.noted:
		case now.Sub(w.since) < noteEvery:
			s.noteAt = now.Add(noteEvery)
		default:
			w.noted = true
			list = append(list, w.job.claims...)
		}
	}
	if len(list) == 0 {
		return
	}
	s.noting = true
	s.do(func() {
		s.m.noteDialled(list)
		s.tell(func() { s.noting = false })
	})
}

// noteDialled stores that claims are dialled for. Where the store cannot be
// written, a crash has them tried once more than they should be.
func (m *Mailer) noteDialled(list []store.Claimed) {
	if err := m.store.Dialled(list); err != nil {
		m.logStoreError("note dials", err)
		return
	}
	m.storeWorks("note dials")
}
