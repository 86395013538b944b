package spool

import (
	"errors"
	"maps"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/engine"
	"relay/store/news"
	"relay/store/room"
	"relay/store/spooled"
)

// Queued mail of a suspended account is kept (M8): it is not tried, and does not age. An unpaid invoice
// stops no mail that was accepted before.
//
//  1. StopQueue stores since when, in the transaction of the order that suspends the account. From
//     then on Claim hands out none of its mail, and the mailer's walk gives none up.
//  2. Claim parks each lane of such an account that it is asked for: it takes the lane out of bucket
//     "due", so that nobody looks at it again. That costs the same whatever waits in the lane.
//  3. StartQueue stores the span, in the transaction of the order that lifts the suspension, and leaves
//     a chore. The chore takes the lanes back, some in each transaction.
//  4. Claim adds the span to the life of each message that it hands out.
//
// A kill at any point leaves the account stopped or not, as its state says, and the chore. Bucket
// "stops" (spooled.Stop) keeps an account's record when its mail goes on, for 4. Bucket "parked", key
// account NUL domain, lists the lanes that are not in bucket "due" although mail is due.

// stops are the accounts that are stopped, or were, in memory. The map is replaced, never changed.
type stops = map[string]spooled.Stop

// Stopped reports whether an account's mail is stopped. It is answered from memory.
func (s *Spool) Stopped(account string) bool { return !s.StoppedSince(account).IsZero() }

// AnyStopped reports whether any account is stopped, or was.
func (s *Spool) AnyStopped() bool { return len(*s.stops.Load()) > 0 }

// StoppedSince is when an account was stopped; zero: it is not.
func (s *Spool) StoppedSince(account string) time.Time { return (*s.stops.Load())[account].Since }

// ExpiresOf is when a message expires, including the time for which its account was stopped,
// which is not in the message yet. A stop that still lasts is added when it ends.
func (s *Spool) ExpiresOf(m *spooled.Message) time.Time {
	st, ok := (*s.stops.Load())[m.Account]
	if !ok {
		return m.Expires
	}
	d, _ := st.Longer(m)
	return m.Expires.Add(d)
}

// loadStops takes the stops into memory.
func (s *Spool) loadStops() error {
	all := stops{}
	err := s.view(func(t *Tx) error {
		c := t.Cursor(bucket.StopsOf)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			st := spooled.Stop{}
			if err := room.Decode(bucket.StopsOf, k, raw, &st); err != nil {
				return err
			}
			all[string(k)] = st
		}
		return nil
	})
	s.stops.Store(&all)
	return err
}

// putStop stores a stop, and takes it into memory when it is on disk; nil removes it.
func (t *Tx) putStop(account string, st *spooled.Stop) error {
	t.OnCommit(func() { // only the writer calls these
		all := maps.Clone(*t.s.stops.Load())
		if delete(all, account); st != nil {
			all[account] = *st
		}
		t.s.stops.Store(&all)
	})
	if st == nil {
		return t.Delete(bucket.StopsOf, []byte(account))
	}
	return t.Write(bucket.StopsOf, []byte(account), st)
}

// stopOf is the stop of an account, as this transaction sees it; nil: it never was stopped.
func (t *Tx) stopOf(account string) (*spooled.Stop, error) {
	st := &spooled.Stop{}
	ok, err := t.Read(bucket.StopsOf, []byte(account), st)
	if err != nil || !ok {
		return nil, err
	}
	return st, nil
}

// StopQueue stops an account's mail.
func (t *Tx) StopQueue(account string) error {
	st, err := t.stopOf(account)
	if err != nil || st.Stopped() {
		return err
	}
	if st == nil {
		st = &spooled.Stop{}
	}
	st.Since = t.Wall
	return errors.Join(t.putStop(account, st), t.dropOfQueue(account))
}

// ofQueue are the kinds of news that a suspension makes pointless: the warning before it, and news that
// mail is slowed or held for other reasons.
var ofQueue = []news.Kind{news.Warned, news.Held, news.Slowed, news.Waits}

