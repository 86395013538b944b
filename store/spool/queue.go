package spool

import (
	"fmt"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// Queue calls fn for each message of the queue behind the one with that ID, in the
// order of acceptance, outside of any transaction: a queue of a million streams. The
// zero ID is before all.
func (s *Spool) Queue(after spooled.ID, fn func(*spooled.Message) error) error {
	var from []byte
	if after != (spooled.ID{}) {
		from = append(after[:], 0)
	}
	return room.Walk(s.db, bucket.Messages, nil, from, func(_ []byte, m *spooled.Message) error { return fn(m) })
}

// QueueMessage is one message of the queue.
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
