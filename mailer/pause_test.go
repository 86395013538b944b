package mailer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/store/spooled"
)

// A host that says 421 to every recipient of one domain pauses the mail that it
// said so to: not other customers' mail to other domains at the same hosts, nor
// their mail to the same one, before that was told it too.
func TestPause_WhatWasToldTo(t *testing.T) {
	for _, word := range []string{"421 4.7.0 not for this domain now", cut} {
		t.Run(strings.Trim(word[:4], " !"), func(t *testing.T) {
			inWorld(t, settings.Config{}, func(w *world) {
				a, b := w.host("a.test"), w.host("b.test")
				say := func(x *exchange) string {
					if x.verb == "RCPT" && strings.HasSuffix(x.arg, "@refused.test") {
						return word
					}
					return ""
				}
				a.say, b.say = say, say
				w.account("other")
				for _, d := range []string{"refused.test", "fine.test"} {
					w.point(d, "mx.a.test", "mx.b.test")
				}
				for i := range 300 {
					w.send(fmt.Sprintf("n%d@refused.test", i))
				}
				w.run(time.Minute)
				dials := a.connections() + b.connections()
				if dials > 4*site.MaxLosses+10 {
					t.Errorf("%d connections for mail that is not wanted", dials)
				}
				m := message("you@fine.test")
				m.Account = "other"
				id, mine := w.accept(m), w.send("me@fine.test")
				w.pass(time.Second)
				w.wantFinal(id, "you@fine.test", spooled.Delivered, "250")
				w.wantFinal(mine, "me@fine.test", spooled.Delivered, "250")
				for range 30 {
					w.send("me@fine.test")
					w.pass(10 * time.Second)
				}
				if n := len(a.messages()) + len(b.messages()); n != 32 {
					t.Errorf("%d of 32 delivered to the other domain", n)
				}
				if strings.Contains(w.logged(), "next hop down") {
					t.Error("the site is said to be down")
				}
				sites, err := w.mail.Sites(context.Background(), []string{"refused.test", "fine.test"})
				if err != nil || sites["refused.test"].Down.IsZero() || !sites["fine.test"].Down.IsZero() {
					t.Errorf("sites %+v, %v", sites, err)
				}
				a.becomes(nil)
				b.becomes(nil)
				w.pass(2 * time.Hour)
				if n := len(a.messages()) + len(b.messages()); n != 332 {
					t.Errorf("%d of 332 delivered in the end", n)
				}
			})
		})
	}
}

// In one message, too, only the recipients of that domain wait.
func TestPause_OneMessage(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("a.test")
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" && strings.HasSuffix(x.arg, "@refused.test") {
				return "421 4.7.0 not for this domain now"
			}
			return ""
		}
		for _, d := range []string{"refused.test", "fine.test", "good.test"} {
			w.point(d, "mx.a.test")
			w.send("warm@" + d)
		}
		w.run(time.Second) // all domains are known to be of one site
		id := w.send("a@fine.test", "b@refused.test", "c@good.test", "d@refused.test")
		w.pass(time.Second)
		w.wantFinal(id, "a@fine.test", spooled.Delivered, "250")
		w.wantFinal(id, "c@good.test", spooled.Delivered, "250")
		w.wantFinal(id, "b@refused.test", spooled.Deferred, "421 4.7.0")
		w.wantFinal(id, "d@refused.test", spooled.Deferred, "421 4.7.0")
	})
}

// 421 at MAIL from a host that took others' mail a moment ago is about this mail.
func TestPause_AtMAIL(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("a.test")
		h.say = func(x *exchange) string {
			if x.verb == "MAIL" && strings.Contains(x.arg, "<bad@src.test>") {
				return "421 4.7.0 not from you"
			}
			return ""
		}
		w.account("other")
		w.point("one.test", "mx.a.test")
		w.point("two.test", "mx.a.test")
		w.send("you@two.test")
		w.run(time.Second)
		for range 100 {
			m := message("you@one.test")
			m.Account, m.Sender = "other", "bad@src.test"
			w.accept(m)
		}
		w.pass(time.Minute)
		if n := h.connections(); n > 30 {
			t.Errorf("%d connections", n)
		}
		id := w.send("you@two.test")
		w.pass(time.Second)
		w.wantFinal(id, "you@two.test", spooled.Delivered, "250")
		if n := h.tries("you@one.test"); n > 30 {
			t.Errorf("%d tries", n)
		}
	})
}

// Mail that is never tried, its lane being left alone, expires in time.
func TestPause_Expires(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("example.test").say = at("RCPT", cut)
		var ids []spooled.ID
		for range 100 {
			ids = append(ids, w.send("you@example.test"))
		}
		w.run(4*24*time.Hour + 7*time.Hour)
		for _, id := range ids {
			if !w.gone(id) {
				t.Fatal("still queued")
			}
		}
	})
}

// The operator's word ends a pause.
func TestPause_Retry(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = at("RCPT", cut)
		for range 30 {
			w.send("you@example.test")
		}
		w.run(time.Minute)
		h.becomes(nil)
		before := len(h.messages())
		w.mail.Retry("example.test")
		w.pass(time.Second)
		if n := len(h.messages()) - before; n < 15 {
			t.Errorf("%d delivered, want what was not tried yet", n)
		}
	})
}
