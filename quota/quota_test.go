package quota

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestFits_BandwidthPlan(t *testing.T) {
	// M11: 500 MB are 50,000 e-mails of 10 KB or less, 25,000 of 20 KB,
	// 10,000 of 50 KB, 2,000 of 250 KB.
	p := Plan{Term: Year, Emails: 50_000, Bandwidth: 500_000_000}
	for _, tc := range []struct{ size, emails int64 }{
		{1_000, 50_000}, {10_000, 50_000}, {20_000, 25_000}, {50_000, 10_000}, {250_000, 2_000},
	} {
		used := Charge{Messages: tc.emails - 1, Bytes: (tc.emails - 1) * tc.size}
		one, err := ForMessage(tc.size, 1)
		if err != nil {
			t.Fatal(err)
		}
		if over := Fits(p, used, one, nil, 0); over != nil {
			t.Errorf("e-mail %d of %d bytes: %v", tc.emails, tc.size, over)
		}
		if over := Fits(p, used.Add(one), one, nil, 0); over == nil {
			t.Errorf("e-mail %d of %d bytes was allowed", tc.emails+1, tc.size)
		}
	}
}

func TestFits_withoutCredit(t *testing.T) {
	for _, tc := range []struct {
		name        string
		a           Allowance
		used, asked Charge
		ok          bool
	}{
		{"a single one of 90 MB", Allowance{9_000, 90_000_000}, Charge{}, Charge{1, 90_000_000}, true},
		{"a byte more", Allowance{9_000, 90_000_000}, Charge{}, Charge{1, 90_000_001}, false},
		{"count plan, any size", Allowance{Messages: 9_000}, Charge{8_999, math.MaxInt64}, Charge{1, 1 << 40}, true},
		{"the whole message or nothing", Allowance{Messages: 10}, Charge{Messages: 8}, Charge{Messages: 3}, false},
		{"asking for nothing when all is used", Allowance{10, 10}, Charge{10, 10}, Charge{}, true},
		{"asking for nothing when too much is used", Allowance{10, 10}, Charge{11, 11}, Charge{}, true},
		{"no overflow", Allowance{Messages: 10}, Charge{Messages: 5}, Charge{Messages: math.MaxInt64}, false},
		{"no limit", Allowance{}, Charge{math.MaxInt64, math.MaxInt64}, Charge{1, 1}, true},
	} {
		p := Plan{Term: Year, Emails: tc.a.Messages, Bandwidth: tc.a.Bytes}
		if got := Fits(p, tc.used, tc.asked, nil, 0) == nil; got != tc.ok {
			t.Errorf("%s: Fits(%v, %v, %v) = %v, want %v", tc.name, tc.a, tc.used, tc.asked, got, tc.ok)
		}
	}
}

func TestForMessage_Overflow(t *testing.T) {
	if _, err := ForMessage(math.MaxInt64/2, 3); err == nil {
		t.Error("an uncountable charge was counted")
	}
	if _, err := ForMessage(-1, 1); err == nil {
		t.Error("a negative size was counted")
	}
}

// Whatever is asked for in whatever order, what was allowed stays within the
// allowance, and what was refused would have left it.
func TestFits_NeverOverrun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Allowance{Messages: rapid.Int64Range(0, 50).Draw(t, "messages"), Bytes: rapid.Int64Range(0, 5000).Draw(t, "bytes")}
		var used Charge
		for range rapid.IntRange(1, 50).Draw(t, "n") {
			c, err := ForMessage(rapid.Int64Range(0, 500).Draw(t, "size"), rapid.IntRange(1, 5).Draw(t, "recipients"))
			if err != nil {
				t.Fatal(err)
			}
			after := used.Add(c)
			within := (a.Messages == 0 || after.Messages <= a.Messages) && (a.Bytes == 0 || after.Bytes <= a.Bytes)
			if allowed := Fits(Plan{Term: Year, Emails: a.Messages, Bandwidth: a.Bytes}, used, c, nil, 0) == nil; allowed != within {
				t.Fatalf("Fits(%v, %v, %v): allowed %v, within it %v", a, used, c, allowed, within)
			}
			if within {
				used = after
			}
		}
	})
}

