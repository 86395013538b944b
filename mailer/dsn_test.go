package mailer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/store/books"
	"relay/store/spooled"
)

func refuseAll(x *exchange) string {
	if x.verb == "RCPT" {
		return "550-5.1.1 no such\r\n550 5.1.1 user here"
	}
	return ""
}

func TestNotice_Failure(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("example.test").say = refuseAll
		m := message("you@example.test", "never@example.test", "success@example.test")
		m.EnvID = "env+1"
		m.Recipients[0].ORCPT = "rfc822;orig@example.test"
		m.Recipients[1].Notify = spooled.NotifyNever
		m.Recipients[2].Notify = spooled.NotifySuccess
		id := w.accept(m)
		w.run(time.Minute)
		for _, r := range m.Recipients {
			w.wantFinal(id, r.Address, spooled.Failed, "550 5.1.1 no such user here")
		}
		dsns := w.notices()
		if len(dsns) != 1 || dsns[0].from != "" {
			t.Fatalf("DSNs: %+v", dsns)
		}
		c := dsns[0].content
		for _, s := range []string{"Original-Envelope-Id: env+1", "Original-Recipient: rfc822; orig@example.test",
			"Final-Recipient: rfc822; you@example.test", "Status: 5.1.1", "Remote-MTA: dns; mx.example.test", "Subject: test\r\n"} {
			if !strings.Contains(c, s) && !strings.Contains(c, strings.Replace(s, "; ", ";", 1)) {
				t.Errorf("lacks %q:\n%s", s, c)
			}
		}
		for _, s := range []string{"never@", "success@"} {
			if strings.Contains(c, s) {
				t.Errorf("tells of %s", s)
			}
		}
	})
}

func TestNotice_NullSender(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("example.test").say = refuseAll
		m := message("you@example.test")
		m.Sender = ""
		m.Recipients[0].Notify = spooled.NotifyFailure | spooled.NotifySuccess | spooled.NotifyDelay
		id := w.accept(m)
		w.run(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Failed, "550")
		if n := len(w.notices()); n != 0 {
			t.Errorf("%d DSNs about a bounce", n)
		}
	})
}

// A DSN that cannot be delivered makes no other one, and expires after a day.
func TestNotice_Undeliverable(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("example.test").say = refuseAll
		w.hopOf("src.test").say = func(x *exchange) string {
			if x.verb == "RCPT" {
				return "450 4.2.1 later"
			}
			return ""
		}
		w.send("you@example.test")
		w.run(time.Hour)
		if sum, _ := w.store.Spool.Totals(); sum.Messages != 1 {
			t.Errorf("%d messages queued, want the DSN", sum.Messages)
		}
		w.pass(30 * time.Hour)
		if sum, _ := w.store.Spool.Totals(); sum.Messages != 0 {
			t.Errorf("%d messages queued", sum.Messages)
		}
	})
}

// The whole message goes to the account's own addresses only, and only when it was
// asked for: anybody else may be a stranger whose address was forged.
func TestNotice_Return(t *testing.T) {
	large := content + strings.Repeat("0123456789abcdef\r\n", 4000)
	contact := func(a *books.Account) { a.Contact = "A@src.test" }
	domain := func(a *books.Account) { a.Senders = []string{"@src.test"} }
	other := func(a *books.Account) { a.Contact = "boss@src.test" }
	for _, c := range []struct {
		name, ret, body string
		account         func(*books.Account)
		full            bool
	}{
		{"not asked for", "", content, contact, false},
		{"headers asked for", "HDRS", content, contact, false},
		{"asked for by the contact", "FULL", content, contact, true},
		{"asked for by a domain of the account's", "FULL", content, domain, true},
		{"asked for by anybody", "FULL", content, other, false},
		{"large", "FULL", large, contact, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, settings.Config{}, func(w *world) {
				w.host("example.test").say = refuseAll
				w.change("acme", c.account)
				m := message("you@example.test")
				m.Ret = c.ret
				w.acceptBody(m, c.body)
				w.run(time.Minute)
				dsns := w.notices()
				if len(dsns) != 1 {
					t.Fatalf("%d DSNs", len(dsns))
				}
				body := dsns[0].content
				if !strings.Contains(body, "Subject: test") || strings.Contains(body, "Hello\r\n") != c.full {
					t.Errorf("returned:\n%s", body)
				}
				if kind := "Content-Type: text/rfc822-headers"; strings.Contains(body, kind) == c.full {
					t.Errorf("returned as:\n%s", body)
				}
			})
		})
	}
}