// dropOfQueue drops such news that was not told yet: the suspension says more.
func (t *Tx) dropOfQueue(account string) (err error) {
	for _, kind := range ofQueue {
		err = errors.Join(err, news.Drop(&t.Tx, account, kind))
	}
	return err
}

// TellOfQueue adds news of an account's mail, unless the account is suspended.
func (t *Tx) TellOfQueue(n news.Item) error {
	if st, err := t.stopOf(n.Account); err != nil || st.Stopped() {
		return err
	}
	return t.s.News.Add(&t.Tx, n)
}

// StartQueue lets an account's mail go on, and reports whether it was stopped.
func (t *Tx) StartQueue(account string) (was bool, err error) {
	st, err := t.stopOf(account)
	if err != nil || !st.Stopped() {
		return false, err
	}
	if t.Wall.After(st.Since) {
		st.Over(spooled.Span{From: st.Since, To: t.Wall})
	}
	st.Since = time.Time{}
	return true, errors.Join(t.putStop(account, st), chores.Add(&t.Tx, chores.Chore{Kind: chores.Unpark, Account: account, Due: t.Wall}))
}

// parkedKey of a lane.
func parkedKey(l spooled.Lane) []byte { return room.Pair(l.Account, l.Domain) }

// isParked reports whether a lane waits for the end of a suspension. For accounts that never were
// suspended it needs only the first look-up, in a bucket with few keys.
func isParked(b *engine.Tx, lane []byte) bool {
	i := slices.Index(lane, 0)
	if i < 0 || len(lane) < i+2 {
		return false
	}
	domain, account := lane[:i], lane[i+1:len(lane)-1]
	return b.Get(bucket.StopsOf, account) != nil && b.Get(bucket.Parked, room.Pair(string(account), string(domain))) != nil
}

// parks parks a lane if its account is stopped, and reports whether it is. Of another account st has the
// spans for which its messages live longer; nil: none.
func (t *Tx) parks(l spooled.Lane) (is bool, st *spooled.Stop, err error) {
	if l.Account == "" || t.Get(bucket.StopsOf, []byte(l.Account)) == nil {
		return false, nil, nil
	}
	if st, err = t.stopOf(l.Account); err != nil || !st.Stopped() {
		return false, st, err
	}
	t.touch(l.Key())
	return true, nil, t.Put(bucket.Parked, parkedKey(l), []byte{})
}

// unpark takes some lanes of an account back into bucket "due". Where the account is stopped again they
// stay parked, and the chore is over.
func (t *Tx) unpark(c chores.Chore) (more bool, err error) {
	if st, err := t.stopOf(c.Account); err != nil || st == nil || st.Stopped() {
		return false, errors.Join(err, chores.Remove(&t.Tx, c))
	}
	prefix := room.Pair(c.Account, "")
	var lanes []spooled.Lane
	cur := t.Cursor(bucket.Parked)
	for k, _ := cur.Seek(prefix); room.HasPrefix(k, prefix) && len(lanes) < replanStep; k, _ = cur.Next() {
		lanes = append(lanes, spooled.Lane{Domain: string(k[len(prefix):]), Account: c.Account})
	}
	for _, l := range lanes {
		t.touch(l.Key())
		if err := t.Delete(bucket.Parked, parkedKey(l)); err != nil {
			return false, err
		}
	}
	t.then.lanes = append(t.then.lanes, lanes...)
	if len(lanes) < replanStep {
		return false, chores.Remove(&t.Tx, c)
	}
	return true, nil
}

// deleteStop removes what is remembered of an account's suspensions.
func (t *Tx) deleteStop(account string) error {
	if t.Get(bucket.StopsOf, []byte(account)) == nil {
		return nil
	}
	return errors.Join(t.DeleteOf(bucket.Parked, account), t.putStop(account, nil))
}
