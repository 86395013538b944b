package mailer

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/flights"
	"relay/mailer/settings"
	"relay/store/spool"
	"relay/store/spooled"
)

// With a store's clock that runs faster, retries, expiry and its DSN come so
// much sooner: a wait of five minutes is over after 5/60 of a second at 3600.
func TestMailer_Speed(t *testing.T) {
	for _, speed := range []int64{1, 60, 3600} {
		t.Run(fmt.Sprint(speed), func(t *testing.T) {
			inWorld(t, settings.Config{Speed: speed}, func(w *world) {
				h := w.host("slow.test")
				var at []time.Time
				h.say = func(x *exchange) string {
					if x.verb == "RCPT" {
						at = append(at, time.Now())
						return "451 4.7.1 later"
					}
					return ""
				}
				id := w.send("you@slow.test")
				w.run(5 * 24 * time.Hour / time.Duration(speed))
				late := max(time.Minute/time.Duration(speed), fastGap)
				for i := range len(at) - 1 {
					got, want := at[i+1].Sub(at[i]), settings.DefaultRetry[min(i, len(settings.DefaultRetry)-1)]/time.Duration(speed)
					if got < want*89/100 || got > want*111/100+late {
						t.Errorf("wait %d is %v, want %v", i+1, got, want)
					}
				}
				if n := len(at); n < 20 || n > 25 {
					t.Errorf("%d attempts", n)
				}
				w.wantFinal(id, "you@slow.test", spooled.Expired, "451 4.7.1 later")
				if n := len(w.notices()); n != 1 {
					t.Errorf("%d DSNs, want 1", n)
				}
			})
		})
	}
}

// fastGap is the least time between two scans at a high speed, see package scan.
const fastGap = 10 * time.Millisecond

// A message whose site is down is never tried, and expires all the same: the
// walk goes by the store's clock too.
func TestMailer_Speed_neverTried(t *testing.T) {
	const speed = 3600
	inWorld(t, settings.Config{Speed: speed, DelayAfter: 4 * time.Hour}, func(w *world) {
		w.dead("down.test")
		m := message("you@down.test")
		m.Recipients[0].Notify = spooled.NotifyDelay | spooled.NotifyFailure
		id := w.accept(m)
		w.run(5 * time.Hour / speed)
		if n := len(w.notices()); n != 1 {
			t.Errorf("%d DSNs after five hours, want 1 about the delay", n)
		}
		w.pass(5 * 24 * time.Hour / speed)
		if !w.gone(id) {
			t.Error("still queued after five days")
		}
		if n := len(w.notices()); n != 2 {
			t.Errorf("%d DSNs after five days, want 2", n)
		}
	})
}

// How long the store's clock takes for a wait is rounded up, so that nothing comes too early.
func TestMailer_Speed_roundsUp(t *testing.T) {
	c := settings.Config{Speed: 100_000}
	c.SetDefaults()
	one := settings.Config{}
	one.SetDefaults()
	for _, d := range []time.Duration{-time.Hour, -1, 0, 1, time.Second, maxSleep, 24 * time.Hour} {
		if one.Lasts(d) != d || one.Shown(d) != d {
			t.Errorf("at speed 1 %v is %v and %v", d, one.Lasts(d), one.Shown(d))
		}
	}
	if c.Lasts(1) != 1 || c.Lasts(-1) > 0 || c.Lasts(0) != 0 {
		t.Errorf("lasts does not round up: %v %v %v", c.Lasts(1), c.Lasts(0), c.Lasts(-1))
	}
}

