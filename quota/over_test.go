package quota

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestOver(t *testing.T) {
	standard := Plan{Term: Year, Bandwidth: 500 * mb, Emails: 50_000}
	for _, tc := range []struct {
		name string
		plan Plan
		used Charge
		want int64
	}{
		{"within", standard, Charge{50_000, 500 * mb}, 0},
		{"bytes", standard, Charge{1, 500*mb + 3}, 3},
		{"e-mails", standard, Charge{50_003, mb}, 30_000},
		{"the worse of both", standard, Charge{50_003, 500*mb + 30_001}, 30_001},
		{"no limit of e-mails", Plan{Bandwidth: mb}, Charge{math.MaxInt64, mb + 1}, 1},
		{"less than an octet an e-mail", Plan{Bandwidth: 5, Emails: 10}, Charge{12, 1}, 2},
		{"count plan", Plan{Emails: 10}, Charge{12, math.MaxInt64}, 2},
		{"no limit", Plan{}, Charge{math.MaxInt64, math.MaxInt64}, 0},
		{"not to be counted", Plan{Bandwidth: 1}, Charge{1, math.MaxInt64}, MaxOver},
		{"weight not to be counted", standard, Charge{math.MaxInt64, 1}, MaxOver},
	} {
		if got := Over(tc.plan, tc.used); got != tc.want {
			t.Errorf("%s: Over(%v) = %d, want %d", tc.name, tc.used, got, tc.want)
		}
	}
}

func TestFits(t *testing.T) {
	standard := Plan{Term: Year, Bandwidth: 500 * mb, Emails: 50_000}
	count, month := Plan{Term: Year, Emails: 10}, Plan{Term: Month, Bandwidth: mb}
	closed := standard
	closed.AtLimit = []AtLimit{Suspend}
	credit := []Lot{{Ref: "a", Amount: gb}}
	huge := []Lot{{Ref: "a", Amount: math.MaxInt64}, {Ref: "b", Amount: math.MaxInt64}}
	for _, tc := range []struct {
		name        string
		plan        Plan
		used, asked Charge
		lots        []Lot
		limit       AtLimit
		want        string // "": it fits
	}{
		{"to the last octet", standard, Charge{}, Charge{1, 500 * mb}, nil, Suspend, ""},
		{"an octet more", standard, Charge{}, Charge{1, 500*mb + 1}, nil, Suspend, "0 bytes used of 500000000, 500000001 more asked for"},
		{"credit to the last octet", standard, Charge{1, 500 * mb}, Charge{1, gb}, credit, Suspend, ""},
		{"more than the credit", standard, Charge{1, 500 * mb}, Charge{1, gb + 1}, credit, Suspend,
			"500000000 bytes used of 500000000, 1000000001 more asked for, with a credit of 1000000000 bytes"},
		{"credit for e-mails by weight", standard, Charge{50_000, mb}, Charge{100_000, mb}, credit, Suspend, ""},
		{"too many of them", standard, Charge{50_000, mb}, Charge{100_001, mb}, credit, Suspend,
			"50000 e-mails used of 50000, 100001 more asked for, with a credit of 1000000000 bytes"},
		{"an e-mail too many, but more bytes", standard, Charge{50_000, 600 * mb}, Charge{1, gb}, credit, Suspend,
			"600000000 bytes used of 500000000, 1000000000 more asked for, with a credit of 1000000000 bytes"},
		{"continue", standard, Charge{1, gb}, Charge{1, gb}, nil, Continue, ""},
		{"continue where the plan has no choice", closed, Charge{1, gb}, Charge{1, 1}, nil, Continue, "1000000000 bytes used of 500000000, 1 more asked for"},
		{"a count plan never continues", count, Charge{10, 1}, Charge{1, 1}, nil, Continue, "10 e-mails used of 10, 1 more asked for"},
		{"a month's plan never continues", month, Charge{1, mb}, Charge{1, 1}, nil, Continue, "1000000 bytes used of 1000000, 1 more asked for"},
		{"count credit", count, Charge{10, 1}, Charge{2, 1}, []Lot{{Amount: 1}}, Suspend, "10 e-mails used of 10, 2 more asked for, with a credit of 1 e-mails"},
		{"nothing asked for while over", standard, Charge{1, gb}, Charge{}, nil, Suspend, ""},
		{"what cannot be counted", standard, Charge{1, math.MaxInt64}, Charge{1, 1}, huge, Suspend,
			"9223372036854775807 bytes used of 500000000, 1 more asked for, with a credit of 4611686018427387904 bytes"},
		{"no limit", Plan{}, Charge{math.MaxInt64, math.MaxInt64}, Charge{1, 1}, nil, Suspend, ""},
	} {
		got := ""
		if e := Fits(tc.plan, tc.used, tc.asked, tc.lots, tc.plan.MayOver(tc.limit, 0)); e != nil {
			got = said(e)
		}
		if got != tc.want {
			t.Errorf("%s: Fits = %q, want %q", tc.name, got, tc.want)
		}
	}
}

