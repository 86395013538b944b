package mailer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relay/mailer/settings"
	"relay/store/spool"
	"relay/store/spooled"
)

// Hosts that fail in every way, at random: in the end each recipient has the
// message exactly once, and the schedule has forgotten all of it.
func TestSchedule_Chaos(t *testing.T) {
	for seed := range 2 * *seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { chaos(t, seed) })
		})
	}
}

func chaos(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	dice := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return rnd.IntN(n)
	}
	w := newWorld(t, settings.Config{Timeouts: quick, Connections: 5, Window: 40, MessagesPerConnection: 7, SiteConnections: 3})
	began := time.Now()
	calm := func() bool { return time.Since(began) > 48*time.Hour }
	for i := range 8 {
		h := w.host(fmt.Sprintf("h%d.test", i))
		h.say = func(x *exchange) string { return mischief(x, dice, calm()) }
		if i%2 == 1 {
			h.ext = chunking
		}
	}
	for i := range 40 {
		w.point(fmt.Sprintf("d%d.test", i), fmt.Sprintf("mx.h%d.test", dice(8)), fmt.Sprintf("mx.h%d.test", dice(8)))
	}
	for i := range 4 {
		w.account(fmt.Sprint("account", i))
	}
	s := newSchedule(w.mail)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	total := 0
	for n := range 300 {
		var to []string
		for r := range 1 + dice(4) {
			to = append(to, fmt.Sprintf("n%d.%d@d%d.test", n, r, dice(40)))
		}
		m := message(to...)
		m.Account = fmt.Sprint("account", dice(4))
		id := w.accept(m)
		total += len(to)
		if dice(10) == 0 {
			w.pass(time.Duration(dice(600)) * time.Second)
		}
		if dice(5) == 0 {
			w.mail.out.Hosts.Forget() // that they were told one command at a time
		}
		if dice(20) == 0 {
			_, _, _ = w.store.Spool.Change([]spool.Op{spool.OpHold, spool.OpRetry}[dice(2)], []spooled.ID{id})
			w.mail.Retry(fmt.Sprintf("d%d.test", dice(40)))
			w.pass(time.Second)
			_, _, _ = w.store.Spool.Change(spool.OpRelease, []spooled.ID{id})
		}
	}
	w.pass(80 * time.Hour)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	got := map[string]int{}
	for i := range 8 {
		for _, r := range w.hopOf(fmt.Sprintf("h%d.test", i)).messages() {
			for _, to := range r.to {
				got[to]++
			}
		}
	}
	for to, n := range got {
		if n != 1 {
			t.Errorf("%s has it %d times", to, n)
		}
	}
	if sum, _ := w.store.Spool.Totals(); len(got) != total || sum.Messages != 0 {
		t.Errorf("%d of %d have it, %d messages queued", len(got), total, sum.Messages)
	}
	empty(t, s)
	if _, err := w.store.Verify(context.Background(), func(p string) { t.Errorf("Verify: %s", p) }); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if err := w.store.Close(); err != nil {
		t.Error(err)
	}
}

// mischief is a temporary failure now and then; none once it is calm.
func mischief(x *exchange, dice func(int) int, calm bool) string {
	if calm || dice(12) != 0 {
		return ""
	}
	switch x.verb {
	case "BDAT":
		return []string{"500 5.5.1 what?", cut}[dice(2)]
	case "greeting":
		return []string{"421 4.7.0 busy", "554 5.7.1 not you", cut, hang}[dice(4)]
	case "EHLO", "MAIL":
		if x.ahead && dice(2) == 0 {
			return "503 5.5.1 nested MAIL"
		}
		return []string{"421 4.3.2 no", "451 4.3.0 no", cut, hang}[dice(4)]
	case "RCPT":
		return []string{"421 4.3.2 no", "450 4.2.0 no", "452 4.5.3 too many", cut, hang}[dice(5)]
	case "DATA", "content":
		return []string{"421 4.3.2 no", "451 4.3.0 no", cut}[dice(3)]
	}
	return ""
}

// empty checks that nothing is left in a schedule that has ended.
func empty(t *testing.T, s *schedule) {
	t.Helper()
	if s.window.Len() != 0 && !allStanding(s) || s.flights.Len() != 0 || s.flights.Claiming() || s.atlas.LookingUp() {
		t.Errorf("left: %d lanes, %d flights, claiming %v, looking up %v",
			s.window.Len(), s.flights.Len(), s.flights.Claiming(), s.atlas.LookingUp())
	}
	if !s.crew.Empty() {
		t.Errorf("left: a crew with %d connections, used as %+v", s.crew.Connections(), s.crew.View(s.m.spool.Now()))
	}
	for site := range s.atlas.Sites {
		if site.Workers != 0 || site.Open != 0 || site.Asked != 0 || site.Queue.Len() != 0 || len(site.Idle) != 0 {
			t.Errorf("site %s: %d workers, %d open, %d asked, %d queued, %d idle", site.Label(),
				site.Workers, site.Open, site.Asked, site.Queue.Len(), len(site.Idle))
		}
	}
}

// allStanding reports whether the lanes that are left are those that the sites count.
func allStanding(s *schedule) bool {
	n := 0
	for d := range s.atlas.Domains {
		n += len(d.Lanes)
	}
	for site := range s.atlas.Sites {
		n += site.Lanes
	}
	return n == s.window.Len() && n == s.window.Shares()
}
