package quota

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
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
		goOn        bool
		want        string // "": it fits
	}{
		{"to the last octet", standard, Charge{}, Charge{1, 500 * mb}, nil, false, ""},
		{"an octet more", standard, Charge{}, Charge{1, 500*mb + 1}, nil, false, "0 bytes used of 500000000, 500000001 more asked for"},
		{"credit to the last octet", standard, Charge{1, 500 * mb}, Charge{1, gb}, credit, false, ""},
		{"more than the credit", standard, Charge{1, 500 * mb}, Charge{1, gb + 1}, credit, false,
			"500000000 bytes used of 500000000, 1000000001 more asked for, with a credit of 1000000000 bytes"},
		{"credit for e-mails by weight", standard, Charge{50_000, mb}, Charge{100_000, mb}, credit, false, ""},
		{"too many of them", standard, Charge{50_000, mb}, Charge{100_001, mb}, credit, false,
			"50000 e-mails used of 50000, 100001 more asked for, with a credit of 1000000000 bytes"},
		{"an e-mail too many, but more bytes", standard, Charge{50_000, 600 * mb}, Charge{1, gb}, credit, false,
			"600000000 bytes used of 500000000, 1000000000 more asked for, with a credit of 1000000000 bytes"},
		{"continue", standard, Charge{1, gb}, Charge{1, gb}, nil, true, ""},
		{"continue where the plan has no choice", closed, Charge{1, gb}, Charge{1, 1}, nil, true, "1000000000 bytes used of 500000000, 1 more asked for"},
		{"a count plan never continues", count, Charge{10, 1}, Charge{1, 1}, nil, true, "10 e-mails used of 10, 1 more asked for"},
		{"a month's plan never continues", month, Charge{1, mb}, Charge{1, 1}, nil, true, "1000000 bytes used of 1000000, 1 more asked for"},
		{"count credit", count, Charge{10, 1}, Charge{2, 1}, []Lot{{Amount: 1}}, false, "10 e-mails used of 10, 2 more asked for, with a credit of 1 e-mails"},
		{"nothing asked for while over", standard, Charge{1, gb}, Charge{}, nil, false, ""},
		{"what cannot be counted", standard, Charge{1, math.MaxInt64}, Charge{1, 1}, huge, false,
			"9223372036854775807 bytes used of 500000000, 1 more asked for, with a credit of 4611686018427387904 bytes"},
		{"no limit", Plan{}, Charge{math.MaxInt64, math.MaxInt64}, Charge{1, 1}, nil, false, ""},
	} {
		got := ""
		if e := Fits(tc.plan, tc.used, tc.asked, tc.lots, tc.goOn); e != nil {
			got = e.Error()
		}
		if got != tc.want {
			t.Errorf("%s: Fits = %q, want %q", tc.name, got, tc.want)
		}
	}
}

// Without credit Fits and Decide are the same, but that Decide lets a message
// without octets pass where only octets are over.
func TestFits_IsDecideWithoutCredit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 40)
		p := Plan{Term: Year, Emails: n.Draw(t, "emails"), Bandwidth: n.Draw(t, "bandwidth")}
		used := Charge{n.Draw(t, "used"), n.Draw(t, "used bytes")}
		asked := Charge{n.Draw(t, "asked") + 1, n.Draw(t, "asked bytes") + 1}
		a, b := Fits(p, used, asked, nil, false), Decide(p.Allowance(), used, asked)
		if (a == nil) != (b == nil) {
			t.Fatalf("Fits = %v, Decide = %v", a, b)
		}
	})
}

func TestDraw(t *testing.T) {
	lots := []Lot{
		{Ref: "z", Amount: 5, Granted: date(2026, 1, 2), Expires: date(2027, 2, 1)},
		{Ref: "b", Amount: 3, Granted: date(2026, 1, 1), Expires: date(2027, 1, 1)},
		{Ref: "none", Amount: 0, Expires: date(2026, 12, 1)},
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
