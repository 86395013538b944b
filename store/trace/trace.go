package trace

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/mailreply"
	"relay/store/room"
	"relay/store/spooled"
)

// Trace keeps the events of messages. Its methods may be called from any goroutine.
type Trace struct {
	db   *room.DB
	feed feed
	done func(t *room.Tx, job string, at time.Time) error
}

// New keeps events in a store. done records, in a transaction, that a job has done what was due
// at that instant.
func New(db *room.DB, done func(t *room.Tx, job string, at time.Time) error) *Trace {
	return &Trace{db: db, done: done}
}

// EventKind says what happened to a message.
type EventKind string

const (
	EventAccepted EventKind = "accepted" // taken and charged
	EventAttempt  EventKind = "attempt"  // one transaction at a next hop, or why there was none
	EventNotice   EventKind = "notice"   // a DSN about it was queued
	EventChanged  EventKind = "changed"  // held, released, retried or dropped by the operator
	EventExpired  EventKind = "expired"  // given up without a further attempt

	EventSuppressed EventKind = "suppressed" // given up without an attempt: see refusals.Suppression
	EventBounced    EventKind = "bounced"    // it came back after it was delivered
	EventComplained EventKind = "complained" // a recipient reported it as spam
)

// Event is a line in the life of a message. Bucket "trace", key ID, time and a
// number, JSON. It outlives the message by the time the operator keeps
// traces.
type Event struct {
	ID         spooled.ID        `json:"id"`
	Time       time.Time         `json:"time"`
	Kind       EventKind         `json:"event"`
	Account    string            `json:"account,omitempty"`
	Sender     string            `json:"sender,omitempty"`
	Size       int64             `json:"size,omitempty"`
	MessageID  string            `json:"message_id,omitempty"`
	Client     string            `json:"client,omitempty"`   // address of the mail program; never leaves the relay
	NextHop    string            `json:"next_hop,omitempty"` // host[address]:port
	TLS        string            `json:"tls,omitempty"`      // version and cipher, or ""
	Millis     int64             `json:"ms,omitempty"`       // how long the attempt took
	Text       string            `json:"text,omitempty"`     // hosts that were asked before; up to schema 8 what Note says
	Note       spooled.EventNote `json:"note,omitempty"`
	Other      spooled.ID        `json:"other,omitzero"`
	Sent       int               `json:"sent,omitempty"`
	Reporter   string            `json:"reporter,omitempty"` // domain that says that it bounced, or complains
	Recipients []EventOutcome    `json:"recipients,omitempty"`
}

// EventOutcome is one recipient's part in an event.
type EventOutcome struct {
	Address string            `json:"addr"`
	State   spooled.State     `json:"state,omitempty"`
	Reply   string            `json:"reply,omitempty"`
	Verdict mailreply.Verdict `json:"verdict,omitzero"`
	Next    time.Time         `json:"next,omitzero"`
	Since   time.Time         `json:"since,omitzero"`  // suppressed since then
	Named   string            `json:"named,omitempty"` // recipient that a report names in place of this one; Address may be ""
}

// Happened appends to the trace and tells those who watch. m is nil when the
// message is gone; an event without a kind is none.
func (s *Trace) Happened(t *room.Tx, e *Event, m *spooled.Message) error {
	if e.Kind == "" {
		return nil
	}
	s.Tell(t, e, m)
	return appendEvent(t, e)
}

// appendEvent appends to the trace. Events of one microsecond are told apart by a number.
func appendEvent(t *room.Tx, e *Event) error {
	key := spooled.TraceKey(e.ID, e.Time, 0)
	for n := uint16(1); t.Get(bucket.Trace, key) != nil; n++ {
		key = spooled.TraceKey(e.ID, e.Time, n)
	}
	return t.Write(bucket.Trace, key, e)
}

// Accepted is the event of a message's acceptance.
func Accepted(m *spooled.Message) *Event {
	e := &Event{ID: m.ID, Time: m.Accepted, Kind: EventAccepted, Account: m.Whose(), Sender: m.Sender,
		Size: m.Size, MessageID: m.MessageID, Client: m.Client, Recipients: make([]EventOutcome, len(m.Recipients))}
	if e.Note = m.Own; m.About != (spooled.ID{}) {
		e.Note, e.Other = spooled.NoteAbout, m.About
	}
	for i := range m.Recipients {
		e.Recipients[i].Address = m.Recipients[i].Address
	}
	return e
}

// WriteAccepted writes the event of the acceptance before the first other one.
// Until then the message itself is that event: Accept has a page less to write.
func WriteAccepted(t *room.Tx, m *spooled.Message) error {
	if m.Traced {
		return nil
	}
	m.Traced = true
	return appendEvent(t, Accepted(m))
}

// Of returns the events of a message, the oldest first.
func (s *Trace) Of(id spooled.ID) (list []Event, err error) {
	err = s.db.View(func(t room.Tx) error { list, err = life(&t, id); return err })
	return list, err
}

func life(t *room.Tx, id spooled.ID) ([]Event, error) {
	e, err := untraced(t, id)
	if err != nil {
		return nil, err
	}
	if e != nil {
		return []Event{*e}, nil
	}
	return room.All[Event](t, bucket.Trace, id[:])
}

