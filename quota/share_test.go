package quota

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// M13: a year ends on the day before its anniversary, and only the month that two
// terms share has a key of its own in the second.
func TestContract_aYear(t *testing.T) {
	rome := zone(t, "Europe/Rome")
	p := Plan{Name: "p", Term: Year, Emails: 9000}
	for _, tc := range []struct {
		start, last    string // days
		keys           int
		first, end     string // keys
		lastPart, rest int64  // e-mails of its last month, and of the renewal's first one
	}{
		{"2026-11-23", "2027-11-22", 13, "2026-11", "2027-11", 6600, 2400},
		{"2027-01-31", "2028-01-30", 13, "2027-01", "2028-01", 8710, 290}, // 335 days before
		{"2026-11-01", "2027-10-31", 12, "2026-11", "2027-10", 9000, 9000},
		{"2027-02-28", "2028-02-27", 13, "2027-02", "2028-02", 8380, 620},
		{"2028-02-29", "2029-02-28", 13, "2028-02", "2029-02", 9000, 9000}, // there is no 29 February 2029: to the last day before 1 March
		{"2027-03-01", "2028-02-29", 12, "2027-03", "2028-02", 9000, 9000},
		{"2027-03-28", "2028-03-27", 13, "2027-03", "2028-03", 7839, 1161}, // summer time begins
	} {
		day, err := time.ParseInLocation(time.DateOnly, tc.start, rome)
		if err != nil {
			t.Fatal(err)
		}
		c := NewContract(p, day.Add(15*time.Hour), rome, nil)
		all := c.Periods(rome)
		if got := LastDay(c.End, rome).Format(time.DateOnly); got != tc.last || len(all) != tc.keys || all[0].Key != tc.first || all[len(all)-1].Key != tc.end {
			t.Errorf("a year from %s: to %s in %d periods %s to %s, want %s, %d, %s, %s", tc.start, got, len(all), all[0].Key, all[len(all)-1].Key, tc.last, tc.keys, tc.first, tc.end)
		}
		next := Contracts{c}.Next(p, c.Start, rome, nil)
		rest := next.Periods(rome)
		if got := []int64{p.In(all[0]).Emails, p.In(all[1]).Emails, p.In(all[len(all)-1]).Emails, p.In(rest[0]).Emails, p.In(rest[1]).Emails}; !slices.Equal(got, []int64{9000, 9000, tc.lastPart, tc.rest, 9000}) {
			t.Errorf("a year from %s allows %v, want 9000, 9000, then %d and of its renewal %d, 9000", tc.start, got, tc.lastPart, tc.rest)
		}
		suffix := ""
		if tc.lastPart != 9000 {
			suffix = "-2"
		}
		if want := monthName(c.End.In(rome).Year(), c.End.In(rome).Month()) + suffix; rest[0].Key != want || rest[1].Key != monthName(c.End.In(rome).Year(), c.End.In(rome).Month()+1) {
			t.Errorf("the renewal of a year from %s has the keys %s, %s …, want %s and the next month's", tc.start, rest[0].Key, rest[1].Key, want)
		}
	}
}

// After a gap the first month is full again, however short the gap; also in a month
// that has the last days of the term before.
func TestContracts_Next_afterAGap(t *testing.T) {
	p := Plan{Name: "p", Term: Year, Emails: 9000}
	c := NewContract(p, date(2026, 11, 5), time.UTC, nil)
	for _, late := range []time.Duration{0, time.Second, 48 * time.Hour} {
		is := Contracts{c}.Next(p, c.End.Add(late), time.UTC, nil).FirstPeriod(time.UTC)
		if full := p.In(is).Emails == 9000; full != (late > 0) || is.Key != "2027-11-2" {
			t.Errorf("renewed %v after the end: %+v, %d e-mails", late, is, p.In(is).Emails)
		}
	}
}

// A term as it was sold before: to the end of its twelfth month, all of them full.
// Its renewal follows on a first of the month, with keys like any other.
func TestWholeMonths(t *testing.T) {
	p := Plan{Name: "p", Term: Year, Emails: 9000}
	c := WholeMonths(p, date(2027, 1, 31).Add(time.Hour), time.UTC)
	all := c.Periods(time.UTC)
	if len(all) != 12 || !c.End.Equal(date(2028, 1, 1)) || all[11].Key != "2027-12" || p.In(all[0]).Emails != 9000 || p.In(all[11]).Emails != 9000 {
		t.Errorf("sold before: %+v, %+v", c, all)
	}
	next := Contracts{c}.Next(p, c.Start, time.UTC, nil)
	if is := next.Periods(time.UTC); len(is) != 12 || next.Rest || is[0].Key != "2028-01" || !next.End.Equal(date(2029, 1, 1)) {
		t.Errorf("its renewal: %+v, %+v", next, is)
	}
}

