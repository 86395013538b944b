package store

import (
	"strings"

	"relay/store/bucket"
	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/spooled"
)

// countStored adds up what each usage has in the spool.
func countStored(t *tx) error {
	stored := map[string]int64{} // by key
	c := t.Cursor(bucket.Messages)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		m := &spooled.Message{}
		if err := room.Decode(bucket.Messages, k, raw, m); err != nil {
			return err
		}
		if m.Period != "" {
			stored[string(room.Pair(m.Account, m.Period))] += m.Stored
		}
	}
	for key, n := range stored {
		u := usage10{}
		if _, err := t.Read(bucket.Usage, []byte(key), &u); err != nil {
			return err
		}
		u.Account, u.Period, _ = strings.Cut(key, "\x00")
		u.Stored += n
		if err := t.Write(bucket.Usage, []byte(key), &u); err != nil {
			return err
		}
	}
	return nil
}

// countWaiting counts the messages that each usage has in the spool of a store that an earlier
// relay has written, once.
func (s *Store) countWaiting(readOnly bool) error {
	counted := false
	err := s.view(func(t *tx) error { counted = t.Get(bucket.Meta, keyWaiting) != nil; return nil })
	if err != nil || counted || readOnly {
		return err
	}
	return s.update(0, func(t *tx) error {
		c := t.Cursor(bucket.Messages)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			var m struct {
				Account string `json:"account"`
				Period  string `json:"period"`
			}
			if err := room.Decode(bucket.Messages, k, raw, &m); err != nil {
				return err
			}
			t.s.Outcomes.Enter(&t.Tx, outcomes.Mail{Account: m.Account, Period: m.Period}, 0)
		}
		return t.Put(bucket.Meta, keyWaiting, []byte{1})
	})
}
