package spool

import (
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/spooled"
)

// Bucket "due" holds each lane once, under the due time of its head, which is its first message.
// While a transaction changes a lane the bucket stays as it is: touch notes where the lane lies, and
// Flush moves it.

// NoHead is the head of a lane of which nothing is due.
const NoHead = int64(-1)

// touch notes where the lane lies in bucket "due" before its first change.
func (t *Tx) touch(lane []byte) {
	sc := t.scratch()
	if _, ok := sc.heads[string(lane)]; !ok {
		sc.heads[string(lane)] = HeadOf(t.Tx.Tx, lane)
	}
}

// HeadOf is the due time of a lane's first message in ms; NoHead where that is held or the lane is
// parked.
func HeadOf(b *engine.Tx, lane []byte) int64 {
	k, _ := b.Cursor(bucket.Queue).Seek(lane)
	if !room.HasPrefix(k, lane) || len(k) < len(lane)+8 {
		return NoHead
	}
	ms := room.ParseTime(k[len(lane):]).UnixMilli()
	if ms >= spooled.Never.UnixMilli() || isParked(b, lane) {
		return NoHead
	}
	return ms
}

// moveHead moves a lane in bucket "due" from its due time before the transaction to that of now.
func moveHead(b *engine.Tx, lane []byte, was int64) error {
	is := HeadOf(b, lane)
	if is == was {
		return nil
	}
	if was != NoHead {
		if err := b.Delete(bucket.Due, spooled.DueKey(time.UnixMilli(was), lane)); err != nil {
			return err
		}
	}
	if is == NoHead {
		return nil
	}
	return b.Put(bucket.Due, spooled.DueKey(time.UnixMilli(is), lane), []byte{})
}

// VisitDue calls fn for the lanes whose head is due by now, the earliest first, beginning at from (nil:
// at the first). When fn returns false it stops, and on is where to go on, with that lane again. next is
// the due time of the first lane that is due later; zero: there is none, or fn has stopped before it.
func (s *Spool) VisitDue(from []byte, now time.Time, fn func(spooled.Lane) bool) (on []byte, next time.Time, err error) {
	err = s.view(func(t *Tx) error {
		c := t.Cursor(bucket.Due)
		for k, _ := c.Seek(from); k != nil; k, _ = c.Next() {
			if at := room.ParseTime(k); at.After(now) {
				next = at
				return nil
			}
			if l, _, ok := spooled.ParseLane(k[8:]); ok && !fn(l) {
				on = append([]byte{}, k...)
				return nil
			}
		}
		return nil
	})
	return on, next, err
}

// mostHeads is how many accounts' lanes to a domain NextDue looks at.
const mostHeads = 1000

// NextDue is when the first message of an account to a domain is due; account "" is any.
// ok is false when none waits, or all are held or of stopped accounts.
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
