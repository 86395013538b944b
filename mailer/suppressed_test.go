package mailer

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/store/behalf"
	"relay/store/refusals"
	"relay/store/spool"
	"relay/store/spooled"
)

// An unknown user is tried once. The sender is told each time; the next hop hears nothing
// more, and of a message with others only they are tried.
func TestMailer_suppressed(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		tried := 0
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" && strings.Contains(strings.ToLower(x.arg), "gone@") {
				tried++
				return "550 5.1.1 User unknown"
			}
			return ""
		}
		w.send("gone@example.test")
		w.start()
		w.pass(time.Minute)
		id := w.send("GONE@example.test", "here@example.test")
		alone := w.send("gone@example.test")
		w.pass(5 * time.Minute)
		w.halt()
		w.wantFinal(id, "here@example.test", spooled.Delivered, "")
		for _, id := range []spooled.ID{id, alone} {
			if o := w.final(id, "gone@example.test"); id == alone && (o.State != spooled.Suppressed || o.Reply != "550 5.1.1 User unknown") {
				t.Errorf("%+v", o)
			}
			if !w.gone(id) {
				t.Errorf("%s is still in the queue", id)
			}
		}
		if tried != 1 {
			t.Errorf("tried %d times", tried)
		}
		told := w.notices()
		if len(told) != 3 {
			t.Fatalf("%d DSNs: %+v", len(told), told)
		}
		last := strings.Join(strings.Fields(told[2].content), " ")
		for _, want := range []string{"Diagnostic-Code: X-Local; suppressed: 550 5.1.1 User unknown", "Status: 5.1.1", "list of suppressed recipients since"} {
			if !strings.Contains(last, want) {
				t.Errorf("no %q in the DSN %s", want, told[2].content)
			}
		}
		if log := w.logged(); !strings.Contains(log, "message suppressed") {
			t.Error(log)
		}
	})
}

// A null MX suppresses, an answer that blames our address does not.
func TestMailer_suppressed_categories(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("example.test").say = func(x *exchange) string {
			if x.verb == "RCPT" {
				return "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org"
			}
			return ""
		}
		w.send("you@example.test")
		w.send("you@absent.test")
		w.run(30 * time.Minute)
		if is, ok, err := w.store.Refusals.Suppressed("acme", "you@absent.test"); !ok || err != nil || is.Reason != "BadDomain" || is.Expires.Sub(is.Since) != 30*24*time.Hour {
			t.Errorf("%+v, %v", is, err)
		}
		if _, ok, _ := w.store.Refusals.Suppressed("acme", "you@example.test"); ok {
			t.Error("a block suppresses the recipient")
		}
	})
}

// Many suppressed recipients do not keep the lane's other mail waiting.
func TestMailer_suppressed_many(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("example.test")
		if _, err := w.store.Refusals.AddSuppressions(behalf.Order{}, "acme", []refusals.Suppression{{Recipient: "gone@example.test", Reason: refusals.ByHand}}); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			m := message("gone@example.test")
			m.Sender = ""
			w.accept(m)
		}
		id := w.send("here@example.test")
		w.run(10 * time.Second)
		w.wantFinal(id, "here@example.test", spooled.Delivered, "")
		if sum, _ := w.store.Spool.Totals(); sum != (spool.Totals{}) {
			t.Errorf("%+v are left", sum)
		}
	})
}

// A year of a weekly message to the same list, the relay started anew each time and the ended
// suppressions removed: who is unknown is tried twice a year and a bit, a closed mailbox every
// three months, a domain that is gone each month, a full mailbox until it is plain.
func TestMailer_suppressed_year(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		var mu sync.Mutex // of what connections count
		tried := map[string]int{}
		say := map[string]string{"gone": "550 5.1.1 User unknown", "closed": "550 5.2.1 This mailbox is disabled", "full": "452 4.2.2 Mailbox full"}
		var weeks []int // in which the full mailbox was tried
		week := 0
		w.host("example.test").say = func(x *exchange) string {
			if x.verb != "RCPT" {
				return ""
			}
			mu.Lock()
			defer mu.Unlock()
			for name, reply := range say {
				if strings.Contains(x.arg, name+"@") {
					tried[name]++
					if name == "full" && !slices.Contains(weeks, week) {
						weeks = append(weeks, week)
					}
					return reply
				}
			}
			tried["here"]++
			return ""
		}
		for n := range 53 {
			mu.Lock()
			week = n
			mu.Unlock()
			for _, to := range []string{"gone@example.test", "closed@example.test", "full@example.test", "here@example.test", "you@absent.test"} {
				m := message(to)
				m.Sender, m.Expires = "", w.store.Now().Add(90*time.Minute)
				w.accept(m)
			}
			w.start()
			w.pass(2 * time.Hour)
			w.halt()
			if _, err := w.store.Refusals.PruneSuppressions(w.store.Past(), ""); err != nil {
				t.Fatal(err)
			}
			var err error
			if w.mail, err = New(w.store.Spool, w.cfg, w.mail.log); err != nil {
				t.Fatal(err)
			}
			w.pass(7*24*time.Hour - 2*time.Hour)
		}
		mu.Lock()
		defer mu.Unlock()
		if tried["here"] != 53 || tried["gone"] != 3 || tried["closed"] != 5 {
			t.Errorf("tried %v", tried)
		}
		// three weeks until it is plain, then 30 days of rest, and so on
		if want := []int{0, 1, 2, 7, 8, 9, 14, 15, 16}; !slices.Equal(weeks[:len(want)], want) {
			t.Errorf("the full mailbox was tried in the weeks %v", weeks)
		}
		if is, ok, err := w.store.Refusals.Suppressed("acme", "you@absent.test"); err != nil || !ok || time.Since(is.Since) > 31*24*time.Hour {
			t.Errorf("%+v, %v", is, err)
		}
	})
}
