package store

import (
	"bytes"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// A counter that cannot be read does not start again from zero: the requests that need it
// fail and leave it as it is, and mail of another account goes on where it needs none of it.
func TestStore_unreadableCounters(t *testing.T) {
	take := func(s *Store) error { _, err := s.Accept(intake(s, "acme", 100, "x@a.test")); return err }
	deliverTo := func(s *Store, domain string) error {
		list, err := s.Spool.Claim([]spool.Want{{Lane: spooled.Lane{Domain: domain, Account: "acme"}, Max: 1}}, func(*spooled.Message, int) time.Time { return s.Now().Add(time.Minute) })
		if err != nil || len(list) != 1 {
			t.Fatalf("claimed %v, %v", list, err)
		}
		return s.Spool.Settle(spool.Result{ID: list[0].Message.ID, Domain: domain, Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{{State: spooled.Delivered}}})
	}
	deliver := func(s *Store) error { return deliverTo(s, "a.test") }
	order := func(plan string) func(*Store) error {
		return func(s *Store) error { _, err := s.Orders.Renew(behalf.Order{}, "acme", plan); return err }
	}
	for what, c := range map[string]struct {
		bucket engine.Bucket
		key    []byte
		fails  func(*Store) error
		others bool // need it too
	}{
		"charges":     {bucket.Usage, []byte("acme\x002026-11"), take, false},
		"progress":    {bucket.Usage, progressKey("acme", "2026-11"), deliver, false},
		"what waits":  {bucket.Usage, progressKey("acme", "2026-11"), take, false},
		"totals":      {bucket.Meta, []byte("totals"), take, true},
		"ages":        {bucket.Meta, []byte("ages"), take, true},
		"closed days": {bucket.DaysOf, dayKey("acme", "2026-11-23", "2026-11"), deliver, false},
		"currency":    {bucket.Meta, []byte("currency"), order("priced"), false},
		"ledger":      {bucket.Ledger, keyOf("acme", 1), order("free"), false},
	} {
		t.Run(what, func(t *testing.T) {
			s, clock := newStore(t)
			for _, name := range []string{"acme", "other"} {
				addAccount(t, s, name, quota.Plan{Emails: 100})
			}
			for plan, price := range map[string]int64{"priced": 1200, "free": 0} {
				if err := s.Books.AddPlan(quota.Plan{Name: plan, Term: quota.Year, Emails: 100, Price: price}); err != nil {
					t.Fatal(err)
				}
			}
			accept(t, s, "acme", 100, "x@a.test")
			clock.add(24 * time.Hour)
			accept(t, s, "acme", 100, "x@b.test") // which ends the day before
			if err := deliverTo(s, "b.test"); err != nil {
				t.Fatal(err)
			}
			was := swap(t, s, c.bucket, c.key, []byte("\xff"))
			if err := c.fails(s); err == nil {
				t.Error("what needs it did not fail")
			}
			if r, err := s.Accept(intake(s, "other", 100, "x@a.test")); r != nil || (err != nil) != c.others {
				t.Errorf("another account's mail: %+v, %v", r, err)
			}
			if is := swap(t, s, c.bucket, c.key, was); string(is) != "\xff" {
				t.Errorf("it was written over: %q", is)
			}
		})
	}
}

// swap stores another value, nil for none, and returns what there was.
func swap(t *testing.T, s *Store, b engine.Bucket, key, value []byte) (was []byte) {
	t.Helper()
	err := s.update(0, func(tx *tx) error {
		if was = bytes.Clone(tx.Get(b, key)); value == nil {
			return tx.Delete(b, key)
		}
		return tx.Put(b, key, value)
	})
	if err != nil {
		t.Fatal(err)
	}
	return was
}
