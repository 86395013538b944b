package refusals

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/maildomain"
	"relay/store/room"
)

// errorsKept is how long an entry of a list of errors is kept after its last refusal.
const errorsKept = 400 * 24 * time.Hour

// EachError calls fn for the entries of an account's list of errors, outside of any
// transaction: the last to be refused first, down to an instant, from behind a key that fn got
// before; "" is the beginning. A recipient that is refused meanwhile may be missed.
func (r *Refusals) EachError(account string, since time.Time, after string, fn func(key string, is *Entry) error) error {
	for more := true; more; {
		var list []errorEntry
		err := r.db.View(func(t room.Tx) (err error) {
			list, err = errorsBefore(&t, account, since, after, room.Step)
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
		if more = len(list) == room.Step; more {
			after = list[len(list)-1].key
		}
	}
	return nil
}

// errorEntry is an entry of a list of errors, and its key in the order of time.
type errorEntry struct {
	key string
	is  Entry
}

// errorsBefore are at most n entries, the newest first, from behind a key.
func errorsBefore(t *room.Tx, account string, since time.Time, after string, n int) (list []errorEntry, err error) {
	prefix := room.Pair(account, "")
	c := t.Cursor(bucket.ErrorTimes)
	for k := before(c, prefix, after); k != nil && room.HasPrefix(k, prefix) && len(list) < n; k, _ = c.Prev() {
		last, mailbox, ok := parseErrorTime(k[len(prefix):])
		if !ok || last.Before(since.Truncate(time.Millisecond)) {
			break
		}
		e := errorEntry{key: string(k[len(prefix):])}
		there, err := t.Read(bucket.ErrorsOf, room.Pair(account, mailbox), &e.is)
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

// Newest returns at most so many entries of an account that are not older than an instant, the last
// to be refused first, and how many entries the list has.
func (r *Refusals) Newest(t *room.Tx, account string, since time.Time, most int) (list []Entry, count int64, err error) {
	n, err := errorCount(t, account)
	if err != nil {
		return nil, 0, err
	}
	found, err := errorsBefore(t, account, since, "", most)
	for i := range found {
		list = append(list, found[i].is)
	}
	return list, n.is, err
}

// before is the last key of an owner in front of another one, or of all with "".
func before(c engine.Cursor, prefix []byte, key string) []byte {
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
func (r *Refusals) RefusedAs(account, address string) (is Entry, ok bool, err error) {
	mailbox, valid := maildomain.Mailbox(address)
	if !valid {
		return is, false, nil
	}
	err = r.db.View(func(t room.Tx) error { ok, err = t.Read(bucket.ErrorsOf, room.Pair(account, mailbox), &is); return err })
	is.Advice = is.advise()
	return is, ok, err
}

// PruneErrors removes entries of lists of errors that are too old, and those of accounts that are
// gone. It works in small transactions and stops with the store. A crash leaves the rest to the
// next run.
func (r *Refusals) PruneErrors(now time.Time) (removed int, err error) {
	oldest := now.Add(-errorsKept)
	return room.Aging{In: bucket.ErrorTimes, Owners: bucket.Accounts, Remove: forgetError, Old: func(rest []byte) bool {
		last, _, ok := parseErrorTime(rest)
		return ok && last.Before(oldest)
	}}.Prune(r.db, nil)
}

// forgetError removes an entry, by its key in the order of time.
func forgetError(t *room.Tx, key []byte) error {
	account, rest, _ := bytes.Cut(key, []byte{0})
	_, mailbox, _ := parseErrorTime(rest)
	if err := t.Delete(bucket.ErrorsOf, room.Pair(string(account), mailbox)); err != nil {
		return err
	}
	if t.Get(bucket.Accounts, account) != nil {
		n, err := errorCount(t, string(account))
		if err != nil {
			return err
		}
		n.is--
		t.Touch()
	}
	return t.Delete(bucket.ErrorTimes, key)
}

// Forget removes what belongs to an account that is being removed, but for its list of errors, which
// may be long: see ForgetErrors.
func (r *Refusals) Forget(t *room.Tx, account string) error {
	if all := errorsKey.Of(t.Tx); all != nil { // what this transaction counted before must not bring it back
		delete(*all, account)
	}
	return errors.Join(t.DeleteOf(bucket.Suppressed, account), t.DeleteOf(bucket.StrikesOf, account), t.Delete(bucket.ErrorCounts, []byte(account)))
}

// ForgetErrors removes the list of errors of an account that is gone, after the transaction that
// removed the account. What a crash leaves of it PruneErrors removes. No other account can inherit
// it: a name that mail was charged under is never given again.
func (r *Refusals) ForgetErrors(account string) error {
	all := func([]byte) bool { return true }
	_, err := room.Aging{In: bucket.ErrorTimes, Owners: bucket.Accounts, Old: all, Remove: forgetError}.Prune(r.db, room.Pair(account, ""))
	return err
}
