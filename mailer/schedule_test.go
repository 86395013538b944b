package mailer

import (
	"fmt"
	"testing"
	"time"

	"relay/mailer/route"
	"relay/mailer/source"
)

// A look-up or a dial on its way does not hold up the end.
func TestMailer_StopsAtOnce(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.dns.slow = "slow.test"
		w.send("you@slow.test")
		w.set(w.dead("tarpit.test"), &mx{name: "tarpit", say: func(*exchange) string { return hang }})
		id := w.send("you@tarpit.test")
		w.run(time.Second)
		began := time.Now()
		w.halt()
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("stopped after %v", took)
		}
		if r := w.rcpt(id, 0); r.Tries != 0 {
			t.Errorf("%d tries of a message that was not tried", r.Tries)
		}
	})
}

// A host that says how many transactions it takes in a connection is believed
// (RFC 9422 §4.1).
func TestMailer_MailMax(t *testing.T) {
	inWorld(t, Config{SiteConnections: 1}, func(w *world) {
		h := w.host("example.test")
		h.ext = []string{"PIPELINING", "LIMITS MAILMAX=2"}
		for range 6 {
			w.send("you@example.test")
		}
		w.run(time.Minute)
		if n := h.connections(); n != 3 || len(h.messages()) != 6 {
			t.Errorf("%d messages in %d connections, want 6 in 3", len(h.messages()), n)
		}
	})
}

// A site that greets and then takes nothing is left alone for longer each time.
func TestMailer_BusyAtMail(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "MAIL" {
				return "421 4.3.2 busy"
			}
			return ""
		}
		for range 50 {
			w.send("you@example.test")
		}
		w.run(24 * time.Hour)
		if n := h.connections(); n < 24 || n > 32 {
			t.Errorf("%d connections in a day, want about one an hour", n)
		}
	})
}

// A clock that is set back leaves no site blocked for longer than a block lasts.
func TestSite_ClockSetBack(t *testing.T) {
	now := time.Now()
	s := newSite(&place{key: "x"}, newOrigin(&source.Source{}))
	s.until = now.Add(maxBlock)
	if !s.blocked(now) || s.blocked(now.Add(-time.Minute)) {
		t.Errorf("blocked: %v, %v", s.blocked(now), s.blocked(now.Add(-time.Minute)))
	}
}

// That a domain was absent once is kept until it was looked up again, however
// many domains there are.
func TestSchedule_ForgetsNoAbsence(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s := newSchedule(w.mail)
		now := w.store.Now()
		d := s.domain("nowhere.test")
		s.found(d, nil, nil, route404(d.name))
		s.block(s.siteAt(d.place, s.origins[0]), "")
		s.keep = 0
		s.forget(now.Add(time.Hour))
		if s.domains["nowhere.test"] != d {
			t.Fatal("forgotten before it was believed")
		}
		s.found(d, nil, nil, route404(d.name))
		s.keep = 0
		s.dirty = fifo[*site]{}
		d.place.sites[0].dirty = false
		s.forget(now.Add(8 * time.Hour))
		if len(s.domains)+len(s.places) != 0 {
			t.Errorf("%d domains and %d sites are kept for ever", len(s.domains), len(s.places))
		}
	})
}

// However many domains are dead, what is remembered of them is bounded.
func TestSchedule_ForgetsTheDeadOfACrowd(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		s := newSchedule(w.mail)
		now := w.store.Now()
		for i := range 2 * maxKept {
			d := s.domain(fmt.Sprintf("d%d.test", i))
			s.found(d, nil, nil, &route.Error{Domain: d.name, Status: "4.4.3"})
			t := s.siteAt(d.place, s.origins[0])
			t.failures, t.until = 1, now.Add(time.Minute)
			for s.dirty.len() > 0 {
				s.dirty.pop().dirty = false
			}
			s.forget(now)
		}
		if n := len(s.domains) + len(s.places); n > 2*maxKept {
			t.Errorf("%d domains and sites in memory, want %d at most", n, 2*maxKept)
		}
	})
}

func route404(domain string) error {
	return &route.Error{Domain: domain, Permanent: true, Confirm: true, Status: "5.1.2", Text: "none"}
}
