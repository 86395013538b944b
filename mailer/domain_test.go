package mailer

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/store/spooled"
)

// NXDOMAIN is believed when it was found twice.
func TestDomain_Absent(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		id := w.send("you@nowhere.test")
		w.run(time.Minute)
		w.wantFinal(id, "you@nowhere.test", spooled.Deferred, "450 4.1.2")
		w.pass(10 * time.Minute)
		w.wantFinal(id, "you@nowhere.test", spooled.Failed, "550 5.1.2")
		if n := len(w.attempts(id)); n != 2 || len(w.notices()) != 1 {
			t.Errorf("%d attempts, %d DSNs", n, len(w.notices()))
		}
	})
}

// A domain that comes back gets its mail.
func TestDomain_AbsentByAccident(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		id := w.send("you@new.test")
		w.run(time.Minute)
		h := w.host("new.test")
		w.pass(10 * time.Minute)
		w.wantFinal(id, "you@new.test", spooled.Delivered, "250")
		if len(h.messages()) != 1 {
			t.Error("not there")
		}
	})
}

// A DNS failure costs one message an attempt an interval, not all of them.
func TestDomain_ServerFailure(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("broken.test")
		w.dns.fail["broken.test"] = errors.New("SERVFAIL")
		var ids []spooled.ID
		for range 50 {
			ids = append(ids, w.send("you@broken.test"))
		}
		w.run(time.Minute)
		tries := 0
		for _, id := range ids {
			tries += w.rcpt(id, 0).Tries
		}
		if tries != 1 || w.dns.asked["broken.test"] != 1 {
			t.Errorf("%d attempts, %d questions", tries, w.dns.asked["broken.test"])
		}
		w.wantFinal(ids[0], "you@broken.test", spooled.Deferred, "4.4.3")
		w.pass(2 * time.Hour)
		if n := w.dns.asked["broken.test"]; n < 4 || n > 6 {
			t.Errorf("%d questions in two hours", n)
		}
		w.dns.mu.Lock()
		delete(w.dns.fail, "broken.test")
		w.dns.mu.Unlock()
		w.pass(time.Hour + time.Minute)
		if n := len(h.messages()); n != 50 {
			t.Errorf("%d delivered, want 50", n)
		}
	})
}

// All mail of a domain that takes none fails at once.
func TestDomain_NullMX(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.dns.mx["null.test"] = []route.MX{{Host: ""}}
		var ids []spooled.ID
		for range 120 {
			ids = append(ids, w.send("you@null.test"))
		}
		w.run(time.Minute)
		for _, id := range ids {
			if !w.gone(id) {
				t.Fatal("still queued")
			}
		}
		w.wantFinal(ids[7], "you@null.test", spooled.Failed, "550 5.1.10")
		if n := len(w.notices()); n != 120 {
			t.Errorf("%d DSNs", n)
		}
	})
}

func TestDomain_Private(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.dns.addrs["inside.test"] = []netip.Addr{netip.MustParseAddr("10.0.0.1")}
		id := w.send("you@inside.test")
		w.run(time.Minute)
		if o := w.final(id, "you@inside.test"); o.State != spooled.Failed {
			t.Errorf("%+v", o)
		}
	})
}

// The first MX is dead: the second gets the mail, and the first is left alone.
func TestDomain_DeadFirstMX(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1, MessagesPerConnection: 1}, func(w *world) {
		h := w.host("example.test")
		a := w.address("first.example.test")
		w.point("example.test", "first.example.test", "mx.example.test")
		for range 10 {
			w.send("you@example.test")
		}
		w.run(time.Minute)
		if n := len(h.messages()); n != 10 || w.dialled(a) != 1 {
			t.Errorf("%d delivered, the dead one dialled %d times", n, w.dialled(a))
		}
	})
}

// A next hop that moves gets the mail at its new address, also while there is
// always more of it.
func TestDomain_Moves(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1, IdleTimeout: time.Second}, func(w *world) {
		old := w.host("example.test")
		w.run(0)
		for range 200 {
			w.send("you@example.test")
			w.pass(2 * time.Second)
		}
		now := w.host("new.test")
		w.point("example.test", "mx.new.test")
		for range 400 {
			w.send("you@example.test")
			w.pass(2 * time.Second)
		}
		if o, n := len(old.messages()), len(now.messages()); o+n != 600 || n < 100 {
			t.Errorf("%d went to the old one, %d to the new one", o, n)
		}
	})
}

// Retry makes a blocked site be tried at once.
func TestMailer_Retry(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		a := w.dead("dead.test")
		w.send("one@dead.test")
		w.run(time.Minute)
		two := w.send("two@dead.test")
		w.set(a, &mx{name: "mx.dead.test"})
		w.pass(time.Minute)
		if w.gone(two) {
			t.Fatal("tried although the site is down")
		}
		w.mail.Retry("")
		w.pass(time.Second)
		if !w.gone(two) {
			t.Error("not tried")
		}
	})
}
