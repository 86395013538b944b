package room_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/room/roomtest"
)

// fill puts a record for each key: what follows the NUL.
func fill(t *testing.T, s *roomtest.Store, b engine.Bucket, keys ...string) {
	t.Helper()
	s.Do(t, func(tx *room.Tx) error {
		for _, k := range keys {
			_, rest, _ := strings.Cut(k, "\x00")
			if err := tx.Write(b, []byte(k), rest); err != nil {
				return err
			}
		}
		return nil
	})
}

// many keys that begin with an owner, in order: more than two steps of a walk read.
func many(owner string) (keys []string) {
	for i := range 2*room.Step + 5 {
		keys = append(keys, fmt.Sprintf("%s\x00%04d", owner, i))
	}
	return keys
}

// A record is read as it was written; one that is not there is told from one that is damaged.
func TestTx_Read(t *testing.T) {
	s := roomtest.Open(t)
	s.Do(t, func(tx *room.Tx) error {
		if err := room.Add(tx, bucket.Plans, "p", 7); err != nil {
			return err
		}
		if err := room.Add(tx, bucket.Plans, "p", 8); !errors.Is(err, room.ErrExists) || err.Error() != `plans "p": exists already` {
			t.Errorf("added twice: %v", err)
		}
		if n, err := room.Load[int](tx, bucket.Plans, "p"); n != 7 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if _, err := room.Load[int](tx, bucket.Plans, "q"); !errors.Is(err, room.ErrNotFound) || err.Error() != `plans "q": not found` {
			t.Errorf("missing: %v", err)
		}
		n := 5
		if there, err := tx.Read(bucket.Plans, []byte("q"), &n); there || err != nil || n != 5 {
			t.Errorf("missing: %t, %v, %d", there, err, n)
		}
		if there, err := tx.Read(bucket.Plans, []byte("p"), new(string)); !there || err == nil || !strings.HasPrefix(err.Error(), `decode plans "p": `) {
			t.Errorf("of another type: %t, %v", there, err)
		}
		return nil
	})
}

