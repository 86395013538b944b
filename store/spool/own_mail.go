package spool

import (
	"time"

	"relay/store/bodies"
	"relay/store/bodyhash"
	"relay/store/egress"
	"relay/store/sites"
	"relay/store/spooled"
)

// Notice is a message of relay's own: a DSN about another one, a letter to a customer or the operator,
// or a report. It is not charged. The caller fills in Sender (""), Account, Expires and the recipients.
type Notice struct {
	Message spooled.Message
	Body    []byte
}

// ChangeSource changes what is remembered of a source, in one transaction. fn may return a mail to the
// operator, with the ID that it gets for it; nil: there is nothing to tell. The mail is queued with the
// change, so each change is told once. fn may run more than once, and must not call the store.
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

// ReportTLSDay queues the report of a day that is over, and removes the day, in one transaction. write
// makes the mail, with the ID that it gets for it. It may run more than once, and must not call the
// store. ok is false when the day was reported before.
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

// enqueueOwn stores a message of relay's own, with its body.
func (t *Tx) enqueueOwn(m *spooled.Message, body []byte) error {
	m.Recipients = append([]spooled.Recipient(nil), m.Recipients...)
	m.Accepted = t.Wall
	m.Size, m.Stored = int64(len(body)), int64(len(body))
	m.BodyHash = bodyhash.Of(body)
	if err := bodies.Put(&t.Tx, m.ID, body); err != nil {
		return err
	}
	return t.Enqueue(m)
}
