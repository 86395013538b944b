package quota

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDecide_BandwidthPlan(t *testing.T) {
	// M11: 500 MB are 50,000 e-mails of 10 KB or less, 25,000 of 20 KB,
	// 10,000 of 50 KB, 2,000 of 250 KB.
	a := Allowance{Messages: 50_000, Bytes: 500_000_000}
	for _, tc := range []struct{ size, emails int64 }{
		{1_000, 50_000}, {10_000, 50_000}, {20_000, 25_000}, {50_000, 10_000}, {250_000, 2_000},
	} {
		used := Charge{Messages: tc.emails - 1, Bytes: (tc.emails - 1) * tc.size}
		one, err := ForMessage(tc.size, 1)
		if err != nil {
			t.Fatal(err)
		}
		if over := Decide(a, used, one); over != nil {
			t.Errorf("e-mail %d of %d bytes: %v", tc.emails, tc.size, over)
		}
		if over := Decide(a, used.Add(one), one); over == nil {
			t.Errorf("e-mail %d of %d bytes was allowed", tc.emails+1, tc.size)
		}
	}
}

func TestDecide(t *testing.T) {
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
		if got := Decide(tc.a, tc.used, tc.asked) == nil; got != tc.ok {
			t.Errorf("%s: Decide(%v, %v, %v) = %v, want %v", tc.name, tc.a, tc.used, tc.asked, got, tc.ok)
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
func TestDecide_NeverOverrun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Allowance{Messages: rapid.Int64Range(0, 50).Draw(t, "messages"), Bytes: rapid.Int64Range(0, 5000).Draw(t, "bytes")}
		var used Charge
		for range rapid.IntRange(1, 50).Draw(t, "n") {
			c, err := ForMessage(rapid.Int64Range(0, 500).Draw(t, "size"), rapid.IntRange(1, 5).Draw(t, "recipients"))
			if err != nil {
				t.Fatal(err)
			}
			after := used.Add(c)
			within := (a.Messages == 0 || after.Messages <= a.Messages) && (a.Bytes == 0 || c.Bytes == 0 || after.Bytes <= a.Bytes)
			if allowed := Decide(a, used, c) == nil; allowed != within {
				t.Fatalf("Decide(%v, %v, %v): allowed %v, fits %v", a, used, c, allowed, within)
			}
			if within {
				used = after
			}
		}
	})
}

func TestPeriodAt(t *testing.T) {
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
	year := Terms{Plan: Plan{Term: Year}, Activated: at("2026-11-23T12:00:00Z"), Zone: rome}
	month := Terms{Plan: Plan{Term: Month}, Activated: at("2026-11-23T12:00:00Z"), Zone: rome}
	for _, tc := range []struct {
		name       string
		terms      Terms
		now        string
		key        string
		start, end string
		last, ok   bool
	}{
		{"month of activation, in full", year, "2026-11-23T12:00:00Z", "2026-11", "2026-11-23T12:00:00Z", "2026-11-30T23:00:00Z", false, true},
		{"last instant of a month in the operator's zone", year, "2026-11-30T22:59:59Z", "2026-11", "2026-11-23T12:00:00Z", "2026-11-30T23:00:00Z", false, true},
		{"months turn at midnight there", year, "2026-11-30T23:00:00Z", "2026-12", "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z", false, true},
		{"month in which summer time starts", year, "2027-03-31T21:59:59Z", "2027-03", "2027-02-28T23:00:00Z", "2027-03-31T22:00:00Z", false, true},
		{"twelfth month", year, "2027-10-31T22:59:59Z", "2027-10", "2027-09-30T22:00:00Z", "2027-10-31T23:00:00Z", true, true},
		{"after the term", year, "2027-10-31T23:00:00Z", "2027-10", "2027-09-30T22:00:00Z", "2027-10-31T23:00:00Z", true, false},
		{"before activation", year, "2026-11-23T11:59:59Z", "2026-11", "2026-11-23T12:00:00Z", "2026-11-30T23:00:00Z", false, false},
		{"thirty days, to the end of the last", month, "2026-12-23T22:59:59Z", "2026-11-23", "2026-11-23T12:00:00Z", "2026-12-23T23:00:00Z", true, true},
		{"after thirty days", month, "2026-12-23T23:00:00Z", "2026-11-23", "2026-11-23T12:00:00Z", "2026-12-23T23:00:00Z", true, false},
	} {
		p, ok := tc.terms.PeriodAt(at(tc.now))
		want := Period{Key: tc.key, Start: at(tc.start), End: at(tc.end), Last: tc.last}
		if p != want || ok != tc.ok {
			t.Errorf("%s: PeriodAt(%s) = %v, %v, want %v, %v", tc.name, tc.now, p, ok, want, tc.ok)
		}
	}
}

// In Asuncion midnight of 2023-10-01 did not exist: the clock went from 23:59:59 to 1:00.
func TestPeriodAt_MidnightThatIsSkipped(t *testing.T) {
	zone, err := time.LoadLocation("America/Asuncion")
	if err != nil {
		t.Skip(err)
	}
	turn := time.Date(2023, 10, 1, 4, 0, 0, 0, time.UTC)
	terms := Terms{Plan: Plan{Term: Year}, Activated: time.Date(2022, 10, 5, 12, 0, 0, 0, zone), Zone: zone}
	if end := terms.TermEnd(); !end.Equal(turn) {
		t.Errorf("the term ends %v, want %v", end, turn)
	}
	terms.Activated = time.Date(2023, 5, 5, 12, 0, 0, 0, zone)
	before, _ := terms.PeriodAt(turn.Add(-time.Second))
	after, _ := terms.PeriodAt(turn)
	if before.Key != "2023-09" || after.Key != "2023-10" || !before.End.Equal(turn) || !after.Start.Equal(turn) {
		t.Errorf("periods around the turn: %+v, %+v", before, after)
	}
}

// Periods of a year follow each other without a gap, and there are twelve.
func TestPeriodAt_TwelveWithoutGap(t *testing.T) {
	zones := []string{"UTC", "Europe/Rome", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo", "America/Asuncion", "America/Havana", "Asia/Amman", "America/St_Johns"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Skip("no zone data")
		}
		start := time.Unix(rapid.Int64Range(1_000_000_000, 2_500_000_000).Draw(t, "activated"), 0).UTC()
		terms := Terms{Plan: Plan{Term: Year}, Activated: start, Zone: zone}
		n, now := 0, start
		for {
			p, ok := terms.PeriodAt(now)
			if !ok {
				break
			}
			if n++; n > 12 {
				t.Fatalf("more than twelve periods, at %v", now)
			}
			if now.Before(p.Start) || !now.Before(p.End) {
				t.Fatalf("%v lies outside of its period %v", now, p)
			}
			now = p.End
		}
		if n != 12 || !now.Equal(terms.TermEnd()) {
			t.Fatalf("%d periods until %v, term ends %v", n, now, terms.TermEnd())
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
