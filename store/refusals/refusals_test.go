package refusals

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/room/roomtest"
)

const day = 24 * time.Hour

// fixture is the room in a store of its own, with the accounts acme and acme2.
type fixture struct {
	*Refusals
	*testing.T
	db   *roomtest.Store
	done []string // jobs that were recorded
	id   byte     // of the last message
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, db: roomtest.Open(t, Flush)}
	f.db.AddAccounts(t, "acme", "acme2")
	f.Refusals = f.on(f.db)
	t.Cleanup(func() { f.verify(f.db) })
	return f
}

// on is the room in a store.
func (f *fixture) on(db *roomtest.Store) *Refusals {
	return New(db.DB, Options{Done: func(_ *room.Tx, job string, _ time.Time) error { f.done = append(f.done, job); return nil }})
}

// faults are what Verify finds in a store.
func (f *fixture) faults(t *room.Tx) (found []string) {
	f.Helper()
	each := func(b engine.Bucket, fn func(k, raw []byte)) error {
		c := t.Cursor(b)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			fn(k, raw)
		}
		return nil
	}
	err := f.Verify(t, each, func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) })
	if err != nil {
		f.Error(err)
	}
	return found
}

func (f *fixture) verify(db *roomtest.Store) {
	f.Helper()
	db.Do(f, func(t *room.Tx) error {
		if found := f.faults(t); found != nil {
			f.Errorf("Verify: %q", found)
		}
		return nil
	})
}

// enter enters a refusal by a next hop for each address.
func (f *fixture) enter(account string, is Refusal, addresses ...string) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		for _, a := range addresses {
			of := is
			of.Address = a
			if err := f.Enter(t, account, strings.ToLower(a), &of); err != nil {
				return err
			}
		}
		return nil
	})
}

// strike counts a refusal of a message that was not counted yet.
func (f *fixture) strike(mailbox string, rule *Rule, back bool) (suppressed bool) {
	f.Helper()
	f.id++
	return f.again(mailbox, rule, back)
}

// again counts another refusal of the last message.
func (f *fixture) again(mailbox string, rule *Rule, back bool) (suppressed bool) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) (err error) {
		suppressed, err = f.Strike(t, "acme", mailbox, &Strike{Message: ulid.ULID{15: f.id}, Back: back, Address: mailbox, Reply: "452 4.2.2 full", Rule: rule})
		return err
	})
	return suppressed
}

// reach tells of mail that a mailbox of acme got.
func (f *fixture) reach(mailbox string) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		return errors.Join(f.Reached(t, "acme", mailbox), f.Pardon(t, "acme", mailbox))
	})
}

// entry is that of an address in the list of acme.
func (f *fixture) entry(address string) Entry {
	f.Helper()
	is, ok, err := f.RefusedAs("acme", address)
	if !ok || err != nil {
		f.Fatalf("RefusedAs(%q): %t, %v", address, ok, err)
	}
	return is
}

