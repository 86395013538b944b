package site

import (
	"fmt"
	"testing"
	"time"

	"relay/mailer/pace"
	"relay/mailer/settings"
	"relay/mailer/source"
	"relay/store/spooled"
)

// crowd is a site where accounts have so many lanes each.
func crowd(lanes ...int) *Site {
	t := New(&Place{Key: "s"}, NewOrigin(&source.Source{}))
	for a, n := range lanes {
		for i := range n {
			t.Join(&Lane{Lane: spooled.Lane{Account: fmt.Sprint("a", a), Domain: fmt.Sprint("d", i)}})
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
			for _, l := range s.Ask(c.n, c.each, nil) {
				var a int
				fmt.Sscanf(l.Account, "a%d", &a)
				got[a] += l.Asked
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
		for _, l := range s.Ask(1, 1, nil) {
			seen[l.Account]++
			s.Answered(l)
			s.Stand(l)
		}
	}
	for a, n := range seen {
		if n != 3 {
			t.Errorf("%s had %d turns, want 3", a, n)
		}
	}
	if n := len(s.Disband()); n != 15 || s.Lanes != 0 || len(s.Accounts) != 0 {
		t.Errorf("%d lanes disbanded, %d left, %d accounts", n, s.Lanes, len(s.Accounts))
	}
}

func TestSite_Ceiling(t *testing.T) {
	s := New(&Place{Key: "s"}, NewOrigin(&source.Source{}))
	s.Gate = pace.NewSite(pace.Limits{Connections: 20}, pace.State{})
	now := time.Now()
	for range 6 {
		s.Grow(now)
	}
	if s.Limit != 20 {
		t.Errorf("limit %d after successes, want 20", s.Limit)
	}
	s.Shrink(5, now)
	for range 6 {
		s.Grow(now)
	}
	if s.Limit != 5 {
		t.Errorf("limit %d right after it shrank, want 5", s.Limit)
	}
	s.Grow(now.Add(time.Minute))
	if s.Limit != 6 {
		t.Errorf("limit %d a minute later, want 6", s.Limit)
	}
}

// A clock that is set back leaves no site blocked for longer than a block lasts.
func TestSite_ClockSetBack(t *testing.T) {
	now := time.Now()
	s := New(&Place{Key: "x"}, NewOrigin(&source.Source{}))
	s.Until = now.Add(settings.MaxBlock)
	if !s.Blocked(now) || s.Blocked(now.Add(-time.Minute)) {
		t.Errorf("blocked: %v, %v", s.Blocked(now), s.Blocked(now.Add(-time.Minute)))
	}
}
