package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/orders"
	"relay/store/refusals"
	"relay/store/sites"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/strangers"
	"relay/store/trace"
)

// byMX has all mail go by MX but that to a route.
var byMX = strangers.Rules{Cap: 20, Direct: func(d string) bool { return d != "route.test" }}

func setStrangers(t testing.TB, s *Store, how strangers.Rules) {
	t.Helper()
	if err := s.Strangers.SetRules(how); err != nil {
		t.Fatal(err)
	}
}

// handIn has n messages to recipients of their own, from number from on.
func handIn(t testing.TB, s *Store, account string, from, n int) {
	t.Helper()
	for i := range n {
		accept(t, s, account, 100, fmt.Sprintf("r%d@dst.test", from+i))
	}
}

func addresses(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("r%d@dst.test", i))
	}
	return list
}

// deliver settles all that may go now, and returns how many.
func deliver(t testing.TB, s *Store, account string, mark strangers.Mark) (n int) {
	t.Helper()
	for {
		list := claim(t, s, "dst.test", account, 100)
		if len(list) == 0 && !slices.Contains(s.Spool.TakeReady(1000), spooled.Lane{Domain: "dst.test", Account: account}) {
			return n
		}
		n += settleAll(t, s, list, mark)
	}
}

func settleAll(t testing.TB, s *Store, list []spool.Claimed, mark strangers.Mark) (n int) {
	t.Helper()
	var results []spool.Result
	for _, c := range list {
		r := spool.Result{ID: c.Message.ID, Domain: c.Domain, Event: trace.Event{Kind: trace.EventAttempt}}
		for _, i := range c.Rcpts {
			r.Outcomes = append(r.Outcomes, spool.Outcome{Rcpt: i, State: spooled.Delivered, Reply: "250 ok", Mark: mark})
			n++
		}
		results = append(results, r)
	}
	if err := s.Spool.Settle(results...); err != nil {
		t.Fatal(err)
	}
	return n
}

// A new account's first sendings go out as its cap grows, and recipients that it knows at
// once, also behind those that wait.
func TestFirst(t *testing.T) {
	s, c := newStore(t)
	setStrangers(t, s, byMX)
	addAccount(t, s, "acme", quota.Plan{})
	handIn(t, s, "acme", 0, 100)
	sent := 0
	for day, want := range []int{20, 40, 40} {
		if n := deliver(t, s, "acme", strangers.MarkDelivered); n != want {
			t.Fatalf("day %d: %d went out, want %d", day, n, want)
		}
		sent += want
		if r, capped, err := s.Strangers.Record("acme"); err != nil || !capped || r.Waiting != int64(100-sent) {
			t.Errorf("day %d: %+v, %v, %v", day, r, capped, err)
		}
		handIn(t, s, "acme", 0, 5)
		accept(t, s, "acme", 100, "R1@dst.test") // in another case
		if n := deliver(t, s, "acme", strangers.MarkDelivered); n != 6 {
			t.Errorf("day %d: %d of 6 to recipients that are known", day, n)
		}
		c.add(24 * time.Hour)
	}
	accept(t, s, "acme", 100, "new@route.test")
	if n := len(claim(t, s, "route.test", "acme", 10)); n != 1 {
		t.Errorf("%d by a route, want 1", n)
	}
}

