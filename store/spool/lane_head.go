package spool

import (
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// mostHeads is how many accounts' lanes to a domain are looked at.
const mostHeads = 1000

// NextDue is when the first message of an account to a domain is due; account "" is any.
// ok is false when none waits, or all are held.
func (s *Spool) NextDue(domain, account string) (at time.Time, ok bool, err error) {
	err = s.view(func(t *Tx) error {
		prefix := append([]byte(domain), 0)
		if account != "" {
			prefix = spooled.Lane{Domain: domain, Account: account}.Key()
		}
		c := t.Cursor(bucket.Queue)
		k, _ := c.Seek(prefix)
		for n := 0; k != nil && room.HasPrefix(k, prefix) && n < mostHeads; n++ {
			l, due, _, is := spooled.ParseQueueKey(k)
			if is && due.Before(spooled.Never) && !t.s.Stopped(l.Account) && (!ok || due.Before(at)) {
				at, ok = due, true
			}
			if !is || account != "" {
				return nil
			}
			next := l.Key()
			next[len(next)-1] = 1 // behind all of the lane
			k, _ = c.Seek(next)
		}
		return nil
	})
	return at, ok, err
}
