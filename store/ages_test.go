package store

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/spool"
	"relay/store/spooled"
)

var ageBounds = []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

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