// Fifty domains refuse a message whose sender was forged: one DSN, with no more than
// the header in it.
func TestNotice_oneForAllDomains(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		var to []string
		for i := range 50 {
			domain := fmt.Sprintf("d%d.test", i)
			w.host(domain).say = refuseAll
			to = append(to, "you@"+domain)
		}
		id := w.send(to...)
		w.run(2 * time.Minute)
		dsns := w.notices()
		if len(dsns) != 1 || strings.Count(dsns[0].content, "Action: failed") != 50 || strings.Contains(dsns[0].content, "Hello") {
			t.Errorf("%d DSNs: %+v", len(dsns), dsns)
		}
		if !w.gone(id) {
			t.Error("the message is still there")
		}
	})
}

// Those who are refused are told of after a minute, though others are tried for days.
func TestNotice_afterAMinute(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("one.test").say = refuseAll
		w.host("two.test").say = refuseAll
		w.dead("dead.test")
		w.send("you@one.test", "you@two.test", "you@dead.test")
		w.run(30 * time.Second)
		if n := len(w.notices()); n != 0 {
			t.Errorf("%d DSNs after half a minute", n)
		}
		w.pass(time.Minute)
		dsns := w.notices()
		if len(dsns) != 1 || strings.Count(dsns[0].content, "Action: failed") != 2 {
			t.Errorf("%d DSNs: %+v", len(dsns), dsns)
		}
	})
}

// What is over the account's number in an hour is not sent, and the log says so once.
func TestNotice_perHour(t *testing.T) {
	inWorld(t, settings.Config{NoticesPerHour: 3}, func(w *world) {
		w.host("example.test").say = refuseAll
		for range 10 {
			w.send("you@example.test")
		}
		w.run(10 * time.Second)
		if n := len(w.notices()); n != 3 {
			t.Errorf("%d DSNs, want 3", n)
		}
		if n := strings.Count(w.logged(), "as many as it may in this hour"); n != 1 {
			t.Errorf("the log says %d times that there were too many", n)
		}
	})
}

// NOTIFY=SUCCESS: a next hop that knows DSN gets the parameters and reports
// itself; for another one we say that it was relayed.
func TestNotice_Success(t *testing.T) {
	for _, offers := range []bool{true, false} {
		t.Run(map[bool]string{true: "with DSN", false: "without"}[offers], func(t *testing.T) {
			inWorld(t, settings.Config{}, func(w *world) {
				h := w.host("example.test")
				if !offers {
					h.ext = []string{"PIPELINING"}
				}
				m := message("you@example.test", "two@example.test", "plain@example.test")
				m.EnvID, m.Ret = "e=1", "HDRS"
				m.Recipients[0].Notify = spooled.NotifySuccess | spooled.NotifyFailure
				m.Recipients[0].ORCPT = "rfc822;orig@example.test"
				m.Recipients[1].Notify = spooled.NotifySuccess
				w.accept(m)
				w.run(time.Minute)
				got, dsns := h.messages()[0], w.notices()
				if offers {
					if !strings.Contains(got.mail, "RET=HDRS") || !strings.Contains(got.mail, "ENVID=e+3D1") ||
						!strings.Contains(got.params[0], "NOTIFY=SUCCESS,FAILURE") || !strings.Contains(got.params[0], "ORCPT=rfc822;orig@example.test") {
						t.Errorf("parameters %q %q", got.mail, got.params)
					}
					if len(dsns) != 0 {
						t.Errorf("%d DSNs", len(dsns))
					}
					return
				}
				if strings.Contains(got.mail, "RET") || got.params[0] != "" {
					t.Errorf("parameters %q %q", got.mail, got.params)
				}
				if len(dsns) != 1 || strings.Count(dsns[0].content, "Action: relayed") != 2 {
					t.Errorf("DSNs: %+v", dsns)
				}
			})
		})
	}
}

// The delay DSN comes once, also when attempts go on failing.
func TestNotice_Delay(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" {
				return "450 4.2.1 later"
			}
			return ""
		}
		m := message("you@example.test", "plain@example.test")
		m.Recipients[0].Notify = spooled.NotifyDelay
		w.accept(m)
		w.run(3 * time.Hour)
		if n := len(w.notices()); n != 0 {
			t.Errorf("%d DSNs after 3 hours", n)
		}
		w.pass(40 * time.Hour)
		dsns := w.notices()
		if len(dsns) != 1 || !strings.Contains(dsns[0].content, "Action: delayed") ||
			!strings.Contains(dsns[0].content, "Will-Retry-Until:") || strings.Contains(dsns[0].content, "plain@") {
			t.Errorf("DSNs: %+v", dsns)
		}
	})
}

// Recipients that are too many for one transaction go in the next ones at once.
func TestMailer_TooManyRecipients(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" && x.rcpt > 3 {
				return "452 4.5.3 too many recipients"
			}
			return ""
		}
		id := w.send("a@example.test", "b@example.test", "c@example.test", "d@example.test", "e@example.test",
			"f@example.test", "g@example.test")
		w.run(time.Minute)
		if !w.gone(id) || len(h.messages()) != 3 || h.connections() != 1 {
			t.Errorf("%d transactions over %d connections", len(h.messages()), h.connections())
		}
	})
}
