package signs

import (
	"fmt"
	"testing"
	"time"
)

func TestLimit_needsNumberAndShare(t *testing.T) {
	l := Limit{Count: 3, Share: 1_000}
	for _, c := range []struct {
		n, of int64
		want  bool
	}{{2, 10, false}, {3, 10, true}, {3, 3_000, true}, {3, 3_001, false}, {4, 3_001, true}} {
		if is := l.Reached(c.n, c.of); is != c.want {
			t.Errorf("Reached(%d, %d) = %v, want %v", c.n, c.of, is, c.want)
		}
	}
	if (Limit{Share: 1}).Reached(100, 100) {
		t.Error("no number is no limit")
	}
}

// The default rules, in the windows of the day and of the week.
func TestRecord_Judge(t *testing.T) {
	const today = 20_000
	for _, c := range []struct {
		name      string
		sign      Sign
		signs     map[int]int64 // by days ago
		delivered map[int]int64
		deferred  int64
		late      int64 // of today's bounces
		on        int   // days ago, of the last sign
		want      string
	}{
		{name: "three wrong addresses of the first fifty", sign: Bounce, signs: map[int]int64{0: 3}, delivered: map[int]int64{0: 47}, want: "0"},
		{name: "a bad list", sign: Bounce, signs: map[int]int64{0: 20}, delivered: map[int]int64{0: 80}, want: "1 day 20 of 100"},
		{name: "a large list with a few", sign: Bounce, signs: map[int]int64{0: 400}, delivered: map[int]int64{0: 9_600}, want: "0"},
		{name: "a bought list", sign: Bounce, signs: map[int]int64{0: 50}, delivered: map[int]int64{0: 450}, want: "2 day 50 of 500"},
		{name: "the good ones are put off first", sign: Bounce, signs: map[int]int64{0: 50}, deferred: 951, want: "0"},
		{name: "complaints", sign: Complaint, signs: map[int]int64{0: 3}, delivered: map[int]int64{0: 1_000}, want: "1 day 3 of 1000"},
		{name: "many complaints", sign: Complaint, signs: map[int]int64{0: 5}, delivered: map[int]int64{0: 1_000}, want: "2 day 5 of 1000"},
		{name: "complaints that come late", sign: Complaint, signs: map[int]int64{3: 8}, delivered: map[int]int64{3: 10_000, 0: 10}, on: 3, want: "0"},
		{name: "a little each day", sign: Complaint, signs: map[int]int64{0: 1, 1: 1, 2: 2, 6: 1}, delivered: map[int]int64{0: 300, 1: 300, 2: 300, 6: 300}, want: "2 week 5 of 1200"},
		{name: "the day before yesterday was bad", sign: Bounce, signs: map[int]int64{2: 60}, delivered: map[int]int64{2: 100, 0: 10_000}, on: 2, want: "2 day 60 of 160"},
		{name: "they come back after they were delivered", sign: Bounce, signs: map[int]int64{0: 50}, late: 50, delivered: map[int]int64{0: 500}, want: "2 day 50 of 500"},
		{name: "a list that names the domain", sign: Listed, signs: map[int]int64{0: 500}, delivered: map[int]int64{0: 500}, want: "1 day 500 of 1000"},
	} {
		r, m := Record{}, &Mail{Delivered: map[int]int64{}, Deferred: c.deferred}
		for ago, n := range c.delivered {
			m.Delivered[today-ago] = n
		}
		for ago, n := range c.signs {
			r.Add(c.sign, n, today-ago, today, "")
		}
		if c.late > 0 {
			r.AddLate(c.late, today)
		}
		step, f := r.Judge(&Default, c.sign, today-c.on, today, m)
		is := fmt.Sprint(int(step))
		if step != Nothing {
			is = fmt.Sprintf("%d %s %d of %d", step, f.Window, f.N, f.Of)
		}
		if is != c.want {
			t.Errorf("%s: %s, want %s", c.name, is, c.want)
		}
	}
}

// After it was resumed an account starts anew: what was delivered before counts no more, and
// mail that waited counts on that day.
func TestRecord_Resume(t *testing.T) {
	const today = 20_000
	r, m := Record{}, &Mail{Delivered: map[int]int64{today: 1_000, today - 1: 5_000}}
	r.Add(Bounce, 900, today, today, "gmail")
	r.Resume(time.Unix(1, 0), today, m)
	m.Delivered[today-1] += 300 // of the mail that was held
	day, ok := r.Add(Bounce, 40, today-1, today, "gmail")
	if !ok || day != today {
		t.Fatalf("Add = %d, %v", day, ok)
	}
	step, f := r.Judge(&Default, Bounce, day, today, m)
	if step != Warn || f.N != 40 || f.Of != 340 {
		t.Errorf("step %d, %d of %d", step, f.N, f.Of)
	}
	r.Turn(today + Days)
	if r.From != 0 || len(r.List) > 0 {
		t.Errorf("a week later: %+v", r)
	}
}

// What was delivered before it was resumed counts no more, and takes nothing from what goes out
// later, when its days are over.
func TestRecord_Resume_later(t *testing.T) {
	const resumed = 20_000
	var r Record
	before := &Mail{Delivered: map[int]int64{}}
	for ago := range Days {
		before.Delivered[resumed-ago] = 10_000
	}
	r.Resume(time.Unix(1, 0), resumed, before)
	for after := 1; after < Days; after++ {
		today := resumed + after
		m := &Mail{Delivered: map[int]int64{}}
		for ago := range Days {
			m.Delivered[today-ago] = 10_000
		}
		r.Turn(today)
		day, _ := r.Add(Complaint, 1, today, today, "")
		step, f := r.Judge(&Default, Complaint, day, today, m)
		if step != Nothing {
			t.Fatalf("%d days later: %d, %+v", after, step, f)
		}
		if f := r.figures(Complaint, OfWeek, today-Days+1, today, m); f.Of != int64(after)*10_000 {
			t.Errorf("%d days later %d of %d", after, f.N, f.Of)
		}
	}
}

func TestRecord_namesProviders(t *testing.T) {
	r := Record{}
	for i := range 9 {
		r.Add(Complaint, int64(10-i), 7, 7, fmt.Sprint("p", i))
	}
	r.Add(Complaint, 5, 6, 7, "p0")
	_, f := r.Judge(&Default, Complaint, 7, 7, &Mail{Delivered: map[int]int64{7: 10}})
	if is := fmt.Sprint(f.Places); is != "[{other 14} {p0 10} {p1 9} {p2 8} {p3 7}]" {
		t.Errorf("places: %s", is)
	}
	r.Turn(8)
	if len(r.List) != 2 || r.Total(Complaint) != 59 {
		t.Errorf("after a day: %+v", r)
	}
	if _, ok := r.Add(Complaint, 1, 1, 8, ""); ok {
		t.Error("a sign about mail of a week ago counts")
	}
}

func TestRecord_Tell(t *testing.T) {
	r := Record{}
	day, week := &Figures{Sign: Bounce, Window: OfDay}, &Figures{Sign: Bounce, Window: OfWeek}
	is := fmt.Sprint(r.Tell(day, 10), r.Tell(day, 10), r.Tell(week, 11), r.Tell(day, 11), r.Tell(week, 17), r.Tell(week, 18))
	if is != "true false false true false true" {
		t.Errorf("told: %s", is)
	}
}