// said is what an Exceeded holds, in a line.
func said(e *Exceeded) string {
	text := fmt.Sprintf("%d bytes used of %d, %d more asked for", e.Used.Bytes, e.Allowance.Bytes, e.Asked.Bytes)
	if e.OverMessages() {
		text = fmt.Sprintf("%d e-mails used of %d, %d more asked for", e.Used.Messages, e.Allowance.Messages, e.Asked.Messages)
	}
	switch {
	case e.Credit == 0:
		return text
	case e.Weight == 0:
		return fmt.Sprintf("%s, with a credit of %d e-mails", text, e.Credit)
	}
	return fmt.Sprintf("%s, with a credit of %d bytes", text, e.Credit)
}

func TestSplit(t *testing.T) {
	p := Plan{Bandwidth: mb}
	for _, tc := range []struct {
		used, credit int64
		want         Use
	}{
		{mb, 70, Use{Credit: 70}},
		{mb + 30, 70, Use{Over: 30, Drawn: 30, Credit: 40}},
		{mb + 70, 70, Use{Over: 70, Drawn: 70}},
		{mb + 90, 70, Use{Over: 90, Drawn: 70, Overage: 20}},
	} {
		if got := Split(p, Charge{1, tc.used}, []Lot{{Amount: tc.credit}}); got != tc.want {
			t.Errorf("Split of %d with %d = %+v, want %+v", tc.used, tc.credit, got, tc.want)
		}
	}
}

// The soonest to expire first, whichever was granted first.
func TestDraw(t *testing.T) {
	lots := []Lot{
		{Ref: "z", Amount: 5, Granted: date(2026, 1, 2), Expires: date(2027, 2, 1)},
		{Ref: "b", Amount: 3, Granted: date(2026, 1, 5), Expires: date(2027, 1, 1)},
		{Ref: "none", Amount: 0, Expires: date(2027, 3, 1)},
		{Ref: "a", Amount: 2, Granted: date(2026, 1, 1), Expires: date(2027, 1, 1)},
		{Ref: "c", Amount: 4, Granted: date(2026, 1, 1), Expires: date(2027, 2, 1)},
	}
	draws, left, short := Draw(lots, 7)
	if want := []Drawn{{"a", 2}, {"b", 3}, {"c", 2}}; !slices.Equal(draws, want) || Sum(left) != 7 || short != 0 || left[0].Ref != "c" {
		t.Errorf("Draw(7) = %v, %v, %d", draws, left, short)
	}
	if draws, left, short = Draw(lots, 20); len(draws) != 4 || len(left) != 0 || short != 6 {
		t.Errorf("Draw(20) = %v, %v, %d", draws, left, short)
	}
	if live := Live(lots, date(2027, 1, 1)); len(live) != 2 || live[0].Ref != "c" {
		t.Errorf("Live = %v: a lot ends with its last instant", live)
	}
}

// M13: a month's term is over when no e-mail of 10 KB is left, credit included.
func TestContract_Spent(t *testing.T) {
	credit := func(n int64) []Lot { return []Lot{{Ref: "a", Amount: n, Expires: termEnd}} }
	count, entry := Plan{Term: Month, Emails: 10}, Plan{Term: Month, Emails: 9000, Bandwidth: 90 * mb}
	year := entry
	year.Term = Year
	for _, tc := range []struct {
		plan Plan
		used Charge
		live []Lot
		want bool
	}{
		{count, Charge{9, 1 << 40}, nil, false},
		{count, Charge{10, 0}, nil, true},
		{count, Charge{10, 0}, credit(1), false},
		{count, Charge{11, 0}, credit(1), true},
		{entry, Charge{1, 90*mb - 10*kb}, nil, false},
		{entry, Charge{1, 90*mb - 10*kb + 1}, nil, true},
		{entry, Charge{1, 90*mb - 10*kb + 1}, credit(1), false},
		{entry, Charge{9000, 0}, nil, true},
		{entry, Charge{9000, 0}, credit(10 * kb), false},
		{entry, Charge{9000, 0}, credit(10*kb - 1), true},
		{Plan{Term: Month}, Charge{1 << 40, 1 << 40}, nil, false},
		{year, Charge{9000, 90 * mb}, nil, false},
	} {
		if got := (Contract{Plan: tc.plan}).Spent(tc.used, tc.live); got != tc.want {
			t.Errorf("Spent(%v of %d e-mails and %d bytes, %v) = %v", tc.used, tc.plan.Emails, tc.plan.Bandwidth, tc.live, got)
		}
	}
}
