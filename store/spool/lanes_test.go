package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/room/roomtest"
	"relay/store/spooled"
)

func (f *fixture) lanes() (list []LaneSum) {
	f.Helper()
	f.check(f.Lanes(f.t.Context(), func(s *LaneSum) error { list = append(list, *s); return nil }))
	return list
}

// Each lane is summed up, by domain and account, also where an earlier relay wrote no counts.
func TestSpool_Lanes(t *testing.T) {
	f := open(t)
	if got := f.lanes(); len(got) > 0 {
		t.Errorf("an empty queue has the lanes %v", got)
	}
	begin := f.Now()
	m := f.queue("acme", "x@a.test", "y@a.test", "z@b.test")
	f.db.Pass(time.Minute)
	second, held := f.queue("acme", "x@a.test"), f.queue("other", "x@a.test")
	f.claim("acme", "a.test", 1)
	_, _, err := f.Change(OpHold, []spooled.ID{held.ID})
	f.check(err)
	want := []LaneSum{
		{Lane: spooled.Lane{Domain: "a.test", Account: "acme"}, Messages: 2, Recipients: 3, Oldest: m.ID, Next: begin.Add(time.Minute)},
		{Lane: spooled.Lane{Domain: "a.test", Account: "other"}, Messages: 1, Recipients: 1, Held: 1, Oldest: held.ID},
		{Lane: spooled.Lane{Domain: "b.test", Account: "acme"}, Messages: 1, Recipients: 1, Oldest: m.ID, Next: begin},
	}
	if got := f.lanes(); !slices.Equal(got, want) {
		t.Errorf("Lanes = %v\nwant    %v", got, want)
	}
	rewrite := func(value func(*spooled.Message, string) []byte) { // as another relay did
		f.do(func(t *Tx) error {
			for l, id := range map[spooled.Lane]spooled.ID{want[0].Lane: second.ID, want[2].Lane: m.ID} {
				m, err := t.Message(id)
				if err != nil {
					return err
				}
				at, _ := m.Due(l.Domain)
				if err := t.Put(bucket.Queue, spooled.QueueKey(l, at, id), value(m, l.Domain)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	rewrite(func(*spooled.Message, string) []byte { return []byte{} })
	if got := f.lanes(); !slices.Equal(got, want) {
		t.Errorf("Lanes of old entries = %v\nwant    %v", got, want)
	}
	rewrite(spooled.CountAt)
}

// A long queue is read in steps, each lane once. It ends with an error, and with its context.
func TestSpool_Lanes_inSteps(t *testing.T) {
	f := begin(t, roomtest.Open)
	const n, domains = lanesStep + 100, 7
	f.do(func(t *Tx) error { // keys only: messages would take long
		for i := range n {
			l := spooled.Lane{Domain: fmt.Sprintf("d%d.test", i%domains), Account: "acme"}
			if err := t.Put(bucket.Queue, spooled.QueueKey(l, t.Wall, f.ids.Next(t.Wall)), []byte{1}); err != nil {
				return err
			}
		}
		return t.Put(bucket.Queue, []byte("no key"), []byte{})
	})
	sum := int64(0)
	list := f.lanes()
	for _, l := range list {
		sum += l.Messages
	}
	if len(list) != domains || sum != n {
		t.Errorf("%d lanes with %d messages, want %d with %d", len(list), sum, domains, n)
	}
	enough := errors.New("enough")
	if err := f.Lanes(t.Context(), func(*LaneSum) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("Lanes = %v, want %v", err, enough)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Lanes(ctx, func(*LaneSum) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Lanes = %v, want %v", err, context.Canceled)
	}
}

// The front of what is due is visited in order of due time, a part at a time.
func TestSpool_VisitDue(t *testing.T) {
	f := open(t)
	var want []string
	for i := range 5 {
		f.queue("acme", fmt.Sprintf("x@d%d.test", i))
		want = append(want, fmt.Sprintf("d%d.test", i))
		f.db.Pass(time.Second)
	}
	f.settle(spooled.Deferred, f.claimOne("acme", "d2.test"))
	want = slices.Delete(want, 2, 3)
	var got []string
	var from []byte
	for again := true; again; {
		n := 0
		on, next, err := f.VisitDue(from, f.Now(), func(l spooled.Lane) bool {
			if n++; n > 3 {
				return false
			}
			got = append(got, l.Domain)
			return true
		})
		f.check(err)
		if from, again = on, on != nil; again != next.IsZero() || !again && !next.Equal(f.Now().Add(5*time.Minute)) {
			t.Errorf("on %q, next %v", on, next)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("due are %q, want %q", got, want)
	}
	if on, next, err := f.VisitDue(nil, f.Now().Add(day), func(spooled.Lane) bool { return true }); on != nil || !next.IsZero() || err != nil {
		t.Errorf("after all: %q, %v, %v", on, next, err)
	}
}

// What is due first at a domain, of one account or of any.
func TestSpool_NextDue(t *testing.T) {
	f := open(t)
	begin := f.Now()
	f.queue("acme", "x@a.test")
	f.db.Pass(time.Minute)
	held := f.queue("other", "x@a.test", "x@b.test")
	f.claim("acme", "a.test", 1)
	for _, c := range []struct {
		domain, account string
		want            time.Time
	}{
		{"a.test", "", begin.Add(time.Minute)}, {"a.test", "other", begin.Add(time.Minute)}, {"a.test", "acme", begin.Add(6 * time.Minute)},
		{"b.test", "acme", time.Time{}}, {"a.tes", "", time.Time{}}, {"c.test", "", time.Time{}},
	} {
		if at, ok, err := f.NextDue(c.domain, c.account); !at.Equal(c.want) || ok == c.want.IsZero() || err != nil {
			t.Errorf("NextDue(%q, %q) = %v, %t, %v; want %v", c.domain, c.account, at, ok, err, c.want)
		}
	}
	_, _, err := f.Change(OpHold, []spooled.ID{held.ID})
	f.check(err)
	if at, _, err := f.NextDue("a.test", ""); !at.Equal(begin.Add(6*time.Minute)) || err != nil {
		t.Errorf("with the other one held: %v, %v", at, err)
	}
	f.do(func(t *Tx) error { return t.Put(bucket.Queue, []byte("a.test\x00a"), []byte{}) })
	if _, _, err := f.NextDue("a.test", ""); err != nil {
		t.Error(err)
	}
	f.do(func(t *Tx) error { return t.Delete(bucket.Queue, []byte("a.test\x00a")) })
}

// Lanes that got mail due at once are announced when it is on disk, each once. More than are asked for
// are announced again.
func TestSpool_TakeReady(t *testing.T) {
	f := open(t)
	for range 3 {
		f.queue("acme", "x@a.test", "y@b.test", "z@a.test")
	}
	<-f.Ready()
	one := f.TakeReady(1)
	<-f.Ready()
	other := f.TakeReady(10)
	if len(one) != 1 || len(other) != 1 || one[0] == other[0] {
		t.Errorf("announced are %v, then %v", one, other)
	}
	f.commits = 0
	if err := f.accept(f.message("acme", "x@a.test")); !errors.Is(err, errPower) {
		t.Error(err)
	}
	f.commits = -1
	select {
	case <-f.Ready():
		t.Error("what is not on disk is announced")
	default:
	}
}

// Messages are read by ID, in order, and by age.
func TestSpool_Sweep(t *testing.T) {
	f := open(t)
	var ids []spooled.ID
	for range 4 {
		ids = append(ids, f.queue("acme", "x@a.test").ID)
		f.db.Pass(time.Second)
	}
	read := func(what string, list []*spooled.Message, want ...spooled.ID) {
		t.Helper()
		var got []spooled.ID
		for _, m := range list {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	for _, c := range []struct {
		after  spooled.ID
		before time.Duration
		limit  int
		want   []spooled.ID
	}{{spooled.ID{}, 10 * time.Second, 10, ids}, {ids[0], 10 * time.Second, 2, ids[1:3]}, {spooled.ID{}, 2 * time.Second, 10, ids[:2]}, {ids[3], time.Hour, 10, nil}} {
		list, err := f.Sweep(c.after, roomtest.Begin.Add(c.before), c.limit)
		f.check(err)
		read("Sweep", list, c.want...)
	}
	var list []*spooled.Message
	f.check(f.Queue(ids[1], func(m *spooled.Message) error { list = append(list, m); return nil }))
	read("Queue", list, ids[2:]...)
}
