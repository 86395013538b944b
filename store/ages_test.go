package store

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/spool"
	"relay/store/spooled"
)

var ageBounds = []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// Over weeks, the slots hold each message under its age, as exactly as their width, and are few.
func TestAges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := epoch
		var a spooled.Ages
		var there []time.Time
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3*3600).Draw(t, "seconds")) * time.Second)
			if n := len(there); n > 0 && rapid.IntRange(0, 9).Draw(t, "drop") < 3 {
				i := rapid.IntRange(0, n-1).Draw(t, "which")
				a.Drop(there[i])
				there = slices.Delete(there, i, i+1)
			} else {
				a.Add(now, now, 1)
				there = append(there, now)
			}
			a.Merge(now)
			again, err := spooled.ReadAges(a.Append(nil))
			if err != nil || !slices.Equal(a, again) {
				t.Fatalf("%v is read as %v, %v", a, again, err)
			}
			want := spooled.Ages{}
			for _, at := range there {
				want.Add(at, now, 1)
			}
			if want.Merge(now); !slices.Equal(a, want) {
				t.Fatalf("%v, want %v", a, want)
			}
		}
		if len(a) > 36+168+30 {
			t.Fatalf("%d slots", len(a))
		}
	})
}

// Whatever the spool holds is counted by age; a store of before is counted when it is opened.
func TestStore_Ages(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s, err := openTest(path, Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	addAccount(t, s, "acme", quota.Plan{})
	want := func(oldest time.Time, counts ...int64) {
		t.Helper()
		got, at, err := s.Spool.Ages(ageBounds...)
		if err != nil || !slices.Equal(got, counts) || !at.Equal(oldest) {
			t.Errorf("%v since %v, %v; want %v since %v", got, at, err, counts, oldest)
		}
		verify(t, s)
	}
	want(time.Time{}, 0, 0, 0, 0, 0, 0)
	first := accept(t, s, "acme", 100, "x@a.test").ID
	for _, wait := range []time.Duration{70 * time.Hour, 3 * time.Hour, 30 * time.Minute, 0} {
		c.add(wait)
		accept(t, s, "acme", 100, "x@a.test")
	}
	want(epoch, 2, 1, 1, 0, 0, 1)
	if err := s.update(0, func(t *tx) error { return t.Delete(bucket.Meta, []byte("ages")) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = openTest(path, Options{Now: c.now}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want(epoch, 2, 1, 1, 0, 0, 1)
	if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{first}); err != nil {
		t.Fatal(err)
	}
	want(epoch.Add(70*time.Hour), 2, 1, 1, 0, 0, 0)
}

// A look costs the same whatever the backlog.
func BenchmarkAges(b *testing.B) {
	s, _ := newStore(b)
	addAccount(b, s, "acme", quota.Plan{})
	for range 2000 {
		accept(b, s, "acme", 100, "x@a.test")
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Spool.Ages(ageBounds...); err != nil {
			b.Fatal(err)
		}
	}
}
