package spool

import (
	"fmt"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// Queue calls fn for each message of the queue after the one with that ID (zero: for all), in order of
// acceptance, outside of any transaction: a queue of a million is streamed.
func (s *Spool) Queue(after spooled.ID, fn func(*spooled.Message) error) error {
	var from []byte
	if after != (spooled.ID{}) {
		from = append(after[:], 0)
	}
	return room.Walk(s.db, bucket.Messages, nil, from, func(_ []byte, m *spooled.Message) error { return fn(m) })
}

// QueueMessage is a message of the queue. It fails with room.ErrNotFound where there is none.
func (s *Spool) QueueMessage(id spooled.ID) (m *spooled.Message, err error) {
	err = s.view(func(t *Tx) error {
		m, err = t.Message(id)
		if err == nil && m == nil {
			err = fmt.Errorf("message %s: %w", id, room.ErrNotFound)
		}
		return err
	})
	return m, err
}

// Sweep returns up to limit messages of the spool that come after the ID after and
// were accepted before that instant, oldest first.
func (s *Spool) Sweep(after spooled.ID, before time.Time, limit int) (list []*spooled.Message, err error) {
	err = s.view(func(t *Tx) error {
		c := t.Cursor(bucket.Messages)
		end := spooled.FirstID(before)
		for k, raw := c.Seek(append(append([]byte(nil), after[:]...), 0)); k != nil && len(list) < limit; k, raw = c.Next() {
			if spooled.ID(k).Compare(end) >= 0 {
				return nil
			}
			m := &spooled.Message{}
			if err := room.Decode(bucket.Messages, k, raw, m); err != nil {
				return err
			}
			list = append(list, m)
		}
		return nil
	})
	return list, err
}
