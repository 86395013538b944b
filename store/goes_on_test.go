package store

import (
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
)

// M19: a year without a price goes on at its end, late or not, with what is sold by
// then; nothing else does.
func TestCloseBy_goesOn(t *testing.T) {
	priced, ends, bigger := free, free, free
	priced.Price, ends.Ends, bigger.Bandwidth = 100, true, 2*gb
	retired := free
	retired.Retired = true
	for name, x := range map[string]struct {
		plan quota.Plan
		now  *quota.Plan // sold by that name at the end
		do   func(t *testing.T, s *Store)
		goes bool
	}{
		"free":                 {plan: free, goes: true},
		"free, larger by then": {plan: free, now: &bigger, goes: true},
		"retired":              {plan: free, now: &retired, goes: true},
		"with a price by then": {plan: free, now: &priced},
		"ends by then":         {plan: free, now: &ends},
		"ends":                 {plan: ends},
		"with a price":         {plan: silver},
		"30 days":              {plan: quota.Plan{Name: "days", Term: quota.Month, Emails: 10}},
		"suspended": {plan: free, goes: true, do: func(t *testing.T, s *Store) {
			if _, err := s.Orders.Suspend(behalf.Order{}, "acme", "why"); err != nil {
				t.Fatal(err)
			}
		}},
		"closed": {plan: free, do: func(t *testing.T, s *Store) {
			if _, err := s.Orders.CloseAccount(behalf.Order{}, "acme", ""); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		for _, late := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s, c := newBooks(t)
				order(t, s, "acme", x.plan, quota.Suspend)
				end := account(t, s, "acme").Contracts[0].End
				if x.do != nil {
					x.do(t, s)
				}
				if x.now != nil {
					if _, err := s.Books.UpdatePlan(x.now.Name, func(p *quota.Plan) error { *p = *x.now; return nil }); err != nil {
						t.Fatal(err)
					}
				}
				if c.set(end); late {
					c.set(end.AddDate(2, 1, 0)) // relay was down for more than two terms
				}
				st, err := s.Standings.Standing("acme")
				if err != nil || st.InTerm != x.goes {
					t.Fatalf("Standing = %+v, %v, want it in term: %v", st, err, x.goes)
				}
				if _, err := closeNow(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				verify(t, s)
				l, want := account(t, s, "acme").Contracts, 1
				if x.goes {
					if want = 2; late {
						want = 4
					}
				}
				if len(l) != want {
					t.Fatalf("%d terms, want %d: %+v", len(l), want, l)
				}
				for i := 1; i < len(l); i++ {
					plan := x.plan
					if x.now != nil && !x.now.Retired {
						plan = *x.now
					}
					if !l[i].Start.Equal(l[i-1].End) || l[i].Plan.Bandwidth != plan.Bandwidth || !l[i].Rest || l[i].Invoice != "" {
						t.Errorf("term %d = %+v after %+v", i, l[i], l[i-1])
					}
				}
				if r := send(t, s, "acme", 1, 1); (r == nil) != (x.goes && name != "suspended") {
					t.Errorf("mail afterwards: %+v", r)
				}
			})
		}
	}
}

// It goes on with the first message after its end as with the job, and never because
// it is used up: then it is refused until the month turns, naming the day.
func TestAccept_goesOn(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	end := account(t, s, "acme").Contracts[0].End
	c.set(end.Add(-time.Second))
	mustSend(t, s, "acme", 733_333_334, 1)
	if r := send(t, s, "acme", 1, 1); r == nil || r.Exceeded == nil || !r.Exceeded.Renewed.Equal(end) {
		t.Errorf("used up in the last month: %+v, want it renewed at its end", r)
	}
	wantBook(t, s, "acme", "activated", "closed", "closed", "closed", "closed", "closed", "closed", "closed", "closed", "closed", "closed", "closed", "closed")
	c.set(end)
	mustSend(t, s, "acme", 266_666_666, 1)
	if a := account(t, s, "acme"); a.Open != "2027-11-2" || len(a.Contracts) != 2 || !a.TermEnd().After(end) {
		t.Errorf("after it: %+v", a)
	}
	if got := (warning{t: t}).run(s); len(got) != 0 {
		t.Errorf("warned of the end: %q", got)
	}
}