// An account that suppresses strangers, writes to them, and lifts that before they are tried,
// has the same cap as others.
func TestFirst_liftedSuppressions(t *testing.T) {
	s, c := newStore(t)
	setStrangers(t, s, byMX)
	addAccount(t, s, "acme", quota.Plan{})
	var list []refusals.Suppression
	for _, a := range addresses(100) {
		list = append(list, refusals.Suppression{Recipient: a, Reason: refusals.ByHand})
	}
	if _, err := s.Refusals.AddSuppressions(behalf.Order{}, "acme", list); err != nil {
		t.Fatal(err)
	}
	handIn(t, s, "acme", 0, 100)
	if _, err := s.Refusals.LiftSuppressions(behalf.Order{}, "acme", addresses(90)); err != nil {
		t.Fatal(err)
	}
	if n := deliver(t, s, "acme", strangers.MarkDelivered); n != 20 {
		t.Errorf("%d strangers were written to, want 20", n)
	}
	verify(t, s)
	if r, _, err := s.Strangers.Record("acme"); err != nil || r.Waiting != 70 {
		t.Errorf("%d wait, want 70: %v", r.Waiting, err)
	}
	c.add(24 * time.Hour)
	if n := deliver(t, s, "acme", strangers.MarkDelivered); n != 40 {
		t.Errorf("%d on the second day, want 40", n)
	}
	verify(t, s)
}

// A greater cap lets go what waits, and so does a relay that goes by a smarthost now.
func TestFirst_replanned(t *testing.T) {
	wide := byMX
	wide.Direct, wide.Way = func(string) bool { return false }, "smarthost"
	for name, x := range map[string]struct {
		lift func(*Store) error
		want int
	}{
		"no cap": {func(s *Store) error { return setFirstCap(s, strangers.NoCap) }, 100},
		"50":     {func(s *Store) error { return setFirstCap(s, 50) }, 50},
		"less":   {func(s *Store) error { return setFirstCap(s, 10) }, 20}, // they went out before
		"other":  {func(s *Store) error { return s.Strangers.SetRules(wide) }, 100},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newStore(t)
			setStrangers(t, s, byMX)
			addAccount(t, s, "acme", quota.Plan{})
			handIn(t, s, "acme", 0, 100)
			sent := deliver(t, s, "acme", strangers.MarkDelivered)
			if err := x.lift(s); err != nil {
				t.Fatal(err)
			}
			for more := true; more; {
				var err error
				if more, err = s.Chores.Do(); err != nil {
					t.Fatal(err)
				}
			}
			if sent += deliver(t, s, "acme", strangers.MarkDelivered); sent != x.want {
				t.Errorf("%d went out, want %d", sent, x.want)
			}
		})
	}
}

func setFirstCap(s *Store, n int) error {
	_, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) { a.FirstCap = n; return orders.Change{}, nil })
	return err
}

// An account with a history is not slowed by an upgrade.
func TestRecord_begins(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "old", quota.Plan{})
	addAccount(t, s, "new", quota.Plan{})
	accept(t, s, "old", 100, addresses(1200)...)
	deliver(t, s, "old", "") // by a relay that kept no records
	c.add(40 * 24 * time.Hour)
	setStrangers(t, s, byMX)
	if r, _, err := s.Strangers.Record("old"); err != nil || !r.Proven || r.First.Cap != 1200 {
		t.Errorf("old: %+v, %v", r, err)
	}
	if r, _, err := s.Strangers.Record("new"); err != nil || r.Proven || r.First.Cap != 20 {
		t.Errorf("new: %+v, %v", r, err)
	}
	accept(t, s, "old", 100, addresses(1200)...)
	if n := deliver(t, s, "old", strangers.MarkDelivered); n != 1200 {
		t.Errorf("%d go out at once, want 1200", n)
	}
}

