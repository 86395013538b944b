package quota

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Skip(err)
	}
	return z
}

func TestDayStart(t *testing.T) {
	for _, tc := range []struct {
		zone  string
		y     int
		m     time.Month
		d     int
		start string
	}{
		{"Europe/Rome", 2026, 11, 23, "2026-11-22T23:00:00Z"},
		{"America/Asuncion", 2023, 10, 1, "2023-10-01T04:00:00Z"}, // midnight is skipped
		{"Pacific/Apia", 2011, 12, 30, "2011-12-30T10:00:00Z"},    // the day is skipped
		{"Pacific/Apia", 2011, 12, 31, "2011-12-30T10:00:00Z"},
		{"America/Havana", 2026, 11, 1, "2026-11-01T04:00:00Z"}, // midnight comes twice
		{"Asia/Amman", 2021, 10, 29, "2021-10-28T21:00:00Z"},
		{"Europe/Rome", 2052, 13, 1, "2052-12-31T23:00:00Z"}, // a leap year beyond the table of zones
	} {
		if got := dayStart(tc.y, tc.m, tc.d, zone(t, tc.zone)).Format(time.RFC3339); got != tc.start {
			t.Errorf("%s: dayStart(%d-%d-%d) = %s, want %s", tc.zone, tc.y, tc.m, tc.d, got, tc.start)
		}
	}
}

func TestContracts(t *testing.T) {
	rome := zone(t, "Europe/Rome")
	year, month := Plan{Name: "y", Term: Year, Emails: 1}, Plan{Name: "m", Term: Month, Emails: 1}
	first := NewContract(month, date(2026, 11, 23).Add(12*time.Hour), rome, nil)
	again := Contracts{first}.Next(month, first.End.Add(-time.Hour), rome, nil)
	if !again.Start.Equal(first.End) || again.Key != "2026-12-24" || !again.End.Equal(time.Date(2027, 1, 23, 0, 0, 0, 0, rome)) {
		t.Errorf("renewal of a month = %+v", again)
	}
	same := NewContract(month, first.Start.Add(time.Hour), rome, func(key string, _ bool) bool { return has(Contracts{first}, key) })
	if got := same.key(0); got != "2026-11-23-2" {
		t.Errorf("key of a second month bought on one day = %s", got)
	}
	first.End = first.Start.Add(time.Hour) // cut short, and another one bought on the same day
	if after := (Contracts{first}).Next(month, first.End, rome, nil); after.key(0) != "2026-11-23-2" {
		t.Errorf("key of a month bought after one that was cut short = %s", after.key(0))
	}
	y1 := NewContract(year, date(2026, 11, 23), rome, nil)
	y2 := Contracts{y1}.Next(year, date(2027, 3, 1), time.UTC, nil) // the operator moved meanwhile
	if y2.key(0) != "2027-11-2" || y2.key(1) != "2027-12" || y2.key(12) != "2028-11" || y2.Day != 23 || !y2.Rest || !y2.Start.Equal(y1.End) {
		t.Errorf("renewal of a year = %+v", y2)
	}
	all := Contracts{y1, y2}
	for _, tc := range []struct {
		now time.Time
		key string
		ok  bool
	}{
		{y1.Start.Add(-1), "2026-11", false},
		{y1.Start, "2026-11", true},
		{y1.End.Add(-1), "2027-11", true},
		{y1.End, "2027-11-2", true},
		{y2.End, "2028-11", false},
	} {
		if _, p, ok := all.At(tc.now, rome); p.Key != tc.key || ok != tc.ok {
			t.Errorf("At(%v) = %v, %v, want %s, %v", tc.now, p, ok, tc.key, tc.ok)
		}
	}
	if c, p, ok := all.Find("2028-01", rome); !ok || c.Key != "2027-11" || p.Key != "2028-01" {
		t.Errorf("Find = %v, %v, %v", c, p, ok)
	}
	if _, _, ok := (Contracts{}).At(y1.Start, rome); ok {
		t.Error("an account without contracts has one")
	}
	late := Contracts{y1}.Next(year, y1.End.Add(48*time.Hour), rome, func(key string, _ bool) bool { return key == "2028-05" })
	if !late.Start.Equal(y1.End.Add(48*time.Hour)) || late.key(6) != "2028-05-2" {
		t.Errorf("renewal after the end = %+v", late)
	}
}

