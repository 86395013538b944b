package spool

import (
	"context"
	"encoding/binary"
	"time"

	"relay/store/bucket"
	"relay/store/spooled"
)

// LaneSum is what waits in a lane.
type LaneSum struct {
	spooled.Lane
	Messages   int64
	Recipients int64
	Held       int64      // messages that are held, or whose account is stopped
	Oldest     spooled.ID // of the messages
	Next       time.Time  // when the first of them is due; zero: all are held or stopped
}

// lanesStep is how many entries one transaction of Lanes reads. It may be large: they are keys only.
const lanesStep = 8192

// Lanes calls fn for each lane that has mail, by domain and then by account, outside of any
// transaction. It reads only the queue's keys, a million in about a second. Messages that are claimed or
// settled meanwhile may be counted twice or not at all.
func (s *Spool) Lanes(ctx context.Context, fn func(*LaneSum) error) error {
	var sum LaneSum
	var full []LaneSum // lanes that a transaction came to the end of
	for from := []byte{}; from != nil; {
		full = full[:0]
		err := s.view(func(t *Tx) (err error) {
			from, err = t.sumLanes(from, &sum, func() { full = append(full, sum) })
			return err
		})
		s.db.Engine().Trim()
		if err == nil {
			err = ctx.Err()
		}
		for i := range full {
			if err == nil {
				err = fn(&full[i])
			}
		}
		if err != nil {
			return err
		}
	}
	if sum.Messages == 0 {
		return nil
	}
	return fn(&sum)
}

// sumLanes adds entries to sum, beginning at a key, and calls next before it begins another lane. It
// returns where to go on; nil: those were all.
func (t *Tx) sumLanes(from []byte, sum *LaneSum, next func()) ([]byte, error) {
	c := t.Cursor(bucket.Queue)
	n := 0
	for k, raw := c.Seek(from); k != nil; k, raw = c.Next() {
		if n++; n > lanesStep {
			return append([]byte(nil), k...), nil
		}
		l, at, id, ok := spooled.ParseQueueKey(k)
		if !ok {
			continue // relay check --store tells
		}
		if l != sum.Lane {
			if sum.Messages > 0 {
				next()
			}
			*sum = LaneSum{Lane: l}
		}
		count, err := t.countOf(raw, l, id)
		if err != nil {
			return nil, err
		}
		if t.s.Stopped(l.Account) {
			at = spooled.Never
		}
		sum.Add(id, at, count)
	}
	return nil, nil
}

// Add adds a message.
func (s *LaneSum) Add(id spooled.ID, at time.Time, recipients int64) {
	if s.Messages == 0 || id.Compare(s.Oldest) < 0 {
		s.Oldest = id
	}
	s.Messages++
	s.Recipients += recipients
	switch {
	case !at.Before(spooled.Never):
		s.Held++
	case s.Next.IsZero() || at.Before(s.Next):
		s.Next = at
	}
}

// countOf is how many recipients an entry stands for: what spooled.CountAt wrote or, in an entry of an
// earlier relay, which has no count, what the message says.
func (t *Tx) countOf(raw []byte, l spooled.Lane, id spooled.ID) (int64, error) {
	if n, size := binary.Uvarint(raw); size > 0 {
		return int64(n), nil
	}
	m, err := t.Message(id)
	if err != nil || m == nil {
		return 0, err
	}
	return int64(len(m.Pending(l.Domain))), nil
}
