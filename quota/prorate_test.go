package quota

import (
	"errors"
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestUpgrade(t *testing.T) {
	rome := zone(t, "Europe/Rome")
	from := Plan{Name: "standard", Term: Year, Bandwidth: 500 * mb, Emails: 50_000, Price: 10_000}
	to := Plan{Name: "mega", Term: Year, Bandwidth: 5 * gb, Emails: 500_000, Price: 46_500}
	c := NewContract(from, time.Date(2026, 11, 1, 12, 0, 0, 0, rome), rome, nil) // 365 days
	for _, tc := range []struct {
		now          time.Time
		left, amount int64
	}{
		{c.Start, 365, 36_500},
		{time.Date(2026, 11, 1, 23, 59, 59, 0, rome), 365, 36_500},
		{time.Date(2026, 11, 30, 23, 59, 59, 0, rome), 365, 36_500}, // the month that runs is paid for
		{time.Date(2026, 12, 1, 0, 0, 0, 0, rome), 335, 33_500},
		{time.Date(2027, 3, 28, 3, 0, 0, 0, rome), 245, 24_500}, // summer time starts
		{c.End.Add(-1), 31, 3_100},
		{c.Start.AddDate(0, 0, -9), 365, 36_500}, // bought, but not started
	} {
		q, err := Upgrade(c, to, tc.now, rome)
		if err != nil || q.Days != 365 || q.Left != tc.left || q.Amount != tc.amount || q.Difference != 36_500 {
			t.Errorf("Upgrade at %v = %+v, %v, want %d for %d days", tc.now, q, err, tc.amount, tc.left)
		}
		if q.Contract.Plan.Name != "mega" || !q.Contract.End.Equal(c.End) || q.Contract.Key != c.Key {
			t.Errorf("upgraded contract = %+v", q.Contract)
		}
	}
	for _, tc := range []struct {
		name string
		to   func(*Plan)
		now  time.Time
		why  Why
	}{
		{"after the end", func(*Plan) {}, c.End, WhyEnded},
		{"count plan", func(p *Plan) { p.Bandwidth = 0 }, c.Start, WhyKind},
		{"other term", func(p *Plan) { p.Term = Month }, c.Start, WhyTerm},
		{"smaller in e-mails", func(p *Plan) { p.Emails = 49_999 }, c.Start, WhySmaller},
		{"smaller in bandwidth", func(p *Plan) { p.Bandwidth = 400 * mb }, c.Start, WhySmaller},
		{"the same", func(p *Plan) { p.Bandwidth, p.Emails = from.Bandwidth, from.Emails }, c.Start, WhySmaller},
		{"cheaper", func(p *Plan) { p.Price = 9_999 }, c.Start, WhyCheaper},
		{"retired", func(p *Plan) { p.Retired = true }, c.Start, WhyRetired},
	} {
		p := to
		tc.to(&p)
		_, err := Upgrade(c, p, tc.now, rome)
		r, ok := errors.AsType[*Refusal](err)
		if !ok || len(r.Reasons) != 1 || !r.For(tc.why) {
			t.Errorf("%s: Upgrade = %v, want %s", tc.name, err, tc.why)
		}
	}
	late := NewContract(from, time.Date(2027, 11, 23, 12, 0, 0, 0, rome), rome, nil) // 366 days: a leap year
	if q, err := Upgrade(late, to, late.Start.AddDate(0, 0, 8), rome); err != nil || q.Days != 366 || q.Left != 358 || q.Amount != 35_702 {
		t.Errorf("Upgrade in a leap year = %+v, %v, want 36,500 × 358 ÷ 366", q, err)
	}
	if q, err := Upgrade(late, to, late.End.Add(-1), rome); err != nil || q.Left != 22 || q.Amount != 2194 { // the last month has 22 days
		t.Errorf("Upgrade on the last day = %+v, %v, want 36,500 × 22 ÷ 366", q, err)
	}
	month := NewContract(Plan{Name: "m", Term: Month, Emails: 10, Price: 3000}, late.Start, rome, nil)
	if q, err := Upgrade(month, Plan{Name: "l", Term: Month, Emails: 20, Price: 5000}, month.End.Add(-1), rome); err != nil || q.Amount != 2000 {
		t.Errorf("Upgrade of 30 days on the last of them = %+v, %v, want all of the difference", q, err)
	}
	to.Emails = 0 // no limit is more than any
	if _, err := Upgrade(c, to, c.Start, rome); err != nil {
		t.Errorf("to unlimited e-mails: %v", err)
	}
}

func TestRefund(t *testing.T) {
	rome := zone(t, "Europe/Rome")
	c := NewContract(Plan{Term: Year}, time.Date(2027, 3, 1, 23, 30, 0, 0, rome), rome, nil)     // an hour of it is left out
	long := NewContract(Plan{Term: Year}, time.Date(2027, 10, 10, 0, 30, 0, 0, rome), rome, nil) // an hour of it comes twice
	for _, tc := range []struct {
		name           string
		now            time.Time
		overage, abuse bool
		day            int64 // that the refusal names; 0: it does not
		whys           []Why
	}{
		{"first day", c.Start, false, false, 0, nil},
		{"last instant of day 30", time.Date(2027, 3, 31, 0, 0, 0, -1, rome), false, false, 0, nil},
		{"day 31, of 30 times 24 hours the last instant", c.Start.Add(30*24*time.Hour - 1), false, false, 0, nil},
		{"30 times 24 hours", c.Start.Add(30 * 24 * time.Hour), false, false, 32, []Why{WhyLate}},
		{"overage", c.Start, true, false, 0, []Why{WhyOverage}},
		{"all of it", c.Start.AddDate(1, 0, 0), true, true, 366 + 1, []Why{WhyLate, WhyOverage, WhyAbuse}},
	} {
		amount, err := Refund(Refunding{Contract: c, Paid: 10_000, Overage: tc.overage, Abuse: tc.abuse}, tc.now, rome)
		if amount != 10_000 || (err == nil) != (tc.whys == nil) {
			t.Errorf("%s: Refund = %d, %v", tc.name, amount, err)
		}
		if no, ok := errors.AsType[*Refusal](err); tc.day > 0 && (!ok || no.Reasons[0].Day != tc.day || no.Reasons[0].Last != 30) {
			t.Errorf("%s: %+v, want that day %d is beyond day 30", tc.name, no, tc.day)
		}
		for _, why := range tc.whys {
			if r, ok := errors.AsType[*Refusal](err); !ok || !r.For(why) || len(r.Reasons) != len(tc.whys) {
				t.Errorf("%s: Refund = %v, want %v", tc.name, err, tc.whys)
			}
		}
	}
	last := time.Date(2027, 11, 9, 0, 0, 0, -1, rome) // 30 times 24 hours were over half an hour ago
	if _, err := Refund(Refunding{Contract: long}, last, rome); err != nil {
		t.Errorf("in the last instant of a day 30 that is long: %v", err)
	}
	if _, err := Refund(Refunding{Contract: long}, last.Add(1), rome); err == nil {
		t.Error("day 31 was paid back")
	}
}

func TestTopUp_Refuses(t *testing.T) {
	count := NewContract(Plan{Name: "c", Term: Year, Emails: 10}, date(2026, 11, 5), time.UTC, nil)
	bandwidth := NewContract(blockPlan(), date(2026, 11, 5), time.UTC, nil)
	entry := Plan{Name: "e", Term: Month, Emails: 5}
	for _, tc := range []struct {
		c   Contract
		by  Plan
		now time.Time
		why Why
	}{
		{count, entry, count.End, WhyEnded},
		{bandwidth, entry, count.Start, WhyKind},
		{count, Plan{Term: Month, Emails: 5, Bandwidth: 5}, count.Start, WhyKind},
		{count, Plan{Term: Year, Emails: 5}, count.Start, WhyTerm},
		{count, Plan{Term: Month, Emails: 5, Retired: true}, count.Start, WhyRetired},
		{NewContract(Plan{Term: Year}, count.Start, time.UTC, nil), entry, count.Start, WhyUnlimited},
	} {
		_, err := TopUp(tc.c, tc.by, "r", tc.now)
		if r, ok := errors.AsType[*Refusal](err); !ok || !r.For(tc.why) {
			t.Errorf("TopUp(%v, %v) = %v, want %s", tc.c.Plan, tc.by, err, tc.why)
		}
	}
	if _, err := BuyBlock(bandwidth, 3*gb, 1, "r", count.Start); err == nil {
		t.Error("a block was bought that the plan does not have")
	}
	if _, err := BuyBlock(bandwidth, gb, math.MaxInt64, "r", count.Start); !errors.Is(err, ErrOverflow) {
		t.Errorf("BuyBlock of too many = %v", err)
	}
	if _, err := BuyBlock(bandwidth, gb, 0, "r", count.Start); err == nil {
		t.Error("no block was bought")
	}
}

func TestTax(t *testing.T) {
	for _, tc := range []struct {
		net  int64
		rate Rate
		want int64
	}{
		{10_000, 22 * Percent, 2200}, {25, 2 * Percent, 1}, {24, 2 * Percent, 0}, {-25, 2 * Percent, -1}, {-24, 2 * Percent, 0}, {0, 22 * Percent, 0},
		{12_000, 88_750, 1065}, {10_000, 88_750, 888}, {-10_000, 88_750, -888}, {10_000, 88_749, 887}, {10_000, 99_975, 1000}, {5_000, 1, 0}, {500_000, 1, 1}, {499_999, 1, 0},
		{math.MaxInt64, 100 * Percent, math.MaxInt64}, {-math.MaxInt64, 100 * Percent, -math.MaxInt64},
	} {
		if got, err := Tax(tc.net, tc.rate); got != tc.want || err != nil {
			t.Errorf("Tax(%d, %d) = %d, %v, want %d", tc.net, tc.rate, got, err, tc.want)
		}
	}
	if _, err := Tax(math.MaxInt64, 100*Percent+1); !errors.Is(err, ErrOverflow) {
		t.Errorf("Tax too large = %v", err)
	}
}

// mulDiv is what big numbers say, rounded half away from zero.
func TestMulDiv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b"), rapid.Int64Range(1, math.MaxInt64).Draw(t, "c")
		if rapid.Bool().Draw(t, "small") {
			a, b, c = a%1000, b%1000, c%50+1
		}
		n := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		half := new(big.Int).Mul(new(big.Int).Abs(n), big.NewInt(2)) // (2|n| + c) / 2c
		want := half.Add(half, big.NewInt(c)).Quo(half, new(big.Int).Mul(big.NewInt(c), big.NewInt(2)))
		if n.Sign() < 0 {
			want.Neg(want)
		}
		got, err := mulDiv(a, b, c)
		if fitsIn := want.CmpAbs(big.NewInt(math.MaxInt64)) <= 0; fitsIn != (err == nil) || (fitsIn && want.Int64() != got) {
			t.Fatalf("mulDiv(%d, %d, %d) = %d, %v, want %v", a, b, c, got, err, want)
		}
	})
}
