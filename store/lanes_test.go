package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/spool"
	"relay/store/spooled"
)

func lanes(t testing.TB, s *Store) (list []spool.LaneSum) {
	t.Helper()
	if err := s.Spool.Lanes(t.Context(), func(sum *spool.LaneSum) error { list = append(list, *sum); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestStore_Lanes(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	addAccount(t, s, "beta", quota.Plan{})
	if got := lanes(t, s); len(got) != 0 {
		t.Errorf("an empty queue has the lanes %v", got)
	}
	first := accept(t, s, "acme", 10, "x@a.test", "y@a.test", "z@b.test")
	c.add(time.Minute)
	second := accept(t, s, "acme", 10, "x@a.test")
	third := accept(t, s, "beta", 10, "x@a.test")
	claim(t, s, "a.test", "acme", 1)
	if _, _, err := s.Spool.Change(spool.OpHold, []spooled.ID{third.ID}); err != nil {
		t.Fatal(err)
	}
	want := []spool.LaneSum{
		{Lane: spooled.Lane{Domain: "a.test", Account: "acme"}, Messages: 2, Recipients: 3, Held: 0, Oldest: first.ID, Next: epoch.Add(time.Minute)},
		{Lane: spooled.Lane{Domain: "a.test", Account: "beta"}, Messages: 1, Recipients: 1, Held: 1, Oldest: third.ID, Next: time.Time{}},
		{Lane: spooled.Lane{Domain: "b.test", Account: "acme"}, Messages: 1, Recipients: 1, Held: 0, Oldest: first.ID, Next: epoch},
	}
	if got := lanes(t, s); !slices.Equal(got, want) {
		t.Errorf("Lanes = %v\nwant    %v", got, want)
	}

	// A file of before there was a count in the entries.
	err := s.update(0, func(t *tx) error {
		for l, id := range map[spooled.Lane]spooled.ID{{Domain: "a.test", Account: "acme"}: second.ID, {Domain: "b.test", Account: "acme"}: first.ID} {
			m, err := t.Message(id)
			if err != nil {
				return err
			}
			at, _ := m.Due(l.Domain)
			if err := t.Put(bucket.Queue, spooled.QueueKey(l, at, id), []byte{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := lanes(t, s); !slices.Equal(got, want) {
		t.Errorf("Lanes of old entries = %v\nwant    %v", got, want)
	}
}

func TestStore_Lanes_inSteps(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	const n, domains = 8192 + 100, 7
	err := s.update(0, func(t *tx) error { // keys only: messages would take long
		for i := range n {
			l := spooled.Lane{Domain: fmt.Sprintf("d%d.test", i%domains), Account: "acme"}
			if err := t.Put(bucket.Queue, spooled.QueueKey(l, t.Now, t.s.ids.Next(t.Now)), []byte{1}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	list := lanes(t, s)
	for _, l := range list {
		sum += l.Messages
	}
	if len(list) != domains || sum != n {
		t.Errorf("%d lanes with %d messages, want %d with %d", len(list), sum, domains, n)
	}
	enough := errors.New("enough")
	if err := s.Spool.Lanes(t.Context(), func(*spool.LaneSum) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("Lanes = %v, want %v", err, enough)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Spool.Lanes(ctx, func(*spool.LaneSum) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Lanes = %v, want %v", err, context.Canceled)
	}
	err = s.update(0, func(t *tx) error {
		var keys [][]byte
		c := t.Cursor(bucket.Queue)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			keys = append(keys, slices.Clone(k))
		}
		for _, k := range keys {
			if err := t.Delete(bucket.Queue, k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
