package spool

import (
	"time"

	"relay/store/egress"
	"relay/store/sites"
	"relay/store/spooled"
)

// ChangeSource changes what is remembered of a source, in one transaction. fn gets an ID for
// a mail to the operator and may return that mail, which is queued with the change, so that
// each change is told once; nil: there is nothing to tell. fn may run more than once, and must
// not call the store.
func (s *Spool) ChangeSource(name string, fn func(v *egress.SourceState, now time.Time, id spooled.ID) (*Notice, error)) (v egress.SourceState, err error) {
	err = s.UpdateThen(4096, func(t *Tx) error {
		v, err = s.Egress.ChangeSource(&t.Tx, name, func(v *egress.SourceState) error {
			id := s.o.IDs.Next(t.Wall)
			n, err := fn(v, t.Wall, id)
			if err != nil || n == nil {
				return err
			}
			return t.QueueOwn(n, id, spooled.NoteOperator)
		})
		return err
	})
	return v, err
}

// ReportTLSDay queues the report of a day that is over, and removes the day, in one
// transaction. write makes the mail, which will have that ID; it may run more than once, and
// must not call the store. It reports false when the day was reported before.
func (s *Spool) ReportTLSDay(d *sites.TLSDay, write func(*sites.TLSDay, spooled.ID) (Notice, error)) (id spooled.ID, ok bool, err error) {
	err = s.UpdateThen(4096, func(t *Tx) error {
		ok, err = s.Sites.ReportTLSDay(&t.Tx, d, func(now *sites.TLSDay) error {
			id = s.o.IDs.Next(t.Wall)
			n, err := write(now, id)
			if err != nil {
				return err
			}
			return t.QueueOwn(&n, id, spooled.NoteTLSReport)
		})
		return err
	})
	return id, ok && err == nil, err
}

// QueueOwn queues a mail of relay's own. The caller's copy of the message stays as it is.
func (t *Tx) QueueOwn(n *Notice, id spooled.ID, note spooled.EventNote) error {
	m := n.Message
	m.ID, m.Own = id, note
	return t.enqueueOwn(&m, n.Body)
}
