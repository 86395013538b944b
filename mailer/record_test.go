package mailer

import (
	"fmt"
	"testing"
	"time"

	"relay/mailer/pace"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/store/books"
	"relay/store/spooled"
)

// strangers are n addresses at a domain, from number from on.
func strangers(domain string, from, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("r%d@%s", from+i, domain))
	}
	return list
}

// taken are the recipients that a host has accepted so far.
func taken(h *mx) (n int) {
	for _, m := range h.messages() {
		n += len(m.to)
	}
	return n
}

// A new account's first sendings go out as the cap allows, also over kills: its mail is not
// tried before, does not age, and other accounts' mail passes.
func TestFirst_days(t *testing.T) {
	inWorld(t, settings.Config{FirstCap: 10, Expire: 24 * time.Hour}, func(w *world) {
		h := w.host("example.test")
		w.account("other")
		var ids []spooled.ID
		for i := range 12 {
			m := message(strangers("example.test", 10*i, 10)...)
			m.Expires = w.store.Now().Add(24 * time.Hour)
			ids = append(ids, w.accept(m))
		}
		w.run(time.Minute)
		sent := 10
		for day, want := range []int{10, 30, 70, 120} {
			if n := taken(h) - day; n != want {
				t.Fatalf("day %d: %d recipients so far, want %d", day, n, want)
			}
			m := message(fmt.Sprintf("o%d@example.test", day))
			m.Account = "other"
			id := w.accept(m)
			w.pass(time.Minute)
			w.wantFinal(id, m.Recipients[0].Address, spooled.Delivered, "250")
			for range 2 {
				w.kill()
				w.pass(12 * time.Hour)
			}
			sent = want
		}
		for i, id := range ids {
			if list := w.attempts(id); len(list) != 1 {
				t.Errorf("message %d: %d attempts, want 1", i, len(list))
			}
		}
		r, _, err := w.store.Strangers.Record("acme")
		if err != nil || r.Waiting != 0 || r.Clean != 4 || r.Delivered != int64(sent) {
			t.Errorf("record %+v, %v", r, err)
		}
	})
}

// A first sending has its life from the day on which it may go: it is tried again, and
// expires later.
func TestFirst_life(t *testing.T) {
	inWorld(t, settings.Config{FirstCap: 1, Expire: 24 * time.Hour}, func(w *world) {
		h := w.host("example.test")
		w.accept(message("a@example.test"))
		m := message("b@example.test", "c@example.test", "d@example.test")
		m.Expires = w.store.Now().Add(24 * time.Hour)
		id := w.accept(m)
		w.run(30 * time.Hour) // c waits for the second day after
		h.becomes(func(x *exchange) string {
			if x.verb == "RCPT" {
				return "450 4.2.0 later"
			}
			return ""
		})
		w.pass(30 * time.Hour)
		d := w.rcpt(id, 2)
		if d.State != spooled.Deferred || d.Tries == 0 {
			t.Errorf("%+v, want it deferred: it was tried for hours only", d)
		}
		w.pass(30 * time.Hour)
		if !w.gone(id) {
			t.Errorf("%+v, want it expired", w.rcpt(id, 2))
		}
	})
}

// A new account is prudent until it has a record; one with a profile of its own is not, and
// neither is mail by a route.
func TestRecord_profile(t *testing.T) {
	inWorld(t, settings.Config{NewProfile: pace.Prudent, Rows: rows(t, "1/20/6", "5/20/600"), Routes: map[string]route.Route{"own.test": {Host: "mx.own.test", Port: 25}}}, func(w *world) {
		w.host("own.test")
		h := w.host("paced.test")
		w.account("fast")
		w.change("fast", func(a *books.Account) { a.Profile = "normal" })
		hand := func(account, domain string, n int) {
			for i := range n {
				m := message(fmt.Sprintf("r%d@%s", i, domain))
				m.Account = account
				w.accept(m)
			}
		}
		hand("acme", "paced.test", 30)
		hand("fast", "paced.test", 30)
		hand("acme", "own.test", 100)
		w.run(time.Minute)
		if n := len(w.hopOf("own.test").messages()); n != 100 {
			t.Errorf("%d by the route, want 100", n)
		}
		for account, own := range map[string]bool{"acme": false, "fast": true} {
			if e, err := w.mail.Explain(w.t.Context(), "paced.test", account); err != nil || e.Own != own {
				t.Errorf("%s has a profile of its own: %t, %v", account, e.Own, err)
			}
		}
		if n := taken(h); n < 30+5 || n > 30+8 {
			t.Errorf("%d in a minute, want 30 of fast and about 6 of acme", n)
		}
	})
}

// 50,000 first sendings that wait cost nothing until their day: nobody looks at them, looks
// their domains up, or writes.
func TestFirst_idle(t *testing.T) {
	inWorld(t, settings.Config{FirstCap: 1}, func(w *world) {
		w.account("other")
		w.host("example.test")
		for i := range 1000 {
			w.send(strangers(fmt.Sprintf("d%d.test", i), 0, 50)...)
		}
		w.run(5 * time.Minute)
		before, _ := w.store.Commits()
		w.pass(time.Hour)
		after, _ := w.store.Commits()
		if n := after - before; n > 10 {
			t.Errorf("%d commits in an idle hour", n)
		}
		if n := len(w.dns.asked); n > 3 {
			t.Errorf("%d domains looked up", n)
		}
		m := message("you@example.test")
		m.Account = "other"
		id := w.accept(m)
		w.pass(time.Second)
		w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
	})
}
