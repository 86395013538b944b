package mailer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/mailer/source"
	"relay/mailer/view"
	"relay/store/egress"
	"relay/store/spooled"
)

// order gives an override and has the mailer follow it.
func (w *world) order(o egress.Override, lasts time.Duration) egress.Override {
	w.t.Helper()
	o.Reason, o.By = cmp.Or(o.Reason, "because"), "op"
	is, err := w.store.Egress.AddOverride(o, lasts)
	if err == nil && w.stop != nil {
		err = w.mail.Overridden(context.Background())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return is
}

// Mail of a site, an account or a domain waits while an override stops it, over a restart
// too, and goes on at its end; other mail does not wait. It counts no attempt.
func TestOverride_stop(t *testing.T) {
	for _, o := range []egress.Override{
		{Kind: egress.OverrideAccount, Target: "acme"}, {Kind: egress.OverrideDomain, Target: "example.test"}, {Kind: egress.OverrideSite, Target: "mx.example.test"},
	} {
		t.Run(string(o.Kind), func(t *testing.T) {
			inWorld(t, settings.Config{}, func(w *world) {
				w.account("other")
				h := w.host("example.test")
				w.host("other.test")
				w.start()
				w.pass(time.Second)
				o.Do = egress.OverrideStop
				w.order(o, 8*time.Hour)
				waits := message("you@example.test")
				waits.Expires = w.store.Now().Add(6 * time.Hour)
				id := w.accept(waits)
				m := message("you@other.test")
				m.Account = "other"
				free := w.accept(m)
				w.pass(10 * time.Second)
				w.wantFinal(free, "you@other.test", spooled.Delivered, "250")
				w.kill()
				w.pass(time.Hour)
				list, err := w.mail.Outlooks(w.t.Context(), []view.Place{{ID: id, Lane: spooled.Lane{Domain: "example.test", Account: "acme"}}})
				if err != nil || list[0].Wait != view.WaitOverride || list[0].Why != "because" {
					t.Errorf("outlook %+v, %v", list, err)
				}
				w.pass(6*time.Hour + 30*time.Minute) // longer than its life
				if n := len(h.messages()); n != 0 || w.gone(id) {
					t.Errorf("%d went out", n)
				}
				w.pass(time.Hour)
				w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
				if n := len(w.attempts(id)); n != 1 {
					t.Errorf("%d attempts, want 1", n)
				}
			})
		})
	}
}

// An override that is cancelled ends at once.
func TestOverride_cancel(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("example.test")
		o := w.order(egress.Override{Kind: egress.OverrideDomain, Target: "example.test", Do: egress.OverrideStop}, time.Hour)
		id := w.send("you@example.test")
		w.run(time.Minute)
		if w.gone(id) {
			t.Error("it went out")
		}
		if e, err := w.mail.Explain(w.t.Context(), "example.test", "acme"); err != nil || slices.ContainsFunc(e.Ceilings, func(c view.Ceiling) bool { return c.Binds }) {
			t.Errorf("a ceiling binds beside the override: %+v, %v", e.Ceilings, err)
		}
		if _, err := w.store.Egress.CancelOverride(o.Number); err != nil {
			t.Fatal(err)
		}
		if err := w.mail.Overridden(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
	})
}

// Mail that is bounced fails at once with a DSN that says so, also where the next hop is
// down; relay's own mail to the sender goes out.
func TestOverride_bounce(t *testing.T) {
	for _, o := range []egress.Override{
		{Kind: egress.OverrideAccount, Target: "acme"}, {Kind: egress.OverrideDomain, Target: "example.test"}, {Kind: egress.OverrideSite, Target: "mx.example.test"},
	} {
		t.Run(string(o.Kind), func(t *testing.T) {
			inWorld(t, settings.Config{}, func(w *world) {
				w.account("other")
				if o.Kind == egress.OverrideAccount {
					w.host("example.test")
				} else {
					w.dead("example.test")
				}
				w.run(time.Second)
				probe := message("probe@example.test")
				probe.Account = "other"
				w.accept(probe)
				w.pass(time.Second)
				o.Do, o.Reason = egress.OverrideBounce, "spam run"
				w.order(o, time.Hour)
				var ids []spooled.ID
				for i := range 140 {
					ids = append(ids, w.send(fmt.Sprintf("r%d@example.test", i)))
				}
				w.pass(3 * time.Minute)
				for i, id := range ids {
					events, err := w.store.Trace.Of(id)
					if err != nil || !w.gone(id) {
						t.Fatalf("message %d: %v, gone %v", i, err, w.gone(id))
					}
					failed := false
					for _, e := range events {
						for _, r := range e.Recipients {
							failed = failed || e.Note == spooled.NoteBounced && r.State == spooled.Failed && strings.Contains(r.Reply, "spam run")
						}
					}
					if !failed {
						t.Fatalf("message %d: %+v", i, events)
					}
				}
				if n := len(w.notices()); n != 140 {
					t.Errorf("%d DSNs, want 140", n)
				} else if !strings.Contains(w.notices()[0].content, "spam run") {
					t.Errorf("a DSN does not say why:\n%s", w.notices()[0].content)
				}
			})
		})
	}
}