// list has the mailboxes of an account's list, the newest first.
func (f *fixture) list(account string, since time.Time, after string) (mailboxes, keys []string) {
	f.Helper()
	err := f.EachError(account, since, after, func(key string, is *Entry) error {
		mailboxes, keys = append(mailboxes, is.Recipient), append(keys, key)
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return mailboxes, keys
}

// wantSuppressed are the mailboxes of acme that are suppressed.
func (f *fixture) wantSuppressed(want ...string) {
	f.Helper()
	var got []string
	err := f.EachSuppression("acme", "", func(mailbox string, _ *Suppression) error { got = append(got, mailbox); return nil })
	if err != nil || !slices.Equal(got, want) {
		f.Errorf("suppressed: %q, %v, want %q", got, err, want)
	}
	for _, mailbox := range want {
		if _, ok, err := f.Suppressed("acme", mailbox); !ok || err != nil {
			f.Errorf("Suppressed(%q) = %t, %v", mailbox, ok, err)
		}
	}
}

// An account that is removed takes its suppressions along at once, and its list afterwards. A kill
// between the two leaves a list that nobody misses, and that the prune removes.
func TestRefusals_Forget(t *testing.T) {
	f := open(t)
	var many []string
	for i := range room.Step + 10 {
		many = append(many, fmt.Sprintf("r%d@a.test", i))
	}
	f.enter("acme", Refusal{Category: "InvalidRecipient", Class: "failed"}, many...)
	f.enter("acme2", Refusal{Category: "InvalidRecipient", Class: "failed"}, "other@a.test")
	f.strike("full@a.test", full, false)
	f.strike("gone@a.test", atOnce, false)
	f.db.Do(f, func(t *room.Tx) error { // as late mail of the same transaction
		return errors.Join(f.Enter(t, "acme", "late@a.test", &Refusal{Address: "late@a.test", Class: "failed"}), f.Forget(t, "acme"), t.Delete(bucket.Accounts, []byte("acme")))
	})
	for _, b := range []engine.Bucket{bucket.Suppressed, bucket.StrikesOf} {
		if keys := f.db.Keys(f, b); keys != nil {
			t.Errorf("%s: %q", bucket.Names[b], keys)
		}
	}
	killed := f.db.Killed(t)
	f.verify(killed)
	if err := f.ForgetErrors("acme"); err != nil {
		t.Fatal(err)
	}
	if n, err := f.on(killed).PruneErrors(killed.Now()); n != len(many)+1 || err != nil {
		t.Errorf("after the kill: pruned %d, %v", n, err)
	}
	for _, db := range []*roomtest.Store{f.db, killed} {
		for b, want := range map[engine.Bucket]int{bucket.ErrorsOf: 1, bucket.ErrorTimes: 1, bucket.ErrorCounts: 1} {
			if keys := db.Keys(f, b); len(keys) != want || !strings.HasPrefix(keys[0], "acme2") {
				t.Errorf("%s: %q", bucket.Names[b], keys)
			}
		}
		f.verify(db)
	}
}

// Verify finds a list that is not what it says.
func TestRefusals_Verify(t *testing.T) {
	f := open(t)
	f.enter("acme", Refusal{Category: "InvalidRecipient", Class: "failed"}, "a@a.test", "b@a.test")
	errBack := errors.New("rolled back")
	for want, harm := range map[string]func(*room.Tx) error{
		"does not lie under the time":   func(t *room.Tx) error { return t.DeleteOf(bucket.ErrorTimes, "acme") },
		"2 errors, 0 in the order":      func(t *room.Tx) error { return t.DeleteOf(bucket.ErrorTimes, "acme") },
		"0 errors, 2 in the order":      func(t *room.Tx) error { return t.DeleteOf(bucket.ErrorsOf, "acme") },
		"counts 7 errors, there are 2":  func(t *room.Tx) error { return t.Write(bucket.ErrorCounts, []byte("acme"), 7) },
		"accounts have 2 and count 5":   func(t *room.Tx) error { return t.Write(bucket.ErrorCounts, []byte("nobody"), 3) },
		`decode error-counts "acme"`:    func(t *room.Tx) error { return t.Put(bucket.ErrorCounts, []byte("acme"), []byte("x")) },
		`decode errors "acme\x00a@a.te`: func(t *room.Tx) error { return t.Put(bucket.ErrorsOf, room.Pair("acme", "a@a.test"), []byte("x")) },
	} {
		err := f.db.Update(0, func(tx room.Tx) error {
			if err := harm(&tx); err != nil {
				return err
			}
			if found := f.faults(&tx); !slices.ContainsFunc(found, func(p string) bool { return strings.Contains(p, want) }) {
				t.Errorf("found %q, want %q", found, want)
			}
			return errBack
		})
		if !errors.Is(err, errBack) {
			t.Error(err)
		}
	}
}