// An attempt that takes minutes by the store's clock is waited for from its end,
// although it takes no time: else it would be due again before it is over.
func TestMailer_Speed_longAttempt(t *testing.T) {
	const speed, slow = 3600, 50 * time.Millisecond // three minutes
	inWorld(t, settings.Config{Speed: speed}, func(w *world) {
		h := w.host("slow.test")
		var began, ended []time.Time
		h.say = func(x *exchange) string {
			if x.verb != "RCPT" {
				return ""
			}
			began = append(began, time.Now())
			time.Sleep(slow)
			ended = append(ended, time.Now())
			return "451 4.7.1 later"
		}
		w.send("you@slow.test")
		w.run(time.Hour / speed)
		if len(began) < 3 {
			t.Fatalf("%d attempts", len(began))
		}
		for i := range len(ended) - 1 {
			got, want := began[i+1].Sub(ended[i]), settings.DefaultRetry[i]/speed
			if got < want*89/100 || got > want*111/100+fastGap {
				t.Errorf("wait %d is %v, want %v", i+1, got, want)
			}
		}
	})
}

// An attempt may end just when its lease is over: a scan has found the message due, and the
// claim that follows finds that it is not. The next try that the attempt stored is kept.
func TestMailer_Speed_endsWithItsLease(t *testing.T) {
	const speed, wait = 3600, 5 * time.Minute
	inWorld(t, settings.Config{Speed: speed, Retry: []time.Duration{wait}}, func(w *world) {
		var id spooled.ID
		tries := 0
		w.host("slow.test").say = func(x *exchange) string {
			if x.verb != "RCPT" {
				return ""
			}
			if tries++; tries%2 == 1 {
				time.Sleep(w.cfg.Lasts(w.rcpt(id, 0).Next.Sub(w.store.Now())))
			}
			return "451 4.7.1 later"
		}
		id = w.send("you@slow.test")
		w.run(20 * time.Hour / speed)
		if tries < 100 { // of 160 or so
			t.Errorf("%d attempts in %d waits", tries, 20*time.Hour/wait)
		}
	})
}

// What lands while a claim is under way may have been claimed before that, when
// its lease was over: it is settled, and not tried once more.
func TestSchedule_takeOff_landedMeanwhile(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		s := newSchedule(w.mail)
		claim := func(id spooled.ID) spool.Claimed {
			return spool.Claimed{Message: &spooled.Message{ID: id}, Domain: "a.test"}
		}
		settled, fresh := claim(spooled.ID{1}), claim(spooled.ID{2})
		if !s.takeOff(settled) || s.takeOff(settled) {
			t.Fatal("a flight is not taken once")
		}
		s.flights.Claim()
		s.land(&attempt.Job{Claims: []spool.Claimed{settled}})
		if s.takeOff(settled) {
			t.Error("it is taken up again with what it was before it was settled")
		}
		if !s.takeOff(fresh) {
			t.Error("another one is not taken")
		}
		s.claimed(nil, nil, true, w.mail.spool.Now())
		if !s.takeOff(settled) {
			t.Error("the next claim, which knows what became of it, is not taken")
		}
	})
}

// A message that was settled while a claim was under way, and claimed by it after that
// since its next try had come, goes back: nobody has it in hand, and it would wait until
// its lease is over.
func TestSchedule_takeOff_claimedAfterLanding(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		s, st := newSchedule(w.mail), w.mail.spool
		s.ctx = t.Context()
		id := w.send("x@a.test")
		due := w.rcpt(id, 0).Next
		lease := func(*spooled.Message, int) time.Time { return st.Now().Add(time.Hour) }
		claims, err := st.Claim([]spool.Want{{Lane: spooled.Lane{Domain: "a.test", Account: "acme"}, Max: 1}}, lease)
		if err != nil || len(claims) != 1 {
			t.Fatalf("%d claims, %v", len(claims), err)
		}
		f := flights.Flight{ID: id, Domain: "a.test"}
		s.flights.TakeOff(f)
		s.flights.Claim()
		s.flights.Land(f)
		if s.takeOff(claims[0]) {
			t.Error("it is taken up, though the claim may be from before it was settled")
		}
		synctest.Wait()
		if next := w.rcpt(id, 0).Next; !next.Equal(due) {
			t.Errorf("its next try is %v, want %v as before", next, due)
		}
	})
}
