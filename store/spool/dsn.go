package spool

import (
	"errors"
	"fmt"
	"io"
	"time"

	"relay/store/bodies"
	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
	"relay/store/trace"
)

// DSNs tell a sender what became of a message (RFC 3461), one DSN for everything within a minute:
//
//  1. Settle, Claim for suppressed recipients, or Operate for dropped ones, stores with a recipient what
//     there is to tell. The first such recipient puts the message on the list, bucket "dsns", under the
//     time at which its sender is told.
//  2. With the last recipient, before the message is removed, or at that time by SendDSNs, one DSN tells
//     everything. It is built, counted and queued in the transaction that takes the message off the list.
//
// So a crash neither loses a report nor sends it twice, and a start reads only the front of the list.

// DSNs says how DSNs are made.
type DSNs struct {
	// Build words the DSN about the recipients of a message whose DSN is not nil. own says that the
	// sender is the account's own, see Customer.Owns; original reads the message. It runs in a
	// transaction, perhaps more than once, and returns false when there is nobody to tell.
	Build   func(about *spooled.Message, own bool, original io.Reader) (Notice, bool)
	PerHour int // at most so many in an hour about one account's mail; 0: any number
}

// SetDSNs says how DSNs are made from now on. Before it is called, none are.
func (s *Spool) SetDSNs(d DSNs) { s.dsns.Store(&d) }

// DSNResult is what became of a DSN: it was queued, or withheld because the account had too many, or
// there was nobody to send it to.
type DSNResult struct {
	About    spooled.ID
	Account  string
	From     string  // the sender
	Notice   *Notice // nil: none was queued; unless it was Withheld, the sender has no domain to send it to
	Withheld bool    // it was over DSNs.PerHour
	Unread   error   // why the message could not be read; the DSN goes without it
}

// dsnHour counts an account's DSNs. Bucket "dsn-hours", key account, JSON.
type dsnHour struct {
	Hour time.Time `json:"hour"` // its beginning, UTC
	Sent int       `json:"sent"`
}

const (
	dsnCollect = time.Minute // what happens within it goes into one DSN
	dsnWeight  = 8 << 10     // about how many octets a DSN has
	dsnBatch   = 32          // messages whose senders one transaction tells
)

// tellSender sends the DSN with the last recipient. Before that it puts the message on the list, or takes
// it off where there is nothing left to tell. The caller stores the message.
func (t *Tx) tellSender(m *spooled.Message) error {
	untold := m.Untold()
	switch {
	case untold && m.Done():
		return t.sendDSN(m)
	case untold && m.DSNDue.IsZero():
		m.DSNDue = t.Wall.Add(dsnCollect)
		return t.Put(bucket.Dsns, spooled.DSNKey(m), []byte{})
	case !untold && !m.DSNDue.IsZero():
		return t.dropDSNKey(m)
	}
	return nil
}

// dropDSNKey takes a message off the list.
func (t *Tx) dropDSNKey(m *spooled.Message) error {
	key := spooled.DSNKey(m)
	m.DSNDue = time.Time{}
	return t.Delete(bucket.Dsns, key)
}

// sendDSN queues one DSN about all that the sender is to be told.
func (t *Tx) sendDSN(m *spooled.Message) error {
	if !m.DSNDue.IsZero() {
		if err := t.dropDSNKey(m); err != nil {
			return err
		}
	}
	how := t.s.dsns.Load()
	hour, err := t.dsnHour(m.Account)
	if err != nil {
		return err
	}
	sent := DSNResult{About: m.ID, Account: m.Account, From: m.Sender}
	if sent.Withheld = how.PerHour > 0 && hour.Sent >= how.PerHour; !sent.Withheld {
		if err := t.buildDSN(m, how, &sent); err != nil {
			return err
		}
	}
	for i := range m.Recipients {
		m.Recipients[i].DSN = nil
	}
	if err := t.queueDSN(m, how, hour, &sent); err != nil {
		return err
	}
	t.then.sent = append(t.then.sent, sent)
	return nil
}

