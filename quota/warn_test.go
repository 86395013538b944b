package quota

import (
	"testing"
	"time"
)

func TestContract_Reached(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		t.Helper()
		v, err := time.ParseInLocation("2006-01-02 15:04", text, rome)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	year := NewContract(Plan{Name: "y", Term: Year}, at("2026-11-01 10:00"), rome, nil)   // to 31 October
	month := NewContract(Plan{Name: "m", Term: Month}, at("2026-11-23 10:00"), rome, nil) // to 23 December
	usual := []int{14, 3}
	for _, c := range []struct {
		name  string
		is    Contract
		steps []int
		now   string
		want  int // -1: none
	}{
		{"long before", year, usual, "2027-09-01 09:00", -1},
		{"a minute before the day", year, usual, "2027-10-16 23:59", -1},
		{"from midnight on", year, usual, "2027-10-17 00:00", 14},
		{"the day after", year, usual, "2027-10-18 08:30", 14},
		{"before the second one", year, usual, "2027-10-27 23:59", 14},
		{"the second one", year, usual, "2027-10-28 00:00", 3},
		{"both are over, the nearest", year, []int{3, 14}, "2027-10-30 08:30", 3},
		{"the last minute, after a night with 25 hours", year, usual, "2027-10-31 23:59", 3},
		{"the end", year, usual, "2027-11-01 00:00", -1},
		{"on the last day only", year, []int{0}, "2027-10-30 23:59", -1},
		{"on the last day", year, []int{0, 3}, "2027-10-31 00:00", 0},
		{"no steps", year, nil, "2027-10-31 08:00", -1},
		{"a month", month, usual, "2026-12-09 08:30", 14},
		{"before a month's steps", month, usual, "2026-12-08 23:59", -1},
		{"a step on the first day is none", month, []int{30}, "2026-11-24 08:30", -1},
		{"nor one before it", month, []int{60}, "2026-12-22 08:30", -1},
		{"the day after it is one", month, []int{29}, "2026-11-24 00:00", 29},
		{"before the term began", month, []int{29}, "2026-11-23 09:59", -1},
	} {
		got, ok := c.is.Reached(c.steps, at(c.now), rome)
		if !ok {
			got = -1
		}
		if got != c.want {
			t.Errorf("%s: Reached(%v) at %s = %d, want %d", c.name, c.steps, c.now, got, c.want)
		}
	}
}