// Both sides are told once that mail waits for more than a day, and once of each hold.
func TestNews_waitsAndHeld(t *testing.T) {
	s, c := newStore(t)
	setStrangers(t, s, byMX)
	var told []string
	tell := func() {
		t.Helper()
		list, _, err := s.News.Due(10)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			w, err := s.Telling(&list[i])
			if err != nil || w == nil {
				t.Fatalf("Telling(%+v) = %v, %v", list[i], w, err)
			}
			told = append(told, fmt.Sprintf("%s %d %d %s %s", w.Account.Name, w.Waiting, w.Cap, w.LastDay.Format(time.DateOnly), w.News.About))
			mail := spool.Notice{Message: spooled.Message{Expires: s.Now().Add(time.Hour), Recipients: []spooled.Recipient{{Address: "boss@acme.test", Domain: "acme.test"}}}, Body: []byte("x\r\n")}
			if err := s.Tell(&list[i], []spool.Notice{mail}); err != nil {
				t.Fatal(err)
			}
		}
	}
	addAccount(t, s, "acme", quota.Plan{})
	handIn(t, s, "acme", 0, 55)
	tell()
	handIn(t, s, "acme", 55, 15)
	tell()
	c.add(5 * time.Minute) // such news waits so long
	tell()
	handIn(t, s, "acme", 70, 10)
	c.add(5 * time.Minute) // such news waits so long
	tell()
	if err := s.Spool.HoldAccount(spool.Hold{Account: "acme", Provider: "Google", Until: c.now(), State: sites.PaceEntry{Key: "k", Value: []byte("v")}}); err != nil {
		t.Fatal(err)
	}
	tell()
	tell()
	if want := "acme 50 20 2026-11-25 |acme 0 0 0001-01-01 Google"; strings.Join(told, "|") != want {
		t.Errorf("told %q, want %q", told, want)
	}
	if n := len(claim(t, s, "acme.test", "", 10)); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
	if r, _, _ := s.Strangers.Record("acme"); !r.Today.Bad {
		t.Error("the day of a hold is clean")
	}
}

// Recipients that were not written to for a year are forgotten, and so is an account that is
// gone.
func TestPruneKnown(t *testing.T) {
	s, c := newStore(t)
	setStrangers(t, s, byMX)
	for _, name := range []string{"acme", "gone"} {
		addAccount(t, s, name, quota.Plan{})
		accept(t, s, name, 100, addresses(20)...)
		deliver(t, s, name, strangers.MarkDelivered)
	}
	if err := s.RemoveAccount(behalf.Order{}, "gone"); err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		t.Helper()
		if err := s.Known.Prune(); err != nil {
			t.Fatal(err)
		}
		_ = s.view(func(t *tx) error {
			c := t.Cursor(bucket.Known)
			for k, v := c.First(); k != nil; k, v = c.Next() {
				n += len(v) / 6
			}
			return nil
		})
		return n
	}
	if n := count(); n != 20 {
		t.Errorf("%d are known, want 20", n)
	}
	c.add(400 * 24 * time.Hour)
	if n := count(); n != 0 {
		t.Errorf("%d are known after more than a year", n)
	}
}

// BenchmarkFirst takes and delivers messages of one recipient: by a way that no record is
// kept of, to a recipient that is known, and to new ones.
func BenchmarkFirst(b *testing.B) {
	for name, x := range map[string]struct {
		how  strangers.Rules
		mark strangers.Mark
		fill int
		to   func(int64) string
	}{
		"route": {strangers.Rules{}, "", 0, func(n int64) string { return fmt.Sprintf("r%d@dst.test", n) }},
		"known": {strangers.Rules{Cap: 1 << 19, Direct: byMX.Direct}, strangers.MarkDelivered, 1, func(int64) string { return "r0@dst.test" }},
		"new":   {strangers.Rules{Cap: 1 << 19, Direct: byMX.Direct}, strangers.MarkDelivered, 1, func(n int64) string { return fmt.Sprintf("r%d@dst.test", n) }},
	} {
		b.Run(name, func(b *testing.B) {
			s := reopen(b, filepath.Join(b.TempDir(), "relay.db"), &clock{t: epoch})
			defer s.Close()
			setStrangers(b, s, x.how)
			addAccount(b, s, "acme", quota.Plan{})
			if x.fill > 0 {
				accept(b, s, "acme", 100, addresses(x.fill)...)
				deliver(b, s, "acme", x.mark)
			}
			var n atomic.Int64
			b.SetParallelism(64)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					m := accept(b, s, "acme", 1000, x.to(n.Add(1)))
					r := spool.Result{ID: m.ID, Domain: "dst.test", Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{{State: spooled.Delivered, Reply: "250 ok", Mark: x.mark}}}
					if err := s.Spool.Settle(r); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