// buildDSN has the DSN worded.
func (t *Tx) buildDSN(m *spooled.Message, how *DSNs, sent *DSNResult) error {
	a, err := t.customer(m.Account)
	if err != nil && !errors.Is(err, room.ErrNotFound) {
		return err
	}
	body := bodies.In(&t.Tx, m.ID, m.Stored)
	n, ok := how.Build(m, err == nil && a.Owns(m.Sender), body)
	if ok {
		n.Message.ID, n.Message.Account, n.Message.About = t.s.o.IDs.Next(t.Wall), m.Account, m.ID
		sent.Notice, sent.Unread = &n, body.Err()
	}
	return nil
}

// queueDSN queues and counts a DSN, or counts that it was withheld. Either is in the trace.
func (t *Tx) queueDSN(m *spooled.Message, how *DSNs, hour *dsnHour, sent *DSNResult) error {
	e := &trace.Event{ID: m.ID, Time: t.Wall, Kind: trace.EventNotice, Account: m.Account}
	switch {
	case sent.Withheld:
		e.Note, e.Sent = spooled.NoteNoDSN, how.PerHour
		t.s.Outcomes.Withheld(&t.Tx, counted(m))
	case sent.Notice == nil:
		return nil
	default:
		d := &sent.Notice.Message
		if err := t.enqueueOwn(d, sent.Notice.Body); err != nil {
			return err
		}
		hour.Sent++
		if err := t.Write(bucket.DsnHours, []byte(m.Account), hour); err != nil {
			return err
		}
		e.Note, e.Other, e.Recipients = spooled.NoteDSN, d.ID, trace.Accepted(d).Recipients
		t.s.Outcomes.DSN(&t.Tx, counted(m))
	}
	return t.s.Trace.Happened(&t.Tx, e, m)
}

// dsnHour is the account's count in the hour that is now.
func (t *Tx) dsnHour(account string) (*dsnHour, error) {
	h := &dsnHour{}
	if _, err := t.Read(bucket.DsnHours, []byte(account), h); err != nil {
		return nil, err
	}
	if now := t.Wall.Truncate(time.Hour); !h.Hour.Equal(now) {
		*h = dsnHour{Hour: now}
	}
	return h, nil
}

// SendDSNs sends the DSNs of some messages that are due; more: others may be due as well. Where the clock
// was set back, a message that seems due in more than a minute is due now.
func (s *Spool) SendDSNs() (sent []DSNResult, more bool, err error) {
	var ids []spooled.ID
	err = s.view(func(t *Tx) error { ids = t.dueDSNs(); return nil })
	if err != nil || len(ids) == 0 {
		return nil, false, err
	}
	err = s.UpdateThen(len(ids)*dsnWeight, func(t *Tx) error {
		for _, id := range t.dueDSNs() {
			m, err := t.Message(id)
			if err != nil {
				return err
			}
			if m == nil {
				return fmt.Errorf("message %s, whose sender is to be told, is not there; see relay check --store", id)
			}
			if err := errors.Join(trace.WriteAccepted(&t.Tx, m), t.sendDSN(m)); err != nil {
				return err
			}
			if err := t.s.Envelopes.Write(&t.Tx, m); err != nil {
				return err
			}
		}
		sent = t.then.sent
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("send DSNs: %w", err)
	}
	return sent, len(ids) == dsnBatch, nil
}

// dueDSNs are the first messages whose sender is to be told by now.
func (t *Tx) dueDSNs() (ids []spooled.ID) {
	c := t.Cursor(bucket.Dsns)
	for k, _ := c.First(); k != nil && len(ids) < dsnBatch; k, _ = c.Next() {
		at := room.ParseTime(k)
		if at.After(t.Wall) && !at.After(t.Wall.Add(dsnCollect)) {
			break
		}
		ids = append(ids, spooled.ID(k[8:]))
	}
	return ids
}

// TakeDSN counts another mail to an account as one of its DSNs. It reports false, and counts nothing,
// where the account has had as many as it may in this hour.
func (t *Tx) TakeDSN(account string) (bool, error) {
	hour, err := t.dsnHour(account)
	if err != nil {
		return false, err
	}
	if how := t.s.dsns.Load(); how.PerHour > 0 && hour.Sent >= how.PerHour {
		return false, nil
	}
	hour.Sent++
	return true, t.Write(bucket.DsnHours, []byte(account), hour)
}