// Whatever the zone and the instant: periods follow each other without a gap,
// PeriodAt agrees with them, a month lasts 30 days or a little more, keys are
// the contract's own, and renewals chain.
func TestContract_Periods(t *testing.T) {
	zones := []string{"UTC", "Europe/Rome", "Pacific/Apia", "Africa/Cairo", "America/Asuncion", "America/Havana", "Asia/Amman", "America/St_Johns", "Asia/Kolkata"}
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Skip("no zone data")
		}
		start := time.Unix(rapid.Int64Range(500_000_000, 3_500_000_000).Draw(t, "start"), 0).UTC()
		l := Contracts{}
		for range 3 {
			p := Plan{Term: rapid.SampledFrom([]Term{Year, Month}).Draw(t, "term")}
			c := l.Next(p, start, z, nil)
			if p.Term == Month {
				if d := c.End.Sub(c.Start); d < monthTime || d > monthTime+50*time.Hour {
					t.Fatalf("a month of %v", d)
				}
			}
			from := c.Start
			for _, p := range c.Periods(z) {
				if !p.Start.Equal(from) || !p.End.After(p.Start) || has(l, p.Key) {
					t.Fatalf("period %+v after %v", p, from)
				}
				at, ok := c.PeriodAt(p.Start.Add(rapidWithin(t, p)), z)
				if !ok || at != p {
					t.Fatalf("PeriodAt = %+v, want %+v", at, p)
				}
				from = p.End
			}
			if !from.Equal(c.End) {
				t.Fatalf("periods end %v, the contract %v", from, c.End)
			}
			if years := c.Days(z); p.Term == Year && (years < 365 || years > 366) {
				t.Fatalf("a year of %d days", years)
			}
			if days := c.Days(z); days < 29 || days > 367 || c.DaysLeft(c.Start, z) != days || c.DaysLeft(c.End.Add(-1), z) != 1 {
				t.Fatalf("%d days, %d, %d left", days, c.DaysLeft(c.Start, z), c.DaysLeft(c.End.Add(-1), z))
			}
			l = append(l, c)
		}
	})
}

func rapidWithin(t *rapid.T, p Period) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(p.End.Sub(p.Start))-1).Draw(t, "within"))
}

// A month that has begun goes on where the clock then goes back over midnight.
func TestContract_PeriodAtClockBack(t *testing.T) {
	newfoundland := zone(t, "America/St_Johns") // 2009-11-01 00:01 was followed by 2009-10-31 23:01
	c := NewContract(Plan{Term: Year}, date(2009, 5, 5), newfoundland, nil)
	turn := time.Date(2009, 11, 1, 2, 30, 0, 0, time.UTC)
	for now, want := range map[time.Time]string{
		turn.Add(-1): "2009-10", turn: "2009-11", turn.Add(30 * time.Minute): "2009-11", turn.Add(time.Hour): "2009-11",
	} {
		if p, ok := c.PeriodAt(now, newfoundland); !ok || p.Key != want {
			t.Errorf("PeriodAt(%v) = %+v, want %s", now.In(newfoundland), p, want)
		}
	}
}

// Of a contract that was ended early the period nearest to what comes after is
// the one it was ended in.
func TestContract_PeriodAtEndedEarly(t *testing.T) {
	start := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)
	for _, end := range []time.Time{start.Add(time.Hour), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)} {
		c := Contracts{}.Next(Plan{Term: Year}, start, time.UTC, nil)
		c.End = end
		for _, now := range []time.Time{end, end.AddDate(0, 3, 0), end.AddDate(3, 0, 0)} {
			if p, ok := c.PeriodAt(now, time.UTC); ok || p.Key != "2026-11" || !p.End.Equal(end) {
				t.Errorf("ended %v: PeriodAt(%v) = %+v, %v, want 2026-11", end, now, p, ok)
			}
		}
	}
}

func TestContract_Keys(t *testing.T) {
	c := NewContract(Plan{Term: Year}, date(2026, 11, 23), time.UTC, nil)
	var keys []string
	for _, p := range c.Periods(time.UTC) {
		keys = append(keys, p.Key)
	}
	if keys[0] != "2026-11" || keys[11] != "2027-10" || keys[12] != "2027-11" || len(keys) != 13 || !slices.IsSorted(keys) {
		t.Errorf("keys %v", keys)
	}
}

func BenchmarkContracts_At(b *testing.B) {
	rome := zone(b, "Europe/Rome")
	l := Contracts{NewContract(Plan{Term: Year}, date(2026, 11, 23), rome, nil)}
	for b.Loop() {
		l.At(date(2027, 5, 5), rome)
	}
}

func has(l Contracts, key string) bool {
	_, _, ok := l.Find(key, time.UTC)
	return ok
}

func TestParseMonth(t *testing.T) {
	for _, key := range []string{"2026-11", "0000-01", "9999-12", "2026-00", "2026-13", "2026-1", "2026-011", "2026/11", "x026-11", "2026-1x", "+026-11", "", "2026-11-05", "٢٠26-11"} {
		want, err := time.Parse(monthKey, key)
		year, month, ok := parseMonth(key)
		if ok != (err == nil) || ok && (year != want.Year() || month != want.Month()) {
			t.Errorf("parseMonth(%q) = %d, %d, %v; time.Parse says %v, %v", key, year, month, ok, want, err)
		}
	}
}
