package store

import (
	"fmt"
	"time"
)

// EventKind says what happened to a message.
type EventKind string

const (
	EventAccepted EventKind = "accepted" // taken and charged
	EventAttempt  EventKind = "attempt"  // one transaction at a next hop, or why there was none
	EventNotice   EventKind = "notice"   // a DSN about it was queued
	EventChanged  EventKind = "changed"  // held, released, retried or dropped by the operator
	EventExpired  EventKind = "expired"  // given up without a further attempt
)

// Event is a line in the life of a message. Bucket "trace", key ID and a
// sequence number, JSON. It outlives the message by the time the operator keeps
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
	Text       string         `json:"text,omitempty"`
	Recipients []EventOutcome `json:"recipients,omitempty"`
}

// EventOutcome is one recipient's part in an event.
type EventOutcome struct {
	Address string         `json:"addr"`
	State   RecipientState `json:"state,omitempty"`
	Reply   string         `json:"reply,omitempty"`
	Next    time.Time      `json:"next,omitzero"`
}

// event appends to the trace. Events of one microsecond are told apart by a number.
func (t *tx) event(e *Event) error {
	key := traceKey(e.ID, e.Time, 0)
	for n := uint16(1); t.b.Get(trace, key) != nil; n++ {
		key = traceKey(e.ID, e.Time, n)
	}
	return t.put(trace, key, e)
}

// Trace is the life of one message, oldest event first.
func (s *Store) Trace(id ID) (list []Event, err error) {
	err = s.view(func(t *tx) error { list, err = all[Event](t, trace, id[:]); return err })
	return list, err
}

// TraceScan calls fn for the events of messages accepted since then, the newest
// message first and the events of each in order, outside of any transaction.
func (s *Store) TraceScan(since time.Time, fn func(*Event) error) error {
	var before *ID
	oldest := firstID(since)
	for {
		list, err := s.traceBefore(before, oldest)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if err := fn(&list[i]); err != nil {
				return err
			}
		}
		before = &list[len(list)-1].ID
		s.db.Trim()
	}
}

// traceBefore reads the events of the messages before an ID (nil: the newest),
// of whole messages, newest message first, down to oldest.
func (s *Store) traceBefore(before *ID, oldest ID) (list []Event, err error) {
	err = s.view(func(t *tx) error {
		c := t.b.Cursor(trace)
		var k, raw []byte
		if before == nil {
			k, raw = c.Last()
		} else if k, _ = c.Seek(before[:]); k == nil {
			return nil
		} else {
			k, raw = c.Prev()
		}
		group := 0 // where the events of the present message start
		for ; k != nil && ID(k[:16]).Compare(oldest) >= 0; k, raw = c.Prev() {
			var e Event
			if err := decode("trace", k, raw, &e); err != nil {
				return err
			}
			if len(list) > 0 && list[group].ID != e.ID {
				if len(list) >= walkStep {
					break
				}
				group = len(list)
			}
			list = append(list, Event{})
			copy(list[group+1:], list[group:])
			list[group] = e
		}
		return nil
	})
	return list, err
}

// PruneTrace removes the events of messages accepted before then, and returns
// how many. It works in small transactions and stops with the store.
func (s *Store) PruneTrace(before time.Time) (removed int, err error) {
	end := firstID(before)
	for more := true; more; {
		select {
		case <-s.closed:
			return removed, nil
		default:
		}
		n := 0
		err := s.update(0, func(t *tx) error {
			n, more = 0, false
			var keys [][]byte
			c := t.b.Cursor(trace)
			for k, _ := c.First(); k != nil && ID(k[:16]).Compare(end) < 0; k, _ = c.Next() {
				if len(keys) == walkStep {
					more = true
					break
				}
				keys = append(keys, append([]byte(nil), k...))
			}
			for _, k := range keys {
				if err := t.b.Delete(trace, k); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			return removed, fmt.Errorf("prune trace: %w", err)
		}
		removed += n
	}
	return removed, nil
}
