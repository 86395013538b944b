package mailer

import (
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/store/books"
)

// Of an account with VERP each recipient has a reverse-path of its own at relay's domain,
// and so a transaction. Relay's own DSNs still go to the sender. The null sender stays, and
// so does that of a message that wants TLS on its way back.
func TestMailer_VERP(t *testing.T) {
	inWorld(t, settings.Config{Returns: "back.relay.test"}, func(w *world) {
		h := w.host("dst.test")
		w.change("acme", func(a *books.Account) { a.VERP = true })
		sent := message("one@dst.test", "two@dst.test", "three@dst.test")
		w.accept(sent)
		none := message("null@dst.test")
		none.Sender = ""
		w.accept(none)
		w.run(time.Minute)
		got := map[string]string{}
		for _, m := range h.messages() {
			if len(m.to) != 1 {
				t.Errorf("one transaction for %v", m.to)
			}
			got[m.to[0]] = m.from
		}
		for i, to := range []string{"one@dst.test", "two@dst.test", "three@dst.test"} {
			if want := w.store.Delivered.ReturnPath(sent, i, "back.relay.test"); got[to] != want || !w.store.Delivered.KnowsToken(strings.TrimSuffix(want[2:], "@back.relay.test")) {
				t.Errorf("to %s from %q, want %q", to, got[to], want)
			}
		}
		if from, ok := got["null@dst.test"]; !ok || from != "" {
			t.Errorf("the null sender became %q, %v", from, ok)
		}
		h.becomes(refuseAll)
		w.send("no@dst.test")
		w.pass(5 * time.Minute)
		if n := w.notices(); len(n) != 1 || n[0].from != "" {
			t.Errorf("DSNs: %+v", n)
		}
	})
}

// Where relay takes nothing back, such mail goes out with its own sender.
func TestMailer_VERPWithoutListener(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("dst.test")
		w.change("acme", func(a *books.Account) { a.VERP = true })
		w.send("one@dst.test", "two@dst.test")
		w.run(time.Minute)
		if list := h.messages(); len(list) != 1 || list[0].from != "a@src.test" || len(list[0].to) != 2 {
			t.Errorf("arrived: %+v", list)
		}
	})
}
