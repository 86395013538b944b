package mailer

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"relay/store"
)

// With a store's clock that runs faster, retries, expiry and its DSN come so
// much sooner: a wait of five minutes is over after 5/60 of a second at 3600.
func TestMailer_Speed(t *testing.T) {
	for _, speed := range []int64{1, 60, 3600} {
		t.Run(fmt.Sprint(speed), func(t *testing.T) {
			inWorld(t, Config{Speed: speed}, func(w *world) {
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
					got, want := at[i+1].Sub(at[i]), DefaultRetry[min(i, len(DefaultRetry)-1)]/time.Duration(speed)
					if got < want*89/100 || got > want*111/100+late {
						t.Errorf("wait %d is %v, want %v", i+1, got, want)
					}
				}
				if n := len(at); n < 20 || n > 25 {
					t.Errorf("%d attempts", n)
				}
				w.wantFinal(id, "you@slow.test", store.Expired, "451 4.7.1 later")
				if n := len(w.notices()); n != 1 {
					t.Errorf("%d DSNs, want 1", n)
				}
			})
		})
	}
}

// A message whose site is down is never tried, and expires all the same: the
// walk goes by the store's clock too.
func TestMailer_Speed_neverTried(t *testing.T) {
	const speed = 3600
	inWorld(t, Config{Speed: speed, DelayAfter: 4 * time.Hour}, func(w *world) {
		w.dead("down.test")
		m := message("you@down.test")
		m.Recipients[0].Notify = store.NotifyDelay | store.NotifyFailure
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

// At the greatest speed the schedule does not spin: a scan has its least gap.
func TestMailer_Speed_isNotBusy(t *testing.T) {
	c := Config{Speed: 100_000}
	c.setDefaults()
	if got := c.lasts(c.gap()); got < fastGap {
		t.Errorf("scans %v apart", got)
	}
	one := Config{}
	one.setDefaults()
	if got := one.gap(); got != minGap {
		t.Errorf("at speed 1 scans %v apart, want %v", got, minGap)
	}
	for _, d := range []time.Duration{-time.Hour, -1, 0, 1, minGap, maxSleep, 24 * time.Hour} {
		if one.lasts(d) != d || one.shown(d) != d {
			t.Errorf("at speed 1 %v is %v and %v", d, one.lasts(d), one.shown(d))
		}
	}
	if c.lasts(1) != 1 || c.lasts(-1) > 0 || c.lasts(0) != 0 {
		t.Errorf("lasts does not round up: %v %v %v", c.lasts(1), c.lasts(0), c.lasts(-1))
	}
}

// An attempt that takes minutes by the store's clock is waited for from its end,
// although it takes no time: else it would be due again before it is over.
func TestMailer_Speed_longAttempt(t *testing.T) {
	const speed, slow = 3600, 50 * time.Millisecond // three minutes
	inWorld(t, Config{Speed: speed}, func(w *world) {
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
			got, want := began[i+1].Sub(ended[i]), DefaultRetry[i]/speed
			if got < want*89/100 || got > want*111/100+fastGap {
				t.Errorf("wait %d is %v, want %v", i+1, got, want)
			}
		}
	})
}

// What lands while a claim is under way may have been claimed before that, when
// its lease was over: it is settled, and not tried once more.
func TestSchedule_takeOff_landedMeanwhile(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s := newSchedule(w.mail)
		claim := func(id store.ID) store.Claimed {
			return store.Claimed{Message: &store.Message{ID: id}, Domain: "a.test"}
		}
		settled, fresh := claim(store.ID{1}), claim(store.ID{2})
		if !s.takeOff(settled) || s.takeOff(settled) {
			t.Fatal("a flight is not taken once")
		}
		s.claiming = true
		s.land(&job{claims: []store.Claimed{settled}})
		if s.takeOff(settled) {
			t.Error("it is taken up again with what it was before it was settled")
		}
		if !s.takeOff(fresh) {
			t.Error("another one is not taken")
		}
		s.claimed(nil, nil, true, w.mail.store.Now())
		if !s.takeOff(settled) {
			t.Error("the next claim, which knows what became of it, is not taken")
		}
	})
}

// A message that was settled while a claim was under way, and claimed by it after that
// since its next try had come, goes back: nobody has it in hand, and it would wait until
// its lease is over.
func TestSchedule_takeOff_claimedAfterLanding(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s, st := newSchedule(w.mail), w.mail.store
		s.ctx = t.Context()
		id := w.send("x@a.test")
		due := w.rcpt(id, 0).Next
		lease := func(*store.Message, int) time.Time { return st.Now().Add(time.Hour) }
		claims, err := st.Claim([]store.Want{{Lane: store.Lane{Domain: "a.test", Account: "acme"}, Max: 1}}, lease)
		if err != nil || len(claims) != 1 {
			t.Fatalf("%d claims, %v", len(claims), err)
		}
		s.landed[flight{id, "a.test"}] = struct{}{}
		if s.takeOff(claims[0]) {
			t.Error("it is taken up, though the claim may be from before it was settled")
		}
		synctest.Wait()
		if next := w.rcpt(id, 0).Next; !next.Equal(due) {
			t.Errorf("its next try is %v, want %v as before", next, due)
		}
	})
}
