package record

import (
	"testing"

	"pgregory.net/rapid"
)

func TestRecord(t *testing.T) {
	var r Record
	for day := 1; day <= 10; day++ {
		r.Turn(day)
		if r.Proven != (day > 8) {
			t.Errorf("day %d: proven %v", day, r.Proven)
		}
		r.Today.Delivered += 150
		if day == 3 {
			r.Today.Unknown = 20 // not a clean day
		}
	}
	few := Record{}
	for day := 1; day <= 30; day++ {
		few.Turn(day)
		few.Today.Delivered = 10
	}
	if few.Proven {
		t.Error("300 recipients are proof")
	}
	back := Record{}
	for day := range 40 {
		back.Turn(1 + day%2) // a clock that goes to and fro
		back.Today.Delivered = 100
	}
	if back.Clean > 20 {
		t.Errorf("%d clean days of 40 turns", back.Clean)
	}
}

// Recipients that are planned go out on the day that was told, if all days are clean.
func TestFirst(t *testing.T) {
	const most = 2000
	r := Record{}
	r.Turn(1)
	r.First.Bound(StartCap, most)
	planned := map[int]int{}
	for range 7000 {
		planned[r.Reserve(most)]++
	}
	for day, want := range []int{200, 400, 800, 1600, 2000, 2000} {
		day++
		if r.Turn(day); day > 1 {
			r.First.Bound(StartCap, most)
		}
		if planned[day] != want {
			t.Errorf("day %d: %d planned, want %d", day, planned[day], want)
		}
		for range planned[day] {
			if day > 1 && !r.Grant() {
				t.Fatalf("day %d: not all that was planned may go", day)
			}
		}
		r.Today.Delivered = int64(want)
	}
	r.Today.Bad = true
	r.Turn(8)
	if r.First.Cap != most {
		t.Errorf("%d after a bad day, want as many as before", r.First.Cap)
	}
	r.Turn(9)
	if r.First.Cap != most {
		t.Errorf("%d after a day without any, want as many as before", r.First.Cap)
	}
}

// Whatever the days are like, no more go in one than its cap, and each recipient is planned
// at most about once for each doubling.
func TestFirst_badDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, day := Record{}, 1
		r.Turn(day)
		r.First.Bound(StartCap, 0)
		waits := map[int]int{} // by the day planned
		n := rapid.IntRange(1, 20_000).Draw(t, "recipients")
		left, moves := n, 0
		for range n {
			if at := r.Reserve(0); at > day {
				waits[at]++
			} else {
				left--
			}
		}
		for ; left > 0; day++ {
			r.Turn(day)
			sent := 0
			for range waits[day] {
				if r.Grant() {
					sent++
					left--
				} else if at := r.Reserve(0); at > day {
					waits[at]++
					moves++
				} else {
					t.Fatalf("day %d: planned for today although nothing may go", day)
				}
			}
			if sent > r.First.Cap {
				t.Fatalf("day %d: %d of %d", day, sent, r.First.Cap)
			}
			r.Today.Delivered += int64(r.First.Used)
			r.Today.Bad = rapid.Bool().Draw(t, "bad")
			if day > 2000 {
				t.Fatalf("%d wait for ever", left)
			}
		}
		if moves > 20*n {
			t.Fatalf("%d moves of %d recipients", moves, n)
		}
	})
}
