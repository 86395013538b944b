package store

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"relay/store/bolt"
)

// EventKind says what happened to a message.
type EventKind string

const (
	EventAccepted EventKind = "accepted" // taken and charged
	EventAttempt  EventKind = "attempt"  // one transaction at a next hop, or why there was none
	EventNotice   EventKind = "notice"   // a DSN about it was queued
	EventChanged  EventKind = "changed"  // held, released, retried or dropped by the operator
	EventExpired  EventKind = "expired"  // given up without a further attempt

	EventSuppressed EventKind = "suppressed" // given up without an attempt: see Suppression
)

// Event is a line in the life of a message. Bucket "trace", key ID, time and a
// number, JSON. It outlives the message by the time the operator keeps
// traces.
type Event struct {
	ID         ID             `json:"id"`
	Time       time.Time      `json:"time"`
	Kind       EventKind      `json:"event"`
	Account    string         `json:"account,omitempty"`
	Sender     string         `json:"sender,omitempty"`
	Size       int64          `json:"size,omitempty"`
	MessageID  string         `json:"message_id,omitempty"`
	Client     string         `json:"client,omitempty"`   // address of the mail program; never leaves the relay
	NextHop    string         `json:"next_hop,omitempty"` // host[address]:port
	TLS        string         `json:"tls,omitempty"`      // version and cipher, or ""
	Millis     int64          `json:"ms,omitempty"`       // how long the attempt took
	Text       string         `json:"text,omitempty"`     // hosts that were asked before; up to schema 8 what Note says
	Note       EventNote      `json:"note,omitempty"`
	Other      ID             `json:"other,omitzero"`
	Sent       int            `json:"sent,omitempty"`
	Recipients []EventOutcome `json:"recipients,omitempty"`
}

// EventOutcome is one recipient's part in an event.
type EventOutcome struct {
	Address string         `json:"addr"`
	State   RecipientState `json:"state,omitempty"`
	Reply   string         `json:"reply,omitempty"`
	Verdict Verdict        `json:"verdict,omitzero"`
	Next    time.Time      `json:"next,omitzero"`
	Since   time.Time      `json:"since,omitzero"` // suppressed since then
}

// Verdict is what a reply means, in the words of the rules that judged it. An older relay
// does not look at it.
type Verdict struct {
	Category string `json:"category" doc:"A label such as InvalidRecipient."`
	Blame    string `json:"blame" doc:"Who must act."`
	Rule     string `json:"rule,omitempty" doc:"Empty: no rule knew the reply."`
	Stage    string `json:"stage" doc:"What the next hop said it to."`
}

// happened appends to the trace and tells whoever watches. m is nil when the
// message is gone; an event without a kind is none.
func (t *tx) happened(e *Event, m *Message) error {
	if e.Kind == "" {
		return nil
	}
	t.tell(e, m)
	return t.event(e)
}

// event appends to the trace. Events of one microsecond are told apart by a number.
func (t *tx) event(e *Event) error {
	key := traceKey(e.ID, e.Time, 0)
	for n := uint16(1); t.b.Get(trace, key) != nil; n++ {
		key = traceKey(e.ID, e.Time, n)
	}
	return t.put(trace, key, e)
}

// accepted is the event of a message's acceptance.
func accepted(m *Message) *Event {
	e := &Event{ID: m.ID, Time: m.Accepted, Kind: EventAccepted, Account: m.Whose(), Sender: m.Sender,
		Size: m.Size, MessageID: m.MessageID, Client: m.Client, Recipients: make([]EventOutcome, len(m.Recipients))}
	if e.Note = m.Own; m.About != (ID{}) {
		e.Note, e.Other = NoteAbout, m.About
	}
	for i := range m.Recipients {
		e.Recipients[i].Address = m.Recipients[i].Address
	}
	return e
}

// traceAccepted writes the event of the acceptance before the first other one.
// Until then the message itself is that event: Accept has a page less to write.
func (t *tx) traceAccepted(m *Message) error {
	if m.Traced {
		return nil
	}
	m.Traced = true
	return t.event(accepted(m))
}

// Trace is the life of one message, oldest event first.
func (s *Store) Trace(id ID) (list []Event, err error) {
	err = s.view(func(t *tx) error { list, err = t.life(id); return err })
	return list, err
}

func (t *tx) life(id ID) ([]Event, error) {
	m, err := t.message(id)
	if err != nil {
		return nil, err
	}
	if m != nil && !m.Traced {
		return []Event{*accepted(m)}, nil
	}
	return all[Event](t, trace, id[:])
}

// TraceScan calls fn for the events of messages that were accepted since then and
// before the one with that ID, the newest message first and the events of each in order,
// outside of any transaction. The zero ID is behind all.
func (s *Store) TraceScan(before ID, since time.Time, fn func(*Event) error) error {
	if before == (ID{}) {
		before = ID(bytes.Repeat([]byte{0xff}, 16))
	}
	oldest := FirstID(since)
	for n := 1; ; n++ {
		if n%trimSteps == 0 {
			s.db.Trim()
		}
		list, err := s.traceBefore(before, oldest)
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

// traceBefore reads the events of some messages before an ID, the newest first,
// down to oldest: from the trace, and from the spool those that have none there.
func (s *Store) traceBefore(before, oldest ID) (list []Event, err error) {
	err = s.view(func(t *tx) error {
		old := backward{c: t.b.Cursor(trace)}
		waiting := backward{c: t.b.Cursor(messages)}
		old.seek(before)
		waiting.seek(before)
		for len(list) < walkStep {
			id := old.id()
			if w := waiting.id(); w.Compare(id) > 0 {
				id = w
			}
			if id.Compare(oldest) < 0 || id == (ID{}) {
				return nil
			}
			if waiting.id() == id {
				m := &Message{}
				if err := decode("messages", waiting.k, waiting.raw, m); err != nil {
					return err
				}
				if !m.Traced {
					list = append(list, *accepted(m))
				}
				waiting.prev()
			}
			from := len(list)
			for ; old.id() == id; old.prev() {
				var e Event
				if err := decode("trace", old.k, old.raw, &e); err != nil {
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
	c      bolt.Cursor
	k, raw []byte
}

// seek moves to the last key before id.
func (b *backward) seek(id ID) {
	if k, _ := b.c.Seek(id[:]); k == nil {
		b.k, b.raw = b.c.Last()
	} else {
		b.prev()
	}
}

func (b *backward) prev() { b.k, b.raw = b.c.Prev() }

// id of the key; the zero one at the end.
func (b *backward) id() ID {
	if b.k == nil {
		return ID{}
	}
	return ID(b.k[:16])
}

// PruneTrace removes the events of messages accepted before then, with their dialogues, and
// returns how many events. It works in small transactions and stops with the store.
func (s *Store) PruneTrace(before time.Time) (removed int, err error) {
	end := FirstID(before)
	for more := true; more; {
		select {
		case <-s.closed:
			return removed, nil
		default:
		}
		n := 0
		err := s.update(0, func(t *tx) error {
			var others bool
			var err error
			if n, more, err = t.pruneByID(trace, end); err != nil {
				return err
			}
			_, others, err = t.pruneByID(dialogues, end)
			more = more || others
			return err
		})
		if err != nil {
			return removed, fmt.Errorf("prune trace: %w", err)
		}
		removed += n
	}
	return removed, nil
}
