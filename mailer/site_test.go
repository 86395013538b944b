package mailer

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"relay/mailer/pace"
	"relay/mailer/source"
	"relay/store"
)

// crowd is a site where accounts have so many lanes each.
func crowd(lanes ...int) *site {
	t := newSite(&place{key: "s"}, newOrigin(&source.Source{}))
	for a, n := range lanes {
		for i := range n {
			t.join(&lane{Lane: store.Lane{Account: fmt.Sprint("a", a), Domain: fmt.Sprint("d", i)}})
		}
	}
	return t
}

func TestSite_Ask(t *testing.T) {
	for _, c := range []struct {
		name  string
		lanes []int // of each account
		n     int
		each  int
		want  []int // messages of each account
	}{
		{"one lane gets all", []int{1}, 40, 100, []int{40}},
		{"no more than each", []int{1}, 40, 7, []int{7}},
		{"many lanes share", []int{10}, 40, 100, []int{40}},
		{"a thousand lanes beside one", []int{1000, 1}, 40, 100, []int{20, 20}},
		{"more accounts than messages", []int{5, 5, 5}, 2, 100, []int{1, 1, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := crowd(c.lanes...)
			got := make([]int, len(c.lanes))
			for _, l := range s.ask(c.n, c.each, nil) {
				var a int
				fmt.Sscanf(l.Account, "a%d", &a)
				got[a] += l.asked
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// All accounts get their turn, however many there are.
func TestSite_TurnsGoRound(t *testing.T) {
	s := crowd(3, 3, 3, 3, 3)
	seen := map[string]int{}
	for range 15 {
		for _, l := range s.ask(1, 1, nil) {
			seen[l.Account]++
			s.answered(l)
			s.stand(l)
		}
	}
	for a, n := range seen {
		if n != 3 {
			t.Errorf("%s had %d turns, want 3", a, n)
		}
	}
	if n := len(s.disband()); n != 15 || s.lanes != 0 || len(s.accounts) != 0 {
		t.Errorf("%d lanes disbanded, %d left, %d accounts", n, s.lanes, len(s.accounts))
	}
}

func TestSite_Ceiling(t *testing.T) {
	s := newSite(&place{key: "s"}, newOrigin(&source.Source{}))
	s.gate = pace.NewSite(pace.Limits{Connections: 20}, pace.State{})
	now := time.Now()
	for range 6 {
		s.grow(now)
	}
	if s.limit != 20 {
		t.Errorf("limit %d after successes, want 20", s.limit)
	}
	s.shrink(5, now)
	for range 6 {
		s.grow(now)
	}
	if s.limit != 5 {
		t.Errorf("limit %d right after it shrank, want 5", s.limit)
	}
	s.grow(now.Add(time.Minute))
	if s.limit != 6 {
		t.Errorf("limit %d a minute later, want 6", s.limit)
	}
}

func TestFifo(t *testing.T) {
	var q fifo[int]
	next := 0
	for i := range 1000 {
		q.push(i)
		if i%3 > 0 {
			if v := q.pop(); v != next {
				t.Fatalf("pop = %d, want %d", v, next)
			}
			next++
		}
	}
	q.unshift(-1)
	if v := q.pop(); v != -1 {
		t.Errorf("pop after unshift = %d", v)
	}
	if all := slices.Collect(q.all()); len(all) != 1000-next || all[0] != next {
		t.Errorf("%d left from %d", len(all), all[0])
	}
}
