package sites

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"relay/store/room"
)

// A day tells some kinds of failures apart, under all policies together, and counts the rest.
func TestTLSDay_bounds(t *testing.T) {
	var d TLSDay
	const n = 5000
	for i := range n {
		d.count(&TLSCount{Type: fmt.Sprint(i % 10), TLSFailure: TLSFailure{Result: "validation-failure", Why: fmt.Sprint(i)}})
	}
	bad := int64(0)
	for i := range d.Sums {
		bad += d.Sums[i].Bad
	}
	if len(d.Sums) != 10 || bad != n || d.kinds() != mostFailures {
		t.Errorf("%d sums of %d, %d kinds", len(d.Sums), bad, d.kinds())
	}
	for i := range 2 * mostTallies {
		d.count(&TLSCount{Type: "sts", Policy: []string{fmt.Sprint(i)}})
	}
	if len(d.Sums) != mostTallies {
		t.Errorf("%d policies", len(d.Sums))
	}
}

// Connections of a day are counted by policy and kind of failure, over any number of transactions.
func TestSites_CountTLS(t *testing.T) {
	s, db := opened(t)
	sts := TLSCount{Domain: "a.test", Type: "sts", Policy: []string{"version: STSv1", "mode: enforce"}, MX: []string{"mx.a.test"}}
	bad := sts
	bad.TLSFailure = TLSFailure{Result: "certificate-expired", Host: "mx.a.test", IP: "192.0.2.1"}
	other := bad
	other.IP = "192.0.2.2"
	none := TLSCount{Domain: "a.test", Type: "no-policy-found"}
	for _, list := range [][]TLSCount{{sts, bad, sts}, {bad, other, none}, {{Domain: "b.test", Type: "sts"}}} {
		db.Do(t, func(tx *room.Tx) error { return s.CountTLS(tx, list) })
	}
	list, err := s.TLSDays(db.Now().Add(24*time.Hour), nil, 10)
	if err != nil || len(list) != 2 || list[0].Domain != "a.test" || list[0].Day != "2026-03-01" || len(list[0].Sums) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	is := list[0].Sums[0]
	if is.Good != 2 || is.Bad != 3 || !slices.Equal(is.MX, sts.MX) || len(is.Failures) != 2 || is.Failures[0].Count != 2 || is.Failures[1].Count != 1 {
		t.Errorf("%+v", is)
	}
	if is := list[0].Sums[1]; is.Type != none.Type || is.Good != 1 || is.Bad != 0 {
		t.Errorf("%+v", is)
	}
}

// Days that are over come in their order, behind one that was seen before.
func TestSites_TLSDays(t *testing.T) {
	s, db := opened(t)
	for range 3 {
		db.Do(t, func(tx *room.Tx) error { return s.CountTLS(tx, []TLSCount{{Domain: "b.test"}, {Domain: "a.test"}}) })
		db.Pass(24 * time.Hour)
	}
	db.Pass(-24 * time.Hour) // the third day is not over
	var got []string
	for last := (*TLSDay)(nil); ; {
		list, err := s.TLSDays(db.Now(), last, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, d := range list {
			got = append(got, d.Day+" "+d.Domain)
		}
		last = &list[len(list)-1]
	}
	if want := []string{"2026-03-01 a.test", "2026-03-01 b.test", "2026-03-02 a.test", "2026-03-02 b.test"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A day is reported once. Where queueing its report fails it stays, and what was noted or dropped
// meanwhile is not brought back.
func TestSites_ReportTLSDay(t *testing.T) {
	s, db := opened(t)
	db.Do(t, func(tx *room.Tx) error { return s.CountTLS(tx, []TLSCount{{Domain: "a.test"}, {Domain: "b.test"}}) })
	list, err := s.TLSDays(db.Now().Add(24*time.Hour), nil, 2)
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	a, b := &list[0], &list[1]
	report := func(d *TLSDay, queue func(*TLSDay) error) (yes bool, err error) {
		err = db.Update(0, func(tx room.Tx) error { yes, err = s.ReportTLSDay(&tx, d, queue); return err })
		return yes, err
	}
	errFull := errors.New("full")
	if yes, err := report(a, func(*TLSDay) error { return errFull }); yes || !errors.Is(err, errFull) {
		t.Errorf("%t, %v", yes, err)
	}
	for range 2 {
		if err := s.MissTLSDay(a); err != nil {
			t.Fatal(err)
		}
	}
	queued := 0
	queue := func(d *TLSDay) error {
		if queued++; d.Tried != 2 || d.Domain != "a.test" || d.Sums[0].Good != 1 {
			t.Errorf("reported %+v", d)
		}
		return nil
	}
	if yes, err := report(a, queue); !yes || err != nil {
		t.Errorf("%t, %v", yes, err)
	}
	killed := db.Killed(t)
	if yes, err := report(a, queue); yes || err != nil || queued != 1 {
		t.Errorf("again: %t, %v, %d queued", yes, err, queued)
	}
	if err := errors.Join(s.MissTLSDay(a), s.DropTLSDay(b), s.MissTLSDay(b), s.DropTLSDay(b)); err != nil {
		t.Error(err)
	}
	for in, want := range map[*Sites]int{s: 0, New(killed.DB): 1} {
		if left, err := in.TLSDays(db.Now().Add(24*time.Hour), nil, 9); len(left) != want || err != nil {
			t.Errorf("left %+v, %v", left, err)
		}
	}
}