func TestContract_PeriodAt(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	year := NewContract(Plan{Term: Year}, at("2026-11-23T12:00:00Z"), rome, nil)
	old := WholeMonths(Plan{Term: Year}, at("2026-11-23T12:00:00Z"), rome)
	month := NewContract(Plan{Term: Month}, at("2026-11-23T12:00:00Z"), rome, nil)
	for _, tc := range []struct {
		name       string
		term       Contract
		now        string
		key        string
		start, end string
		last, ok   bool
	}{
		{"month of activation, in full", year, "2026-11-23T12:00:00Z", "2026-11", "2026-11-23T12:00:00Z", "2026-11-30T23:00:00Z", false, true},
		{"last instant of a month in the operator's zone", year, "2026-11-30T22:59:59Z", "2026-11", "2026-11-23T12:00:00Z", "2026-11-30T23:00:00Z", false, true},
		{"months turn at midnight there", year, "2026-11-30T23:00:00Z", "2026-12", "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z", false, true},
		{"month in which summer time starts", year, "2027-03-31T21:59:59Z", "2027-03", "2027-02-28T23:00:00Z", "2027-03-31T22:00:00Z", false, true},
		{"twelfth month", year, "2027-10-31T22:59:59Z", "2027-10", "2027-09-30T22:00:00Z", "2027-10-31T23:00:00Z", false, true},
		{"the last days", year, "2027-10-31T23:00:00Z", "2027-11", "2027-10-31T23:00:00Z", "2027-11-22T23:00:00Z", true, true},
		{"the last of them", year, "2027-11-22T22:59:59Z", "2027-11", "2027-10-31T23:00:00Z", "2027-11-22T23:00:00Z", true, true},
		{"after the term", year, "2027-11-22T23:00:00Z", "2027-11", "2027-10-31T23:00:00Z", "2027-11-22T23:00:00Z", true, false},
		{"twelfth month, as sold before", old, "2027-10-31T22:59:59Z", "2027-10", "2027-09-30T22:00:00Z", "2027-10-31T23:00:00Z", true, true},
		{"after such a term", old, "2027-10-31T23:00:00Z", "2027-10", "2027-09-30T22:00:00Z", "2027-10-31T23:00:00Z", true, false},
		{"before activation", year, "2026-11-23T11:59:59Z", "2026-11", "2026-11-23T12:00:00Z", "2026-11-30T23:00:00Z", false, false},
		{"thirty days, to the end of the last", month, "2026-12-23T22:59:59Z", "2026-11-23", "2026-11-23T12:00:00Z", "2026-12-23T23:00:00Z", true, true},
		{"after thirty days", month, "2026-12-23T23:00:00Z", "2026-11-23", "2026-11-23T12:00:00Z", "2026-12-23T23:00:00Z", true, false},
	} {
		p, ok := tc.term.PeriodAt(at(tc.now), rome)
		want := Period{Key: tc.key, Start: at(tc.start), End: at(tc.end), Last: tc.last}
		if tc.key == "2027-11" {
			want.Share = Share{Days: 22, Of: 30}
		}
		if p != want || ok != tc.ok {
			t.Errorf("%s: PeriodAt(%s) = %v, %v, want %v, %v", tc.name, tc.now, p, ok, want, tc.ok)
		}
	}
}

// In Asuncion midnight of 2023-10-01 did not exist: the clock went from 23:59:59 to 1:00.
func TestContract_PeriodAtMidnightThatIsSkipped(t *testing.T) {
	zone, err := time.LoadLocation("America/Asuncion")
	if err != nil {
		t.Skip(err)
	}
	turn := time.Date(2023, 10, 1, 4, 0, 0, 0, time.UTC)
	c := NewContract(Plan{Term: Year}, time.Date(2022, 10, 1, 12, 0, 0, 0, zone), zone, nil)
	if !c.End.Equal(turn) {
		t.Errorf("the term ends %v, want %v", c.End, turn)
	}
	c = NewContract(Plan{Term: Year}, time.Date(2023, 5, 5, 12, 0, 0, 0, zone), zone, nil)
	before, _ := c.PeriodAt(turn.Add(-time.Second), zone)
	after, _ := c.PeriodAt(turn, zone)
	if before.Key != "2023-09" || after.Key != "2023-10" || !before.End.Equal(turn) || !after.Start.Equal(turn) {
		t.Errorf("periods around the turn: %+v, %+v", before, after)
	}
}

// Periods of a year follow each other without a gap; there are twelve, and one more
// where its last month is not whole.
func TestContract_PeriodAtWithoutGap(t *testing.T) {
	zones := []string{"UTC", "Europe/Rome", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo", "America/Asuncion", "America/Havana", "Asia/Amman", "America/St_Johns"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Skip("no zone data")
		}
		start := time.Unix(rapid.Int64Range(1_000_000_000, 2_500_000_000).Draw(t, "activated"), 0).UTC()
		c := NewContract(Plan{Term: Year}, start, zone, nil)
		n, now := 0, start
		for {
			p, ok := c.PeriodAt(now, zone)
			if !ok {
				break
			}
			if n++; n > 13 {
				t.Fatalf("more than thirteen periods, at %v", now)
			}
			if now.Before(p.Start) || !now.Before(p.End) {
				t.Fatalf("%v lies outside of its period %v", now, p)
			}
			now = p.End
		}
		want := 13
		if c.Day == 1 {
			want = 12
		}
		if n != want || !now.Equal(c.End) {
			t.Fatalf("%d periods until %v, term ends %v", n, now, c.End)
		}
	})
}

func TestBuiltin(t *testing.T) {
	all := Builtin()
	if len(all) != 10 {
		t.Fatalf("%d plans, want 10", len(all))
	}
	for _, p := range all {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if p.Bandwidth > 0 && p.Emails != p.Bandwidth/10_000 {
			t.Errorf("%s: %d e-mails for %d bytes, want one for each 10 KB", p.Name, p.Emails, p.Bandwidth)
		}
	}
}

func TestPlan_Validate(t *testing.T) {
	err := Plan{Name: "No", Emails: -1, Bandwidth: -1, Term: "week", Recipients: -1}.Validate()
	const want = `plan: name "No": up to 64 of a-z 0-9 . _ @ + -; emails: cannot be negative; bandwidth: cannot be negative; term "week": year or month; recipients: 1 to 10,000`
	if err == nil || err.Error() != want {
		t.Errorf("Validate = %v, want %s", err, want)
	}
}
