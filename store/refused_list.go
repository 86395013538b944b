package store

import (
	"bytes"
	"slices"
	"time"

	"relay/store/bolt"
)

// errorsKept is how long an entry of a list of errors is kept after its last refusal, and
// daysKept how long outcomes are kept by day.
const (
	errorsKept = 400 * 24 * time.Hour
	daysKept   = 400
)

// EachError calls fn for the entries of an account's list of errors, outside of any
// transaction: the last to be refused first, down to an instant, from behind a key that fn got
// before; "" is the beginning. A recipient that is refused meanwhile may be missed.
func (s *Store) EachError(account string, since time.Time, after string, fn func(key string, is *RefusedRecipient) error) error {
	for more := true; more; {
		var list []errorEntry
		err := s.view(func(t *tx) (err error) {
			list, err = t.errorsBefore(account, since, after, walkStep)
			return err
		})
		if err != nil {
			return err
		}
		for i := range list {
			if err := fn(list[i].key, &list[i].is); err != nil {
				return err
			}
		}
		if more = len(list) == walkStep; more {
			after = list[len(list)-1].key
		}
	}
	return nil
}

// errorEntry is an entry of a list of errors, and its key in the order of time.
type errorEntry struct {
	key string
	is  RefusedRecipient
}

// errorsBefore are at most n entries, the newest first, from behind a key.
func (t *tx) errorsBefore(account string, since time.Time, after string, n int) (list []errorEntry, err error) {
	prefix := ledgerPrefix(account)
	c := t.b.Cursor(errorTimes)
	for k := before(c, prefix, after); k != nil && hasPrefix(k, prefix) && len(list) < n; k, _ = c.Prev() {
		last, mailbox, ok := parseErrorTime(k[len(prefix):])
		if !ok || last.Before(since.Truncate(time.Millisecond)) {
			break
		}
		e := errorEntry{key: string(k[len(prefix):])}
		there, err := t.get(errorsOf, pairKey(account, mailbox), &e.is)
		if err != nil {
			return nil, err
		}
		if there {
			e.is.Advice = e.is.advise()
			list = append(list, e)
		}
	}
	return list, nil
}

// before is the last key of an owner in front of another one, or of all with "".
func before(c bolt.Cursor, prefix []byte, key string) []byte {
	end := append(slices.Clone(prefix), key...)
	if key == "" {
		end[len(end)-1] = 1 // beyond them all
	}
	k, _ := c.Seek(end)
	if k == nil {
		k, _ = c.Last()
		return k
	}
	k, _ = c.Prev()
	return k
}

// RefusedAs is the entry of an address in an account's list of errors.
func (s *Store) RefusedAs(account, address string) (is RefusedRecipient, ok bool, err error) {
	mailbox, valid := Mailbox(address)
	if !valid {
		return is, false, nil
	}
	err = s.view(func(t *tx) error { ok, err = t.get(errorsOf, pairKey(account, mailbox), &is); return err })
	is.Advice = is.advise()
	return is, ok, err
}

// PruneErrors removes entries of lists of errors and days of outcomes that are too old, and
// those of accounts that are gone. It reads what it removes and one more record an account.
// It works in small transactions and stops with the store. A crash leaves the rest to the
// next run.
func (s *Store) PruneErrors(now time.Time) (removed int, err error) {
	oldest := now.Add(-errorsKept)
	day := now.In(s.zone).AddDate(0, 0, -daysKept).Format(time.DateOnly)
	for _, a := range []aging{
		{errorTimes, func(rest []byte) bool { last, _, ok := parseErrorTime(rest); return ok && last.Before(oldest) }, (*tx).forgetError},
		{daysOf, func(rest []byte) bool { is, _ := parseDay(rest); return is < day }, func(t *tx, k []byte) error { return t.b.Delete(daysOf, k) }},
	} {
		n, err := s.skim(a, nil)
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// aging is a bucket whose keys are account NUL and something that sorts by age.
type aging struct {
	in     bolt.Bucket
	old    func(rest []byte) bool // what follows the NUL
	remove func(t *tx, key []byte) error
}

// skim removes old records of all accounts, or of the one whose prefix is only. One that was
// renewed has another key.
func (s *Store) skim(a aging, only []byte) (removed int, err error) {
	return stepwise{
		find: func(t *tx, from []byte) ([][]byte, []byte, bool, error) {
			keys, next, more := t.aged(a, from, only)
			return keys, next, more, nil
		},
		remove: func(t *tx, k []byte) (bool, error) {
			if t.b.Get(a.in, k) == nil {
				return false, nil
			}
			return true, a.remove(t, k)
		},
	}.run(s, only)
}

// aged returns old keys, walkStep at most, and where the next ones begin. At the first key
// of an account that is not old it goes on with the next account.
func (t *tx) aged(a aging, from, only []byte) (keys [][]byte, next []byte, more bool) {
	c := t.b.Cursor(a.in)
	k, _ := c.Seek(from)
	for n := 0; k != nil && hasPrefix(k, only); n++ {
		if n == walkStep {
			return keys, slices.Clone(k), true
		}
		account, rest, _ := bytes.Cut(k, []byte{0})
		if a.old(rest) || t.b.Get(accounts, account) == nil {
			keys = append(keys, slices.Clone(k))
			k, _ = c.Next()
			continue
		}
		k, _ = c.Seek(append(slices.Clone(account), 1))
	}
	return keys, nil, false
}

// forgetError removes an entry, by its key in the order of time.
func (t *tx) forgetError(key []byte) error {
	account, rest, _ := bytes.Cut(key, []byte{0})
	_, mailbox, _ := parseErrorTime(rest)
	if err := t.b.Delete(errorsOf, pairKey(string(account), mailbox)); err != nil {
		return err
	}
	if t.b.Get(accounts, account) != nil {
		n, err := t.errorCount(string(account))
		if err != nil {
			return err
		}
		n.is--
		t.b.Touch()
	}
	return t.b.Delete(errorTimes, key)
}

// forgetErrors removes the list of an account that is gone, which may be long, after the
// transaction that removed the account. What a crash leaves of it PruneErrors removes.
func (s *Store) forgetErrors(account string) error {
	all := func([]byte) bool { return true }
	_, err := s.skim(aging{errorTimes, all, (*tx).forgetError}, ledgerPrefix(account))
	return err
}
