package outlook

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// history of days before a day, each with the use that use says.
func history(before time.Time, n int, use func(time.Time) int64) (list []Day) {
	for i := n; i > 0; i-- {
		if d := before.AddDate(0, 0, -i); use(d) > 0 {
			list = append(list, Day{d.Format(time.DateOnly), use(d)})
		}
	}
	return list
}

func always(n int64) func(time.Time) int64 { return func(time.Time) int64 { return n } }

func tuesdays(d time.Time) int64 {
	if d.Weekday() == time.Tuesday {
		return 1000
	}
	return 0
}

func workdays(d time.Time) int64 {
	if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
		return 0
	}
	return 100
}

func TestOf(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		is, err := time.ParseInLocation(time.DateTime, text, rome)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	november := at("2026-11-02 00:00:00") // a Monday
	end := at("2026-12-01 00:00:00")
	rising := func(d time.Time) int64 { return int64(40 + 40*(d.Day()%4)) }
	for name, x := range map[string]struct {
		days            []Day
		now, end        time.Time
		used, allowance int64
		want            string // day, earliest, latest
	}{
		"each day the same":         {history(november, 56, always(100)), november, end, 0, 450, "11-06 11-06 11-06"},
		"the rest of the day":       {history(november, 56, always(100)), at("2026-11-02 12:00:00"), end, 60, 150, "11-03 11-03 11-03"},
		"today":                     {history(november, 56, always(100)), at("2026-11-02 12:00:00"), end, 60, 100, "11-02 11-02 11-02"},
		"used up":                   {history(november, 56, always(100)), november, end, 450, 450, "no"},
		"not in this period":        {history(november, 56, always(100)), november, end, 0, 3000, "no"},
		"at the very end":           {history(november, 56, always(100)), november, end, 0, 2900, "11-30 11-30 11-30"},
		"weekends are free":         {history(november, 56, workdays), november, end, 0, 520, "11-09 11-09 11-09"},
		"on Tuesdays":               {history(november, 56, tuesdays), november, end, 0, 2930, "11-17 11-17 11-24"},
		"days that differ":          {history(november, 56, rising), november, end, 0, 1000, "11-11 11-10 11-13"},
		"perhaps not at all":        {history(november, 56, rising), november, at("2026-11-13 00:00:00"), 0, 1000, "11-11 11-10 -"},
		"two days are too few":      {history(november, 2, always(100)), november, end, 0, 450, "no"},
		"three days will do":        {history(november, 3, always(100)), november, end, 0, 450, "11-06 11-06 11-06"},
		"the clocks are turned":     {history(at("2026-10-23 00:00:00"), 56, always(100)), at("2026-10-23 00:00:00"), at("2026-11-01 00:00:00"), 0, 350, "10-26 10-26 10-26"},
		"an account that stopped":   {[]Day{{"2026-09-08", 1000}}, november, end, 0, 2000, "no"},
		"days that do not count":    {append(history(november, 56, always(100)), Day{"2026-11-02", 9e9}, Day{"2026-12-24", 9e9}, Day{"2026-01-01", 9e9}, Day{"?", 9e9}), november, end, 0, 450, "11-06 11-06 11-06"},
		"nothing was used":          {nil, november, end, 0, 450, "no"},
		"more than can be counted":  {history(november, 56, always(1<<62)), november, end, 0, 1<<63 - 1, "11-03 11-03 11-03"},
		"the period ended already":  {history(november, 56, always(100)), end, november, 0, 450, "no"},
		"the allowance was lowered": {history(november, 56, always(100)), november, end, 500, 450, "no"},
	} {
		day, earliest, latest, ok := Of(x.days, x.now, x.end, x.used, x.allowance)
		got := "no"
		if ok {
			got = fmt.Sprintf("%s %s -", day.Format("01-02"), earliest.Format("01-02"))
			if !latest.IsZero() {
				got = got[:len(got)-1] + latest.Format("01-02")
			}
		}
		if got != x.want {
			t.Errorf("%s: Of = %s, want %s", name, got, x.want)
		}
	}
}

// A range holds its day, in the period; a larger allowance lasts no shorter, more use makes it
// no later; and the unit of all figures does not matter.
func TestOf_properties(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	now := time.Date(2026, 11, 12, 9, 30, 0, 0, time.UTC)
	for range 3000 {
		end := now.AddDate(0, 0, rnd.IntN(60))
		list := history(now, rnd.IntN(70), func(time.Time) int64 { return max(0, rnd.Int64N(200)-60) })
		used, allowance := rnd.Int64N(1000), rnd.Int64N(4000)
		day, earliest, latest, ok := Of(list, now, end, used, allowance)
		if !ok {
			continue
		}
		if earliest.After(day) || !latest.IsZero() && latest.Before(day) || !day.Before(end) || day.Before(now.Truncate(24*time.Hour)) {
			t.Fatalf("%s, %s to %s, before %s", day, earliest, latest, end)
		}
		if later, _, _, ok := Of(list, now, end, used, allowance+rnd.Int64N(1000)); ok && later.Before(day) {
			t.Fatalf("with a larger allowance %s, before %s", later, day)
		}
		if used < allowance-1 {
			if sooner, _, _, ok := Of(list, now, end, used+rnd.Int64N(allowance-used), allowance); !ok || sooner.After(day) {
				t.Fatalf("with more use %s, %v, after %s", sooner, ok, day)
			}
		}
		double := make([]Day, len(list))
		for i, d := range list {
			double[i] = Day{d.Day, 4 * d.Used}
		}
		if d, e, l, ok := Of(double, now, end, 4*used, 4*allowance); !ok || !d.Equal(day) || !e.Equal(earliest) || !l.Equal(latest) {
			t.Fatalf("in another unit %s, %s to %s", d, e, l)
		}
	}
}