// All mail of a bounced account that is due fails at once, not a few messages with each
// scan, however many one claim takes.
func TestOverride_bounce_backlog(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("example.test")
		var ids []spooled.ID
		for i := range 200 {
			ids = append(ids, w.send(fmt.Sprintf("r%d@example.test", i)))
		}
		w.order(egress.Override{Kind: egress.OverrideAccount, Target: "acme", Do: egress.OverrideBounce}, time.Hour)
		w.run(10 * time.Second)
		left := 0
		for _, id := range ids {
			if !w.gone(id) {
				left++
			}
		}
		if left > 0 {
			t.Errorf("%d of %d messages are left in the queue", left, len(ids))
		}
	})
}

// A site, an account or a domain that is slowed gets no more than so many messages a minute,
// and the account's other mail, or that of others, is not slower.
func TestOverride_slow(t *testing.T) {
	for _, o := range []egress.Override{
		{Kind: egress.OverrideAccount, Target: "acme"}, {Kind: egress.OverrideDomain, Target: "example.test"}, {Kind: egress.OverrideSite, Target: "mx.example.test"},
	} {
		t.Run(string(o.Kind), func(t *testing.T) {
			inWorld(t, settings.Config{}, func(w *world) {
				w.account("other")
				h := w.host("example.test")
				w.point("fast.test", "mx.example.test")
				o.Do, o.Rate = egress.OverrideSlow, 6
				w.order(o, time.Hour)
				for i := range 60 {
					w.send(fmt.Sprintf("r%d@example.test", i))
					m := message(fmt.Sprintf("r%d@fast.test", i))
					m.Account = "other"
					w.accept(m)
				}
				w.run(time.Minute + time.Second)
				slow, fast := 0, 0
				for _, m := range h.messages() {
					if strings.HasSuffix(m.to[0], "@example.test>") || strings.HasSuffix(m.to[0], "@example.test") {
						slow++
					} else {
						fast++
					}
				}
				if o.Kind == egress.OverrideSite {
					slow += fast
				} else if fast != 60 {
					t.Errorf("%d of 60 that nothing slows", fast)
				}
				if slow < 4 || slow > 8 {
					t.Errorf("%d in a minute, want about 6", slow)
				}
				w.pass(2 * time.Hour)
				if n := len(h.messages()); n != 120 {
					t.Errorf("%d of 120 in the end", n)
				}
			})
		})
	}
}

// An override sends an account's mail from another source than its pool's, until it ends.
func TestOverride_source(t *testing.T) {
	cfg := settings.Config{Sources: []source.Source{from("192.0.2.1", "a.test"), from("192.0.2.2", "b.test", pool("own"))}}
	inWorld(t, cfg, func(w *world) {
		c := &callers{}
		w.host("paced.test").say = c.say
		w.start()
		w.by("acme", 3)
		w.pass(time.Minute)
		w.order(egress.Override{Kind: egress.OverrideAccount, Target: "acme", Do: egress.OverrideSource, Source: "192.0.2.2"}, time.Hour)
		w.by("acme", 5)
		w.pass(2 * time.Hour)
		w.by("acme", 7)
		w.pass(time.Minute)
		if got := c.counts(); got["a.test"] != 10 || got["b.test"] != 5 {
			t.Errorf("%v, want 10 and 5", got)
		}
	})
}
