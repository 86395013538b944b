package egress

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"relay/store/room"
	"relay/store/room/roomtest"
)

// fixture is the room in a store of its own.
type fixture struct {
	*Egress
	*testing.T
	db *roomtest.Store
}

func open(t *testing.T) *fixture {
	t.Helper()
	db := roomtest.Open(t)
	return &fixture{New(db.DB), t, db}
}

func (f *fixture) add(o Override, lasts time.Duration) Override {
	f.Helper()
	o, err := f.AddOverride(o, lasts)
	if err != nil {
		f.Fatal(err)
	}
	return o
}

// want are the overrides that are kept, by number, "-" behind those that have ended.
func (f *fixture) want(what string, want ...string) {
	f.Helper()
	list, err := f.Overrides()
	if err != nil {
		f.Fatal(err)
	}
	var got []string
	for _, o := range list {
		line := fmt.Sprint(o.Number, " ", o.Do, " ", o.Target)
		if !o.InForce(f.db.Now()) {
			line += " -"
		}
		got = append(got, line)
	}
	if !slices.Equal(got, want) {
		f.Errorf("%s: %q, want %q", what, got, want)
	}
}

// An override holds until its end; one that does the same to the same target takes its place.
func TestEgress_AddOverride(t *testing.T) {
	f := open(t)
	slow := Override{Kind: OverrideDomain, Target: "a.test", Do: OverrideSlow, Rate: 5, Number: 99, Until: roomtest.Begin.Add(time.Hour * 1000)}
	is := f.add(slow, 2*time.Hour)
	if is.Number != 1 || !is.Since.Equal(f.db.Now()) || !is.Until.Equal(f.db.Now().Add(2*time.Hour)) || is.Rate != 5 {
		t.Errorf("%+v", is)
	}
	stop, account := slow, slow
	stop.Do, account.Kind = OverrideStop, OverrideAccount
	f.add(stop, 3*time.Hour)
	f.add(account, 3*time.Hour)
	f.want("three", "1 slow a.test", "2 stop a.test", "3 slow a.test")
	f.db.Pass(time.Hour)
	f.add(slow, 4*time.Hour)
	f.want("again", "1 slow a.test -", "2 stop a.test", "3 slow a.test", "4 slow a.test")
	if list, err := f.Overrides(); err != nil || !list[0].Until.Equal(f.db.Now()) {
		t.Errorf("%+v, %v", list, err)
	}
	f.db.Pass(2 * time.Hour)
	f.want("at their end", "1 slow a.test -", "2 stop a.test -", "3 slow a.test -", "4 slow a.test")
}

// One that has ended is kept for a week, and no number is given twice.
func TestEgress_AddOverride_forgets(t *testing.T) {
	f := open(t)
	f.add(Override{Do: OverrideStop, Target: "a.test"}, time.Hour)
	f.add(Override{Do: OverrideStop, Target: "b.test"}, time.Hour)
	f.db.Pass(time.Hour + keepOverrides)
	f.add(Override{Do: OverrideStop, Target: "c.test"}, time.Hour)
	f.want("a week later", "1 stop a.test -", "2 stop b.test -", "3 stop c.test")
	f.db.Pass(time.Hour + keepOverrides + time.Second)
	f.want("nobody adds one", "1 stop a.test -", "2 stop b.test -", "3 stop c.test -")
	f.add(Override{Do: OverrideStop, Target: "d.test"}, time.Hour)
	f.want("after it", "3 stop c.test -", "4 stop d.test") // the last one has the number until then
	f.db.Pass(time.Hour + keepOverrides + time.Second)
	f.add(Override{Do: OverrideStop, Target: "e.test"}, time.Hour)
	f.want("alone", "4 stop d.test -", "5 stop e.test")
}

// What is cancelled has ended, and stays for those whose mail it stopped.
func TestEgress_CancelOverride(t *testing.T) {
	f := open(t)
	f.add(Override{Do: OverrideBounce, Target: "a.test"}, 5*time.Hour)
	f.db.Pass(time.Hour)
	is, err := f.CancelOverride(1)
	if err != nil || !is.Until.Equal(f.db.Now()) || is.InForce(f.db.Now()) || is.Target != "a.test" {
		t.Errorf("%+v, %v", is, err)
	}
	f.want("cancelled", "1 bounce a.test -")
	for _, number := range []uint64{0, 1, 2} {
		if _, err := f.CancelOverride(number); !errors.Is(err, room.ErrNotFound) {
			t.Errorf("%d: %v", number, err)
		}
	}
	list, err := New(f.db.Killed(t).DB).Overrides()
	if err != nil || len(list) != 1 || list[0].Until != is.Until {
		t.Errorf("after a kill: %+v, %v", list, err)
	}
}

// The state of a source begins empty, and a change is stored with all else of its transaction, or
// not at all.
func TestEgress_ChangeSource(t *testing.T) {
	f := open(t)
	drain := &Drain{Since: roomtest.Begin, By: "ann", Reason: "listed"}
	f.db.Do(t, func(tx *room.Tx) error {
		is, err := f.ChangeSource(tx, "192.0.2.1", func(s *SourceState) error {
			if s.Name != "192.0.2.1" || s.Drained != nil || s.Listings != nil {
				t.Errorf("begins as %+v", s)
			}
			s.Drained = drain
			return nil
		})
		if is.Drained != drain {
			t.Errorf("%+v", is)
		}
		return err
	})
	errNo := errors.New("no")
	err := f.db.Update(0, func(tx room.Tx) error {
		_, err := f.ChangeSource(&tx, "192.0.2.1", func(s *SourceState) error { s.Drained = nil; return nil })
		if err != nil {
			t.Error(err)
		}
		_, err = f.ChangeSource(&tx, "192.0.2.2", func(*SourceState) error { return errNo })
		return err
	})
	if !errors.Is(err, errNo) {
		t.Error(err)
	}
	f.db.Do(t, func(tx *room.Tx) error {
		_, err := f.ChangeSource(tx, "192.0.2.1", func(s *SourceState) error {
			s.Listings = []Listing{{List: "one"}, {List: "two", Drains: true}}
			return nil
		})
		return err
	})
	list, err := f.SourceStates()
	if err != nil || len(list) != 1 || list[0].Drained == nil || *list[0].Drained != *drain || !list[0].Listed() {
		t.Errorf("%+v, %v", list, err)
	}
	if list[0].Listings = list[0].Listings[:1]; list[0].Listed() {
		t.Error("a listing that drains nothing drains")
	}
}

// A blocklist that is not healthy keeps the time at which it was.
func TestEgress_LookedAtList(t *testing.T) {
	f := open(t)
	look := func(name, why string) {
		t.Helper()
		f.db.Pass(time.Hour)
		if err := f.LookedAtList(name, why); err != nil {
			t.Fatal(err)
		}
	}
	look("b.example", "no answer")
	look("a.example", "")
	healthy := f.db.Now()
	look("a.example", "lists everything")
	list, err := f.ListStates()
	want := []ListState{{Name: "a.example", Asked: f.db.Now(), Healthy: healthy, Why: "lists everything"},
		{Name: "b.example", Asked: roomtest.Begin.Add(time.Hour), Why: "no answer"}}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("%+v, %v, want %+v", list, err, want)
	}
	look("a.example", "")
	if list, _ := f.ListStates(); list[0].Why != "" || !list[0].Healthy.Equal(f.db.Now()) {
		t.Errorf("%+v", list[0])
	}
}
