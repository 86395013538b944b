package spool

import (
	"slices"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/spooled"
)

var ageBounds = []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// What the spool holds is counted by age. A store of a relay that did not count is counted when it is
// opened, unless it is only read.
func TestSpool_Ages(t *testing.T) {
	f := open(t)
	begin := f.Now()
	want := func(oldest time.Time, counts ...int64) {
		t.Helper()
		got, at, err := f.Ages(ageBounds...)
		if err != nil || !slices.Equal(got, counts) || !at.Equal(oldest) {
			t.Errorf("%v since %v, %v; want %v since %v", got, at, err, counts, oldest)
		}
	}
	want(time.Time{}, 0, 0, 0, 0, 0, 0)
	first := f.queue("acme", "x@a.test").ID
	for _, wait := range []time.Duration{70 * time.Hour, 3 * time.Hour, 30 * time.Minute, 0} {
		f.db.Pass(wait)
		f.queue("acme", "x@a.test")
	}
	want(begin, 2, 1, 1, 0, 0, 1)
	f.do(func(t *Tx) error { return t.Delete(bucket.Meta, keyAges) })
	f.check(f.Load(true))
	want(begin, 0, 0, 0, 0, 0, 0)
	f.kill()
	want(begin, 2, 1, 1, 0, 0, 1)
	_, _, err := f.Change(OpDrop, []spooled.ID{first})
	f.check(err)
	want(begin.Add(70*time.Hour), 2, 1, 1, 0, 0, 0)
	if sum, err := f.Totals(); err != nil || sum != (Totals{Messages: 4, Recipients: 4, Bytes: 400}) {
		t.Errorf("totals %+v, %v", sum, err)
	}
}

// BenchmarkAges shows that a look costs the same whatever the backlog.
func BenchmarkAges(b *testing.B) {
	f := open(b)
	for range 2000 {
		f.queue("acme", "x@a.test")
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := f.Ages(ageBounds...); err != nil {
			b.Fatal(err)
		}
	}
}
