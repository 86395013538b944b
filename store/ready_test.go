package store

import (
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// DueLanes returns lanes whose head is due by now, the earliest first, at most
// limit of them, without those that skip names. next is when there will be more: the
// due time of the first lane after now, now itself when the limit was reached,
// zero when nothing else waits. It reads as many keys as it returns and skips.
func (s *Store) DueLanes(now time.Time, limit int, skip func(spooled.Lane) bool) (list []spooled.Lane, next time.Time, err error) {
	err = s.view(func(t *tx) error {
		c := t.Cursor(bucket.Due)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if at := room.ParseTime(k); at.After(now) {
				next = at
				return nil
			}
			l, _, ok := spooled.ParseLane(k[8:])
			if !ok || (skip != nil && skip(l)) {
				continue
			}
			if len(list) == limit {
				next = now
				return nil
			}
			list = append(list, l)
		}
		return nil
	})
	return list, next, err
}
