package quota

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	november = Period{Key: "2026-11", Start: date(2026, 11, 1), End: date(2026, 12, 1)}
	october  = Period{Key: "2027-10", Start: date(2027, 10, 1), End: date(2027, 11, 1), Last: true}
	termEnd  = date(2027, 11, 1)
)

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func blockPlan() Plan {
	return Plan{Name: "standard", Term: Year, Bandwidth: 500 * mb, Emails: 50_000,
		Blocks: []Block{{gb, 1000}, {2 * gb, 1800}, {5 * gb, 2700}}}
}

func closePeriod(t *testing.T, in Closing) Settlement {
	t.Helper()
	if in.Expiry.IsZero() {
		in.Expiry = termEnd
	}
	c, err := ClosePeriod(in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The four examples of M15, to the figure.
func TestClosePeriod_Overage(t *testing.T) {
	for _, tc := range []struct{ over, block, price, credit, unused int64 }{
		{500 * mb, gb, 1000, 500 * mb, 0},
		{1200 * mb, 2 * gb, 1800, 500 * mb, 300 * mb},
		{1600 * mb, 2 * gb, 1800, 0, 400 * mb},
		{2600 * mb, 5 * gb, 2700, 2 * gb, 400 * mb}, // a 1 GB block beside a 2 GB one is 2,800
	} {
		p := blockPlan()
		c := closePeriod(t, Closing{Plan: p, Period: november, Used: Charge{10, p.Bandwidth + tc.over}})
		want := Settlement{
			Over: tc.over, Overage: tc.over, Unused: tc.unused,
			Bought: Purchase{Blocks: []BlockCount{{Block{tc.block, tc.price}, 1}}, Bytes: tc.block, Price: tc.price},
		}
		if tc.credit > 0 {
			want.Credit = &Lot{Ref: "credit-2026-11", Amount: tc.credit, Granted: november.End, Expires: termEnd}
			want.Lots = []Lot{*want.Credit}
		}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("%d bytes over: (-want +got)\n%s", tc.over, diff)
		}
	}
}

// M17's example: Standard with 55,000 to send, plus Entry: 4,000 credited.
func TestClosePeriod_TopUp(t *testing.T) {
	plans := map[string]Plan{}
	for _, p := range Builtin() {
		plans[p.Name] = p
	}
	contract := NewContract(plans["standard-count"], date(2026, 11, 5), time.UTC, nil)
	q, err := TopUp(contract, plans["entry-count-month"], "topup-7", date(2026, 11, 20))
	if err != nil {
		t.Fatal(err)
	}
	used := Charge{55_000, 1 << 40}
	if e := Fits(contract.Plan, Charge{54_999, 1 << 40}, Charge{1, 1000}, Live([]Lot{q.Lot}, date(2026, 11, 21)), 0); e != nil {
		t.Errorf("the top-up does not count at once: %v", e)
	}
	c := closePeriod(t, Closing{Plan: contract.Plan, Period: november, Used: used, Lots: []Lot{q.Lot}, Expiry: contract.End})
	left := q.Lot
	left.Amount, left.Fresh = 4000, false
	want := Settlement{Over: 5000, Draws: []Drawn{{"topup-7", 5000}}, Lots: []Lot{left}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !left.Expires.Equal(contract.End) {
		t.Errorf("the credit expires %v, want %v", left.Expires, contract.End)
	}
}

func TestClosePeriod_BlockAhead(t *testing.T) {
	p := blockPlan()
	contract := NewContract(p, date(2026, 11, 5), time.UTC, nil)
	q, err := BuyBlock(contract, 2*gb, 1, "block-1", date(2026, 11, 20))
	if err != nil || q.Price != 1800 {
		t.Fatalf("BuyBlock = %+v, %v", q, err)
	}
	if q, err := BuyBlock(contract, 2*gb, 3, "block-2", date(2026, 11, 20)); err != nil || q.Price != 3*1800 || q.Lot.Amount != 6*gb {
		t.Errorf("BuyBlock of three = %+v, %v", q, err)
	}
	c := closePeriod(t, Closing{Plan: p, Period: november, Used: Charge{1, p.Bandwidth + 700*mb}, Lots: []Lot{q.Lot}})
	if !slices.Equal(c.Draws, []Drawn{{"block-1", 700 * mb}}) || !slices.Equal(c.Rounded, []Drawn{{"block-1", 300 * mb}}) ||
		len(c.Lots) != 1 || c.Lots[0].Amount != gb || c.Lots[0].Fresh || c.Overage != 0 {
		t.Errorf("ClosePeriod = %+v", c)
	}
	// What is rounded once is not rounded again.
	c = closePeriod(t, Closing{Plan: p, Period: november, Used: Charge{1, p.Bandwidth + 1}, Lots: c.Lots})
	if len(c.Rounded) > 0 || c.Lots[0].Amount != gb-1 {
		t.Errorf("second close = %+v", c)
	}
}

func TestClosePeriod_Cases(t *testing.T) {
	noBlocks := blockPlan()
	noBlocks.Blocks = nil
	lot := func(ref string, amount int64, granted, expires time.Time) Lot {
		return Lot{Ref: ref, Amount: amount, Granted: granted, Expires: expires}
	}
	old := lot("old", 500*mb, date(2026, 11, 1), termEnd)
	for _, tc := range []struct {
		name string
		in   Closing
		want Settlement
	}{
		{"nothing used", Closing{Plan: blockPlan(), Period: november}, Settlement{}},
		{"continue without blocks: recorded, not billed",
			Closing{Plan: noBlocks, Period: november, Used: Charge{1, 700 * mb}},
			Settlement{Over: 200 * mb, Overage: 200 * mb}},
		{"e-mails too many weigh 10 KB each",
			Closing{Plan: noBlocks, Period: november, Used: Charge{50_100, mb}},
			Settlement{Over: mb, Overage: mb}},
		{"granted after the period's end, closed late",
			Closing{Plan: noBlocks, Period: november, Used: Charge{1, 700 * mb},
				Lots: []Lot{{"late", gb, november.End, termEnd, true}}},
			Settlement{Over: 200 * mb, Overage: 200 * mb,
				Lots: []Lot{{"late", gb, november.End, termEnd, true}}}},
		{"expired before the period began",
			Closing{Plan: noBlocks, Period: november, Used: Charge{1, 700 * mb}, Lots: []Lot{lot("gone", gb, date(2026, 1, 1), november.Start)}},
			Settlement{Over: 200 * mb, Overage: 200 * mb, Expired: []Drawn{{"gone", gb}}}},
		{"the end of the term: all is lost, the new credit too",
			Closing{Plan: blockPlan(), Period: october, Used: Charge{1, 1500 * mb}, Lots: []Lot{old}},
			Settlement{Over: gb, Draws: []Drawn{{"old", 500 * mb}}, Overage: 500 * mb,
				Bought:  Purchase{Blocks: []BlockCount{{Block{gb, 1000}, 1}}, Bytes: gb, Price: 1000},
				Credit:  &Lot{Ref: "credit-2027-10", Amount: 500 * mb, Granted: termEnd, Expires: termEnd},
				Expired: []Drawn{{"credit-2027-10", 500 * mb}}}},
		{"what is left at the end of the term is lost",
			Closing{Plan: blockPlan(), Period: october, Lots: []Lot{old}},
			Settlement{Expired: []Drawn{{"old", 500 * mb}}}},
	} {
		if diff := cmp.Diff(tc.want, closePeriod(t, tc.in)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tc.name, diff)
		}
	}
}

func TestClosePeriod_PriceTooLarge(t *testing.T) {
	p := blockPlan()
	p.Blocks = []Block{{kb, maxPrice}}
	if c, err := ClosePeriod(Closing{Plan: p, Period: november, Used: Charge{1, 1 << 62}}); err == nil {
		t.Errorf("ClosePeriod = %+v", c)
	}
}

// What a plan may have can be billed however much was used.
func TestClosePeriod_AllThereIs(t *testing.T) {
	p := blockPlan()
	p.Blocks = []Block{{kb, kb / maxRate}, {10_000 * kb, 10_000 * kb / maxRate}}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	c, err := ClosePeriod(Closing{Plan: p, Period: november, Used: Charge{math.MaxInt64, math.MaxInt64}})
	if err != nil || c.Overage != MaxOver || c.Bought.Price > math.MaxInt64/16 {
		t.Errorf("ClosePeriod = %+v, %v", c, err)
	}
}

func drawLots(t *rapid.T, limit int64) []Lot {
	refs := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}`), 0, 6, rapid.ID).Draw(t, "refs")
	lots := make([]Lot, 0, len(refs))
	for _, ref := range refs {
		lots = append(lots, Lot{
			Ref: ref, Amount: rapid.Int64Range(0, limit).Draw(t, "amount"),
			Granted: date(2026, 11, rapid.IntRange(-10, 40).Draw(t, "granted")),
			Expires: rapid.SampledFrom([]time.Time{november.Start, november.End, date(2027, 3, 1), termEnd}).Draw(t, "expires"),
			Fresh:   rapid.Bool().Draw(t, "fresh"),
		})
	}
	return lots
}

func total(ds []Drawn) (sum int64) {
	for _, d := range ds {
		sum += d.Amount
	}
	return sum
}

func drawClosing(t *rapid.T) Closing {
	p := Plan{Name: "p", Term: Year, Emails: rapid.Int64Range(0, 1000).Draw(t, "emails"),
		Bandwidth: rapid.SampledFrom([]int64{0, 1_000_000}).Draw(t, "bandwidth"), CreditStep: rapid.Int64Range(0, 900).Draw(t, "step")}
	if p.Bandwidth > 0 && rapid.Bool().Draw(t, "with blocks") {
		p.Blocks = []Block{{100_000, 10}, {300_000, 28}}
	}
	return Closing{Plan: p, Period: rapid.SampledFrom([]Period{november, october}).Draw(t, "period"), Expiry: termEnd,
		Used: Charge{rapid.Int64Range(0, 3000).Draw(t, "messages"), rapid.Int64Range(0, 3_000_000).Draw(t, "bytes")},
		Lots: drawLots(t, 800_000)}
}

// What was granted is drawn, rounded away, expired or left, and nothing else;
// the overage is bought or only recorded.
func TestClosePeriod_Conserves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawClosing(t)
		before := slices.Clone(in.Lots)
		c, err := ClosePeriod(in)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(before, in.Lots) {
			t.Fatal("the lots that came in were changed")
		}
		if total(c.Draws)+c.Overage != c.Over || c.Over != Over(in.Plan, in.Used) {
			t.Fatalf("over %d = drawn %d + overage %d", c.Over, total(c.Draws), c.Overage)
		}
		granted := Sum(in.Lots) + c.Bought.Bytes
		gone := total(c.Draws) + total(c.Rounded) + c.Unused + total(c.Expired) + Sum(c.Lots)
		if len(c.Bought.Blocks) > 0 {
			gone += c.Overage
		}
		if granted != gone {
			t.Fatalf("granted %d, gone and left %d: %+v", granted, gone, c)
		}
		if c.Credit != nil && (c.Credit.Amount%in.Plan.Step() != 0 || c.Credit.Amount <= 0) || c.Unused < 0 || c.Unused >= in.Plan.Step() {
			t.Fatalf("credit %+v, unused %d, step %d", c.Credit, c.Unused, in.Plan.Step())
		}
		for _, l := range c.Lots {
			if l.Amount <= 0 || !in.Period.End.Before(l.Expires) {
				t.Fatalf("left: %+v", l)
			}
			if l.Fresh && l.Granted.Before(in.Period.End) && in.Period.Start.Before(l.Expires) {
				t.Fatalf("still fresh: %+v", l)
			}
			if i := slices.IndexFunc(in.Lots, func(o Lot) bool { return o.Ref == l.Ref }); i >= 0 && in.Lots[i].Fresh && !l.Fresh && l.Amount%in.Plan.Step() != 0 {
				t.Fatalf("no whole steps of %d: %+v", in.Plan.Step(), l)
			}
		}
		if len(in.Plan.Blocks) == 0 && len(c.Bought.Blocks) > 0 {
			t.Fatalf("bought %+v of a plan without blocks", c.Bought)
		}
		checkOrder(t, in, c)
	})
}

// A lot is touched only when those that are used before it are empty.
func checkOrder(t *rapid.T, in Closing, c Settlement) {
	ours, _ := in.split()
	slices.SortFunc(ours, compareLots)
	need := c.Over
	var want []Drawn
	for _, l := range ours {
		if n := min(need, l.Amount); n > 0 {
			want = append(want, Drawn{l.Ref, n})
			need -= n
		}
	}
	if !slices.Equal(want, c.Draws) || need != c.Overage {
		t.Fatalf("draws %v, overage %d, want %v, %d", c.Draws, c.Overage, want, need)
	}
}

// However use is cut into charges and in whatever order it and the lots come, the close is the same.
func TestClosePeriod_InPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawClosing(t)
		whole, err := ClosePeriod(in)
		if err != nil {
			t.Fatal(err)
		}
		var used Charge
		for rest := in.Used; rest != (Charge{}); {
			piece := Charge{rapid.Int64Range(0, rest.Messages).Draw(t, "messages"), rapid.Int64Range(0, rest.Bytes).Draw(t, "bytes")}
			if rapid.IntRange(0, 4).Draw(t, "rest") == 0 {
				piece = rest
			}
			used = used.Add(piece)
			rest = Charge{rest.Messages - piece.Messages, rest.Bytes - piece.Bytes}
		}
		in.Used = used
		in.Lots = rapid.Permutation(in.Lots).Draw(t, "order")
		again, err := ClosePeriod(in)
		if err != nil || !cmp.Equal(whole, again) {
			t.Fatalf("%v: %s", err, cmp.Diff(whole, again))
		}
	})
}

// With suspend no sequence of messages takes more than allowance and credit,
// over a whole year of closes, and nothing is ever billed.
func TestYear_SuspendNeverOverruns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Plan{Name: "p", Term: Year, Emails: rapid.Int64Range(0, 60).Draw(t, "emails"),
			Bandwidth: rapid.SampledFrom([]int64{0, 5000}).Draw(t, "bandwidth"), CreditStep: 100, Blocks: []Block{{1000, 10}, {3000, 25}}}
		contract := NewContract(p, date(2026, 11, 5), time.UTC, nil)
		var lots []Lot
		for i, period := range contract.Periods(time.UTC) {
			if rapid.Bool().Draw(t, "top-up") {
				lots = append(lots, contract.fresh(rapid.Int64Range(1, 3000).Draw(t, "amount"), period.Key, period.Start))
			}
			var used Charge
			for range rapid.IntRange(0, 12).Draw(t, "messages") {
				c, _ := ForMessage(rapid.Int64Range(1, 2000).Draw(t, "size"), rapid.IntRange(1, 20).Draw(t, "recipients"))
				live := Live(lots, period.Start)
				if e := Fits(p, used, c, live, 0); (e == nil) != (Over(p, used.Add(c)) <= Sum(live)) {
					t.Fatalf("Fits(%v, %v) = %v with credit %d", used, c, e, Sum(live))
				} else if e == nil {
					used = used.Add(c)
				}
			}
			use := Split(p, used, Live(lots, period.Start))
			c, err := ClosePeriod(Closing{Plan: p, Period: period, Expiry: contract.End, Used: used, Lots: lots})
			if err != nil {
				t.Fatal(err)
			}
			if c.Overage != 0 || use.Overage != 0 || c.Bought.Price != 0 || total(c.Draws) != use.Drawn {
				t.Fatalf("period %d: %+v, %+v", i, use, c)
			}
			lots = c.Lots
		}
		if len(lots) > 0 {
			t.Fatalf("credit outlived the term: %v", lots)
		}
	})
}
