package store

import "time"

// DueLanes returns lanes whose head is due by now, the earliest first, at most
// limit of them, without those that skip names. next is when there will be more: the
// due time of the first lane after now, now itself when the limit was reached,
// zero when nothing else waits. It reads as many keys as it returns and skips.
func (s *Store) DueLanes(now time.Time, limit int, skip func(Lane) bool) (list []Lane, next time.Time, err error) {
	err = s.view(func(t *tx) error {
		c := t.b.Cursor(due)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if at := parseTime(k); at.After(now) {
				next = at
				return nil
			}
			l, _, ok := parseLane(k[8:])
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
