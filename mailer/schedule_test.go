package mailer

import (
	"testing"
	"time"

	"relay/mailer/settings"
)

// A look-up or a dial on its way does not hold up the end.
func TestMailer_StopsAtOnce(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
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
	inWorld(t, settings.Config{SiteConnections: 1}, func(w *world) {
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
	inWorld(t, settings.Config{}, func(w *world) {
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