// A plan so small that nothing of a month is left for the renewal allows nothing
// there. It is not without limit.
func TestPlan_In_nothing(t *testing.T) {
	p := Plan{Name: "p", Term: Year, Emails: 10, Bandwidth: 20}
	c := NewContract(p, date(2027, 1, 31), time.UTC, nil)
	is := p.In(Contracts{c}.Next(p, c.Start, time.UTC, nil).FirstPeriod(time.UTC))
	if is.Emails != Nothing || is.Bandwidth != Nothing || is.Kind() != Bandwidth || is.EmailWeight() != 2 {
		t.Fatalf("the rest of a month = %+v, want nothing", is)
	}
	over := Fits(is, Charge{}, Charge{1, 1}, nil, 0)
	if over == nil || Over(is, Charge{3, 1}) != 6 || Fits(is, Charge{}, Charge{1, 1}, []Lot{{Amount: 2}}, 0) != nil {
		t.Errorf("one e-mail beyond nothing = %+v", over)
	}
}

// Whatever day a customer begins on, in whatever zone: term follows term without a
// gap, each is a year, and each calendar month but the first has one allowance in sum.
func TestContracts_Next_allowances(t *testing.T) {
	zones := []string{"UTC", "Europe/Rome", "Pacific/Apia", "Africa/Cairo", "America/Asuncion", "America/Havana", "Asia/Amman", "Asia/Kolkata"}
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Skip("no zone data")
		}
		p := Plan{Name: "p", Term: Year, Emails: rapid.Int64Range(1, 1000).Draw(t, "emails"), Bandwidth: rapid.Int64Range(1, 1<<50).Draw(t, "bandwidth")}
		start := time.Unix(rapid.Int64Range(1_000_000_000, 3_500_000_000).Draw(t, "start"), 0)
		l, allowed, keys := Contracts{}, map[string]Charge{}, map[string]bool{}
		for range 5 {
			c := l.Next(p, start, z, nil)
			if n := len(l); n > 0 && !c.Start.Equal(l[n-1].End) {
				t.Fatalf("a gap: %v after %v", c.Start, l[n-1].End)
			}
			y, m, d := c.Start.In(z).Date()
			if want := dayStart(y+1, m, d, z); !c.End.Equal(want) {
				t.Fatalf("from %v to %v, want %v", c.Start.In(z), c.End.In(z), want.In(z))
			}
			for _, is := range c.Periods(z) {
				if keys[is.Key] || !is.Start.Before(is.End) {
					t.Fatalf("period %+v, twice or empty", is)
				}
				keys[is.Key] = true
				in := p.In(is)
				month := is.Start.In(z).Format(monthKey)
				allowed[month] = allowed[month].Add(Charge{max(in.Emails, 0), max(in.Bandwidth, 0)})
			}
			l = append(l, c)
		}
		end := l[4].Periods(z)
		delete(allowed, end[len(end)-1].Start.In(z).Format(monthKey)) // whose rest nobody has yet
		if len(allowed) < 59 {
			t.Fatalf("%d months in five years", len(allowed))
		}
		for month, sum := range allowed {
			if sum != (Charge{p.Emails, p.Bandwidth}) {
				t.Fatalf("%s has %v of %d, %d", month, sum, p.Emails, p.Bandwidth)
			}
		}
	})
}

// M18: what an upgrade adds in the month that runs is paid for by the day: nobody
// gets a share of the larger allowance for less than that share of a year's price.
func TestUpgrade_noBargain(t *testing.T) {
	from := Plan{Name: "s", Term: Year, Emails: 9000, Price: 12_000}
	to := Plan{Name: "l", Term: Year, Emails: 900_000, Price: 372_000}
	rapid.Check(t, func(t *rapid.T) {
		c := Contracts{NewContract(from, time.Unix(rapid.Int64Range(1_500_000_000, 3_000_000_000).Draw(t, "start"), 0), time.UTC, nil)}
		if rapid.Bool().Draw(t, "renewed") {
			c = append(c, c.Next(from, c[0].Start, time.UTC, nil))
		}
		is := c[len(c)-1]
		now := is.Start.Add(time.Duration(rapid.Int64Range(0, int64(is.End.Sub(is.Start))-1).Draw(t, "at")))
		q, err := Upgrade(is, to, now, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := is.PeriodAt(now, time.UTC)
		days := min(int64(at.End.Sub(at.Start).Hours())/24, 31)
		if least := q.Difference * days / q.Days; q.Amount < least || to.In(at).Emails-from.In(at).Emails > 891_000 {
			t.Fatalf("at %v: %d for %d days of %+v, want at least %d", now, q.Amount, q.Left, at, least)
		}
	})
}
