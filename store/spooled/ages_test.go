package spooled

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Over weeks, the slots hold each message under its age, as exactly as their width, and are few.
func TestAges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		var a Ages
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
			again, err := ReadAges(a.Append(nil))
			if err != nil || !slices.Equal(a, again) {
				t.Fatalf("%v is read as %v, %v", a, again, err)
			}
			want := Ages{}
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

// Messages are counted up to the bound that is not below their age.
func TestAges_Counts(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var a Ages
	for _, age := range []time.Duration{0, 10 * time.Minute, time.Hour, 2 * time.Hour, 30 * time.Hour} {
		a.Add(now.Add(-age), now, 1)
	}
	if got, want := a.Counts(now, []time.Duration{10 * time.Minute, time.Hour}), []int64{2, 1, 2}; !slices.Equal(got, want) || a.Messages() != 5 {
		t.Errorf("Counts = %v of %d, want %v of 5", got, a.Messages(), want)
	}
}