// A walk reads all records of its prefix in steps, and the function it calls may write.
func TestWalk(t *testing.T) {
	s := roomtest.Open(t)
	keys := many("acme")
	fill(t, s, bucket.Remarks, append([]string{"acm\x000000", "acme2\x000000"}, keys...)...)
	walk := func(from []byte) (got []string) {
		t.Helper()
		err := room.Walk(s.DB, bucket.Remarks, room.Pair("acme", ""), from, func(key []byte, v *string) error {
			if want := string(room.Pair("acme", *v)); string(key) != want {
				t.Errorf("%q has %q", key, *v)
			}
			got = append(got, string(key))
			return s.Update(0, func(tx room.Tx) error { return tx.Delete(bucket.Remarks, key) })
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := walk([]byte(keys[3])); !slices.Equal(got, keys[3:]) {
		t.Errorf("from the fourth on: %d", len(got))
	}
	if got := walk(room.Pair("acme", "")); !slices.Equal(got, keys[:3]) {
		t.Errorf("the rest: %q", got)
	}
	errEnough := errors.New("enough")
	if err := room.Walk(s.DB, bucket.Remarks, nil, nil, func([]byte, *string) error { return errEnough }); !errors.Is(err, errEnough) {
		t.Errorf("%v", err)
	}
}

// Records that have ended go, in steps. One that is renewed after it was found stays, and the end of
// the work is part of the last step.
func TestPassing_Prune(t *testing.T) {
	s := roomtest.Open(t)
	keys := many("acme")
	fill(t, s, bucket.Remarks, append([]string{"acme2\x000000"}, keys...)...)
	seen := map[string]bool{}
	p := room.Passing{In: bucket.Remarks, Under: room.Pair("acme", ""), Ended: func(raw []byte) (bool, error) {
		key := string(room.Pair("acme", strings.Trim(string(raw), `"`)))
		renewed := key == keys[7] && seen[key]
		seen[key] = true
		return !strings.HasSuffix(key, "0003") && !renewed, nil
	}}
	errNo := errors.New("no")
	if n, err := p.Prune(s.DB, func(*room.Tx) error { return errNo }); !errors.Is(err, errNo) || n != 2*room.Step-2 {
		t.Errorf("a last step that fails: %d, %v", n, err)
	}
	ends := 0
	if n, err := p.Prune(s.DB, func(*room.Tx) error { ends++; return nil }); n != 5 || err != nil || ends != 1 {
		t.Errorf("%d, %v, %d ends", n, err, ends)
	}
	if left, want := s.Keys(t, bucket.Remarks), []string{keys[3], keys[7], "acme2\x000000"}; !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
	p.Ended = func([]byte) (bool, error) { return false, errNo }
	if n, err := p.Prune(s.DB, nil); n != 0 || !errors.Is(err, errNo) {
		t.Errorf("a damaged record: %d, %v", n, err)
	}
}

// Once the store stops a removal ends before its next step.
func TestPassing_Prune_stops(t *testing.T) {
	s := roomtest.Open(t)
	keys := many("acme")
	fill(t, s, bucket.Remarks, keys...)
	looks := 0
	n, err := room.Passing{In: bucket.Remarks, Ended: func([]byte) (bool, error) {
		if looks++; looks == 1 {
			s.Stop()
		}
		return true, nil
	}}.Prune(s.DB, func(*room.Tx) error { t.Error("it came to its end"); return nil })
	if n != room.Step || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// Old records go, and all of an owner that is gone. An owner whose first record is not old costs one
// look, however many there are.
func TestAging_Prune(t *testing.T) {
	s := roomtest.Open(t)
	s.AddAccounts(t, "acme", "acme2")
	keys := many("gone")
	fill(t, s, bucket.ToldOf, append(append(many("acme2"), keys...), "acme\x000001", "acme\x000002", "acme\x000003")...)
	oldest, looks := "0003", 0
	a := room.Aging{In: bucket.ToldOf, Owners: bucket.Accounts,
		Old: func(rest []byte) bool { looks++; return string(rest) < oldest },
		Remove: func(tx *room.Tx, key []byte) error {
			return tx.Delete(bucket.ToldOf, key)
		}}
	if n, err := a.Prune(s.DB, room.Pair("acme", "")); n != 2 || err != nil || looks != 3 {
		t.Errorf("of one owner: %d, %v, %d looks", n, err, looks)
	}
	looks = 0
	if n, err := a.Prune(s.DB, nil); n != len(keys)+3 || err != nil || looks != len(keys)+5 {
		t.Errorf("of all: %d, %v, %d looks", n, err, looks)
	}
	want := append([]string{"acme\x000003"}, many("acme2")[3:]...)
	if left := s.Keys(t, bucket.ToldOf); !slices.Equal(left, want) {
		t.Errorf("%d are left, the first %q", len(left), left[0])
	}
}

// The index of owners follows the records.
func TestOwned(t *testing.T) {
	s := roomtest.Open(t)
	o := room.Owned{Records: bucket.Networks, Index: bucket.NetworksOf}
	owns := func(what, owner string, want ...string) {
		t.Helper()
		var got, walked []string
		s.Do(t, func(tx *room.Tx) (err error) { got, err = room.AllOwned[string](tx, o, owner); return err })
		err := room.WalkOwned(s.DB, o, owner, "", func(v *string) error { walked = append(walked, *v); return nil })
		if !slices.Equal(got, want) || !slices.Equal(walked, want) || err != nil {
			t.Errorf("%s: %s has %q, walked %q, %v, want %q", what, owner, got, walked, err, want)
		}
	}
	s.Do(t, func(tx *room.Tx) error {
		return errors.Join(o.Add(tx, "acme", "b", "B"), o.Add(tx, "acme", "a", "A"), o.Add(tx, "acme2", "c", "C"))
	})
	owns("added", "acme", "A", "B")
	s.Do(t, func(tx *room.Tx) error {
		if err := o.Add(tx, "acme2", "a", "again"); !errors.Is(err, room.ErrExists) {
			t.Errorf("added twice: %v", err)
		}
		return errors.Join(o.Remove(tx, "acme", "b"), o.Move(tx, "acme", "acme2", "a"), o.Move(tx, "acme2", "acme2", "c"))
	})
	owns("moved", "acme")
	owns("moved", "acme2", "A", "C")
	var behind []string
	if err := room.WalkOwned(s.DB, o, "acme2", "a", func(v *string) error { behind = append(behind, *v); return nil }); err != nil || !slices.Equal(behind, []string{"C"}) {
		t.Errorf("behind a: %q, %v", behind, err)
	}
	s.Do(t, func(tx *room.Tx) error { return errors.Join(o.Move(tx, "acme2", "", "a"), o.Move(tx, "", "acme", "c")) })
	owns("nobody's", "acme2", "C")
	owns("of two", "acme", "C")
}

// A decoded form is used while the record's octets are those that it was made of.
func TestDecoded(t *testing.T) {
	s := roomtest.Open(t)
	var d room.Decoded[string]
	load := func(tx *room.Tx) *string {
		t.Helper()
		v, err := d.Load(tx, bucket.Plans, "p")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	write := func(text string) {
		s.Do(t, func(tx *room.Tx) error { return tx.Write(bucket.Plans, []byte("p"), text) })
	}
	s.Do(t, func(tx *room.Tx) error {
		if _, err := d.Load(tx, bucket.Plans, "p"); !errors.Is(err, room.ErrNotFound) {
			t.Error(err)
		}
		return nil
	})
	write("one")
	var first *string
	s.Do(t, func(tx *room.Tx) error {
		if first = load(tx); *first != "one" || load(tx) != first {
			t.Errorf("%q, or decoded again", *first)
		}
		return nil
	})
	errNo := errors.New("no")
	err := s.Update(0, func(tx room.Tx) error { // rolled back
		two := "two"
		d.Keep("p", []byte(`"two"`), &two)
		return errors.Join(tx.Write(bucket.Plans, []byte("p"), two), errNo)
	})
	if !errors.Is(err, errNo) {
		t.Error(err)
	}
	s.Do(t, func(tx *room.Tx) error {
		if is := load(tx); *is != "one" {
			t.Errorf("of a write that was rolled back: %q", *is)
		}
		return nil
	})
	write("two")
	s.Do(t, func(tx *room.Tx) error {
		if is := load(tx); *is != "two" || *first != "one" {
			t.Errorf("%q, %q", *is, *first)
		}
		return nil
	})
}

// Keys of one owner do not mix with those of another whose name begins alike, and times sort.
func TestPair(t *testing.T) {
	s := roomtest.Open(t)
	fill(t, s, bucket.Remarks, "acme\x00a", "acme2\x00a", "acm\x00a")
	s.Do(t, func(tx *room.Tx) error { return tx.DeleteOf(bucket.Remarks, "acme") })
	if left := s.Keys(t, bucket.Remarks); !slices.Equal(left, []string{"acm\x00a", "acme2\x00a"}) {
		t.Errorf("%q", left)
	}
	early, late := room.AppendTime(nil, roomtest.Begin), room.AppendTime(nil, roomtest.Begin.Add(time.Millisecond))
	if !room.ParseTime(early).Equal(roomtest.Begin) || bytes.Compare(early, late) >= 0 {
		t.Errorf("%x, %x", early, late)
	}
}

// A day is that of a zone, also where one has 23 hours.
func TestDayBefore(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 29, 22, 30, 0, 0, time.UTC) // summer time began that day: 00:30 of the next
	for days, want := range []string{"2026-03-30", "2026-03-29", "2026-03-28"} {
		if got := room.DayBefore(at, days, rome); got != want {
			t.Errorf("%d days before: %s, want %s", days, got, want)
		}
	}
	if got := room.Day(at, time.UTC); got != "2026-03-29" {
		t.Error(got)
	}
}
