package mailer

import (
	"fmt"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/store/spooled"
)

// An account whose domains take long to look up keeps no other one waiting.
func TestFair_LookUps(t *testing.T) {
	inWorld(t, settings.Config{Window: 1000}, func(w *world) {
		w.account("other")
		w.host("example.test")
		w.dns.slow = ".slow.test"
		for i := range 2000 {
			w.send(fmt.Sprintf("you@d%d.slow.test", i))
		}
		w.run(time.Second)
		m := message("you@example.test")
		m.Account = "other"
		id := w.accept(m)
		w.pass(15 * time.Second)
		w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
	})
}

// Nor does one whose hosts let every connection wait.
func TestFair_Connections(t *testing.T) {
	inWorld(t, settings.Config{Connections: 10, Timeouts: quick}, func(w *world) {
		w.account("other")
		w.host("example.test")
		tarpit := &mx{name: "tarpit", say: func(*exchange) string { return hang }}
		for i := range 200 {
			domain := fmt.Sprintf("d%d.test", i)
			w.set(w.dead(domain), tarpit)
			w.send("you@" + domain)
		}
		w.run(time.Second)
		m := message("you@example.test")
		m.Account = "other"
		id := w.accept(m)
		w.pass(3 * time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
	})
}