// untraced is the event of the acceptance of a message to which nothing else has happened; nil:
// the trace has it, or there is none.
func untraced(t *room.Tx, id spooled.ID) (*Event, error) {
	m := &spooled.Message{}
	if queued, err := t.Read(bucket.Messages, id[:], m); err != nil || !queued || m.Traced {
		return nil, err
	}
	return Accepted(m), nil
}

// Acceptance is the event of a message's acceptance; nil: the trace has it no more.
func Acceptance(t *room.Tx, id spooled.ID) (*Event, error) {
	if e, err := untraced(t, id); e != nil || err != nil {
		return e, err
	}
	k, raw := t.Cursor(bucket.Trace).Seek(id[:])
	if !room.HasPrefix(k, id[:]) {
		return nil, nil
	}
	e := &Event{}
	if err := room.Decode(bucket.Trace, k, raw, e); err != nil || e.Kind != EventAccepted {
		return nil, err
	}
	return e, nil
}

// Scan calls fn for the events of messages that were accepted since then and
// before the one with that ID, the newest message first and the events of each in order,
// outside of any transaction. The zero ID is behind all.
func (s *Trace) Scan(before spooled.ID, since time.Time, fn func(*Event) error) error {
	if before == (spooled.ID{}) {
		before = spooled.ID(bytes.Repeat([]byte{0xff}, 16))
	}
	oldest := spooled.FirstID(since)
	for n := 1; ; n++ {
		if n%room.TrimSteps == 0 {
			s.db.Engine().Trim()
		}
		list, err := s.before(before, oldest)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if err := fn(&list[i]); err != nil {
				return err
			}
		}
		before = list[len(list)-1].ID
	}
}

// before reads the events of some messages before an ID, the newest first,
// down to oldest: from the trace, and from the spool those that have none there.
func (s *Trace) before(before, oldest spooled.ID) (list []Event, err error) {
	err = s.db.View(func(t room.Tx) error {
		old := backward{c: t.Cursor(bucket.Trace)}
		waiting := backward{c: t.Cursor(bucket.Messages)}
		old.seek(before)
		waiting.seek(before)
		for len(list) < room.Step {
			id := old.id()
			if w := waiting.id(); w.Compare(id) > 0 {
				id = w
			}
			if id.Compare(oldest) < 0 || id == (spooled.ID{}) {
				return nil
			}
			if waiting.id() == id {
				m := &spooled.Message{}
				if err := room.Decode(bucket.Messages, waiting.k, waiting.raw, m); err != nil {
					return err
				}
				if !m.Traced {
					list = append(list, *Accepted(m))
				}
				waiting.prev()
			}
			from := len(list)
			for ; old.id() == id; old.prev() {
				var e Event
				if err := room.Decode(bucket.Trace, old.k, old.raw, &e); err != nil {
					return err
				}
				list = append(list, e)
			}
			slices.Reverse(list[from:])
		}
		return nil
	})
	return list, err
}

// backward walks a bucket whose keys start with an ID from its end.
type backward struct {
	c      engine.Cursor
	k, raw []byte
}

// seek moves to the last key before id.
func (b *backward) seek(id spooled.ID) {
	if k, _ := b.c.Seek(id[:]); k == nil {
		b.k, b.raw = b.c.Last()
	} else {
		b.prev()
	}
}

func (b *backward) prev() { b.k, b.raw = b.c.Prev() }

// id of the key; the zero one at the end.
func (b *backward) id() spooled.ID {
	if b.k == nil {
		return spooled.ID{}
	}
	return spooled.ID(b.k[:16])
}

// Prune removes the events of messages accepted before then, with their dialogues, and
// returns how many events. It works in small transactions and stops with the store. The last
// one records the job as done until then ("": none).
func (s *Trace) Prune(before time.Time, job string) (removed int, err error) {
	end := spooled.FirstID(before)
	_, err = s.removeBefore(bucket.Dialogues, end, nil)
	if err == nil {
		removed, err = s.removeBefore(bucket.Trace, end, func(t *room.Tx) error { return s.done(t, job, before) })
	}
	if err != nil {
		return removed, fmt.Errorf("prune trace: %w", err)
	}
	return removed, nil
}

// removeBefore removes the records of a bucket whose keys begin with an ID before end.
func (s *Trace) removeBefore(b engine.Bucket, end spooled.ID, last func(*room.Tx) error) (removed int, err error) {
	return room.Removal[*room.Tx]{In: func(t room.Tx) *room.Tx { return &t },
		Find: func(t *room.Tx, from []byte) (keys [][]byte, next []byte, more bool, err error) {
			c := t.Cursor(b)
			for k, _ := c.Seek(from); k != nil && spooled.ID(k[:16]).Compare(end) < 0; k, _ = c.Next() {
				if len(keys) == room.Step {
					return keys, slices.Clone(k), true, nil
				}
				keys = append(keys, slices.Clone(k))
			}
			return keys, nil, false, nil
		},
		Remove: func(t *room.Tx, k []byte) (bool, error) { return true, t.Delete(b, k) },
		End:    last,
	}.Run(s.db, []byte{})
}
