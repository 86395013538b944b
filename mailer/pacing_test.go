package mailer

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/mailer/pace"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/view"
	"relay/store/books"
	"relay/store/news"
	"relay/store/returns"
	"relay/store/spooled"
)

// rows with one for the hosts of a domain, mx.NAME.
func rows(t *testing.T, prudent, normal string, more ...string) *pace.Rows {
	t.Helper()
	text := fmt.Sprintf("[[row]]\nname = \"paced\"\nmx = [\"mx.paced.test\"]\nprudent = %q\nnormal = %q\n", prudent, normal)
	for _, line := range more {
		text += line + "\n"
	}
	r, err := pace.Read("rows.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// arrivals are the times at which messages began at a host, and how many connections it
// was dialled.
type arrivals struct {
	mu   sync.Mutex
	at   []time.Time
	from []string
}

func (a *arrivals) say(x *exchange) string {
	if x.verb == "MAIL" {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.at = append(a.at, time.Now())
		a.from = append(a.from, x.arg)
	}
	return ""
}

func (a *arrivals) most(in time.Duration) (most int) {
	first := 0
	for i, at := range a.at {
		for at.Sub(a.at[first]) >= in {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// Messages wait for the site's rate: no attempt, no claim, no connection.
func TestPace_rate(t *testing.T) {
	inWorld(t, settings.Config{Rows: rows(t, "1/10/5", "2/10/10")}, func(w *world) {
		a := &arrivals{}
		w.host("paced.test").say = a.say
		var last spooled.ID
		for range 40 {
			last = w.send("you@paced.test")
		}
		w.run(30 * time.Second)
		if r := w.rcpt(last, 0); r.Tries != 0 || r.Next.After(w.store.Now()) {
			t.Errorf("what waits was tried %d times, and is due %s from now", r.Tries, r.Next.Sub(w.store.Now()))
		}
		if claimed := w.site("paced.test").Claimed; claimed > 1 {
			t.Errorf("%d messages are claimed", claimed)
		}
		w.pass(4 * time.Minute)
		if n := len(a.at); n != 40 {
			t.Fatalf("%d of 40 messages arrived", n)
		}
		if n := a.most(time.Minute); n != 10 {
			t.Errorf("%d messages in a minute, the row has 10", n)
		}
		if took := a.at[39].Sub(a.at[0]); took > 4*time.Minute {
			t.Errorf("40 messages at 10 a minute took %s", took)
		}
	})
}

// kill goes on with what a kill at this moment leaves to the next start.
func (w *world) kill() {
	w.t.Helper()
	st, before := w.killed(), w.store
	w.halt()
	if err := before.Close(); err != nil {
		w.t.Error(err)
	}
	w.store, w.path = st, w.copied
	var err error
	if w.mail, err = New(st.Spool, w.cfg, slog.New(slog.DiscardHandler)); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

// site is what the mailer says of a domain's.
func (w *world) site(domain string) view.Site {
	w.t.Helper()
	sites, err := w.mail.Sites(w.t.Context(), []string{domain})
	if err != nil {
		w.t.Fatal(err)
	}
	return sites[domain]
}

// One message of an account that comes after many of another leaves within a turn.
func TestPace_fair(t *testing.T) {
	inWorld(t, settings.Config{Rows: rows(t, "1/10/5", "2/10/10")}, func(w *world) {
		w.account("other")
		a := &arrivals{}
		w.host("paced.test").say = a.say
		for range 300 {
			w.send("you@paced.test")
		}
		w.run(time.Minute)
		m := message("you@paced.test")
		m.Account, m.Sender = "other", "b@src.test"
		id := w.accept(m)
		w.pass(13 * time.Second) // two messages
		w.wantFinal(id, "you@paced.test", spooled.Delivered, "250")
	})
}

// What waits for a ceiling takes no place of other sites' mail in the window.
func TestPace_window(t *testing.T) {
	inWorld(t, settings.Config{Window: 20, Rows: rows(t, "1/10/5", "1/10/1")}, func(w *world) {
		w.account("other")
		w.host("quick.test")
		w.host("paced.test")
		for i := range 60 {
			domain := fmt.Sprintf("d%d.test", i)
			w.point(domain, "mx.paced.test")
			w.send("you@" + domain)
		}
		w.run(time.Minute)
		m := message("you@quick.test")
		m.Account = "other"
		id := w.accept(m)
		w.pass(time.Second)
		w.wantFinal(id, "you@quick.test", spooled.Delivered, "250")
	})
}

// A prudent account goes at its own pace, and others at theirs.
func TestPace_profiles(t *testing.T) {
	inWorld(t, settings.Config{Rows: rows(t, "1/10/5", "3/50/30")}, func(w *world) {
		a := &arrivals{}
		w.host("paced.test").say = a.say
		for _, p := range []string{"prudent", "normal", "full"} {
			w.account(p)
			w.change(p, func(a *books.Account) { a.Profile = p })
			for range 200 {
				m := message("you@paced.test")
				m.Account, m.Sender = p, p+"@src.test"
				w.accept(m)
			}
		}
		w.run(2 * time.Minute)
		by := map[string]int{}
		for _, from := range a.from {
			for _, p := range []string{"prudent", "normal", "full"} {
				if strings.Contains(from, p+"@") {
					by[p]++
				}
			}
		}
		if all := by["normal"] + by["prudent"]; by["full"] != 200 || all < 55 || all > 62 || by["prudent"] < 9 || by["prudent"] > 11 {
			t.Errorf("in two minutes: %v, want 200 of full, and 60 of the others, 10 of them prudent", by)
		}
	})
}

// A reply about rate halves the site; a suspension stops it, over a crash too. Neither
// counts as attempts of mail that waits, nor is it expired for it.
func TestPace_replies(t *testing.T) {
	cfg := settings.Config{Rows: rows(t, "1/10/5", "2/10/10"), Retry: []time.Duration{10 * time.Minute}}
	inWorld(t, cfg, func(w *world) {
		h := w.host("paced.test")
		refusal := "451 4.7.1 rate limit exceeded, too many messages from your address"
		refuse := func(x *exchange) string {
			if x.verb == "MAIL" {
				return refusal
			}
			return ""
		}
		h.say = refuse
		for range 20 {
			w.send("you@paced.test")
		}
		w.run(time.Second)
		h.becomes(nil)
		w.pass(time.Second)
		v := w.site("paced.test")
		if v.Pace > 5 || v.Limit != 1 || v.Row.Name != "paced" {
			t.Errorf("after the reply: %v a minute over %d connections", v.Pace, v.Limit)
		}
		w.pass(20 * time.Minute)
		refusal = "451 4.7.1 rate limit exceeded, try again in 2 hours"
		h.becomes(refuse)
		id := w.send("you@paced.test")
		w.pass(time.Second)
		w.kill()
		h.becomes(nil)
		next := w.send("you@paced.test")
		w.pass(50 * time.Minute)
		if v = w.site("paced.test"); v.Suspended.IsZero() {
			t.Errorf("the restart ended the suspension: %+v", v)
		}
		if r := w.rcpt(next, 0); r.Tries != 0 || w.gone(next) {
			t.Errorf("what waits was tried %d times", r.Tries)
		}
		w.pass(2 * time.Hour) // the suspension, and the jitter of what waited for it
		w.wantFinal(id, "you@paced.test", spooled.Delivered, "250")
		w.wantFinal(next, "you@paced.test", spooled.Delivered, "250")
	})
}

// A message to many recipients counts as the transactions that it takes.
func TestPace_recipients(t *testing.T) {
	inWorld(t, settings.Config{Rows: rows(t, "1/10/5", "1/10/10", "recipients = 5")}, func(w *world) {
		a := &arrivals{}
		h := w.host("paced.test")
		h.say = a.say
		for range 3 {
			var to []string
			for i := range 20 {
				to = append(to, fmt.Sprintf("you%d@paced.test", i))
			}
			w.send(to...)
		}
		w.run(2 * time.Minute)
		if n := len(a.at); n != 12 {
			t.Errorf("%d transactions, want 12", n)
		}
		if n := a.most(time.Minute); n > 13 {
			t.Errorf("%d transactions in a minute, the row has 10, and a message is not cut in two", n)
		}
		for _, m := range h.messages() {
			if len(m.to) != 5 {
				t.Errorf("%d recipients in a transaction", len(m.to))
			}
		}
	})
}

// A static route goes by limits of its own, not by rows.
func TestPace_route(t *testing.T) {
	cfg := settings.Config{Rows: rows(t, "1/1/1", "1/1/1"), Routes: map[string]route.Route{"paced.test": {Host: "mx.paced.test"}}}
	inWorld(t, cfg, func(w *world) {
		h := w.host("paced.test")
		for range 500 {
			w.send("you@paced.test")
		}
		w.run(time.Minute)
		if n := len(h.messages()); n != 500 {
			t.Errorf("%d of 500 in a minute", n)
		}
	})
}

// After a 421 no other host is asked where the row says so.
func TestPace_after421(t *testing.T) {
	for how, want := range map[string]int{"next": 1, "stop": 0} {
		t.Run(how, func(t *testing.T) {
			inWorld(t, settings.Config{Rows: rows(t, "1/10/5", "2/10/10", `after_421 = "`+how+`"`)}, func(w *world) {
				first, second := &mx{name: "a", say: func(*exchange) string { return "421 4.3.2 not now" }}, &mx{name: "b"}
				w.set(w.address("a.mx.paced.test"), first)
				w.set(w.address("b.mx.paced.test"), second)
				w.point("paced.test", "a.mx.paced.test", "b.mx.paced.test")
				w.send("you@paced.test")
				w.run(time.Minute)
				if n := len(second.messages()); n != want {
					t.Errorf("the second host got %d messages, want %d", n, want)
				}
			})
		})
	}
}

// Mail to a host that names no rate is as fast as before.
func TestPace_anyOther(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		a := &arrivals{}
		w.host("other.test").say = a.say
		for range 1000 {
			w.send("you@other.test")
		}
		w.run(2 * time.Minute)
		if n := len(a.at); n != 1000 {
			t.Errorf("%d of 1000 in two minutes", n)
		}
		if n := a.most(time.Minute); n > 600 {
			t.Errorf("%d in a minute, the row has 600", n)
		}
	})
}

// What binds is said with its figures, without waiting.
func TestMailer_Explain(t *testing.T) {
	inWorld(t, settings.Config{Rows: rows(t, "1/10/5", "2/10/20")}, func(w *world) {
		w.host("paced.test")
		w.account("careful")
		w.change("careful", func(a *books.Account) { a.Profile = "prudent" })
		for range 50 {
			w.send("you@paced.test")
		}
		w.run(time.Second)
		for account, want := range map[string]string{"acme": view.CeilingSite, "careful": view.CeilingAccount} {
			e, err := w.mail.Explain(w.t.Context(), "paced.test", account)
			if err != nil {
				t.Fatal(err)
			}
			if account == "careful" {
				want = view.CeilingSite // others have used up the site's rate for now
			}
			bound := ""
			for _, c := range e.Ceilings {
				if c.Binds {
					bound = c.Name
				}
			}
			if bound != want || e.Way != view.WayMX || e.Site.Row.Name != "paced" || e.Site.Pace != 20 || len(e.Hosts) != 1 {
				t.Errorf("%s: %s binds, want %s: %+v", account, bound, want, e)
			}
			if e.Outlook.Wait != view.WaitPace || !e.Outlook.Until.After(w.store.Now()) {
				t.Errorf("%s: %+v", account, e.Outlook)
			}
		}
		if at, ok, err := w.store.Spool.NextDue("paced.test", ""); !ok || err != nil || at.After(w.store.Now()) {
			t.Errorf("NextDue = %s, %v, %v", at, ok, err)
		}
		if e, err := w.mail.Explain(w.t.Context(), "absent.test", ""); err != nil || e.Fault == "" {
			t.Errorf("a domain that is not there: %+v, %v", e, err)
		}
	})
}

// An account whose recipients do not exist is held at that provider, and nobody else.
func TestPace_unknown(t *testing.T) {
	inWorld(t, settings.Config{Rows: rows(t, "1/10/5", "5/50/600")}, func(w *world) {
		w.account("good")
		h := w.host("paced.test")
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" && strings.Contains(x.arg, "gone") {
				return "550 5.1.1 user unknown"
			}
			return ""
		}
		for i := range 12 {
			w.send(fmt.Sprintf("gone%d@paced.test", i))
		}
		w.run(time.Minute)
		id := w.send("you@paced.test")
		m := message("you@paced.test")
		m.Account = "good"
		other := w.accept(m)
		w.pass(time.Minute)
		w.wantFinal(other, "you@paced.test", spooled.Delivered, "250")
		if r := w.rcpt(id, 0); r.Tries != 0 {
			t.Errorf("mail of an account that is held was tried")
		}
		if e, _ := w.mail.Explain(w.t.Context(), "paced.test", "acme"); e.Outlook.Wait != view.WaitAccount {
			t.Errorf("it waits for %q", e.Outlook.Wait)
		}
		told, _, err := w.store.News.Due(10)
		if err != nil || len(told) != 1 || told[0].Kind != news.Held || told[0].Account != "acme" || told[0].About != "paced" || told[0].Reason != "unknown" || told[0].Until.IsZero() {
			t.Errorf("to be told: %+v, %v", told, err)
		}
		w.kill()
		w.pass(23 * time.Hour)
		if w.gone(id) {
			t.Error("a restart ended the hold")
		}
		w.pass(2 * time.Hour)
		w.wantFinal(id, "you@paced.test", spooled.Delivered, "250")
	})
}

// An account whose recipients complain is held at the provider that they are at.
func TestPace_complaints(t *testing.T) {
	inWorld(t, settings.Config{Rows: rows(t, "5/50/600", "5/50/600")}, func(w *world) {
		w.host("paced.test")
		w.host("other.test")
		var sent []*spooled.Message
		for i := range 120 {
			sent = append(sent, message(fmt.Sprintf("you%d@paced.test", i)))
			w.accept(sent[i])
		}
		w.run(5 * time.Minute)
		for _, m := range sent[:4] {
			e, err := w.store.Returns.Record([]returns.Return{{Kind: returns.Complaint, Token: w.store.Delivered.Token(m, 0)}})
			if err != nil || !e[0].Counted {
				t.Fatalf("%+v, %v", e, err)
			}
		}
		id, other := w.send("you@paced.test"), w.send("you@other.test")
		w.pass(time.Minute)
		w.wantFinal(other, "you@other.test", spooled.Delivered, "250")
		if r := w.rcpt(id, 0); r.Tries != 0 {
			t.Errorf("mail of an account that is held was tried")
		}
		told, _, err := w.store.News.Due(10)
		if err != nil || len(told) != 1 || told[0].Kind != news.Held || told[0].About != "paced" || told[0].Reason != "complaints" {
			t.Errorf("to be told: %+v, %v", told, err)
		}
	})
}

// An account with many recipients that do not exist goes slower at that provider, and its
// customer is told so once a week.
func TestPace_tellSlowed(t *testing.T) {
	inWorld(t, settings.Config{Rows: rows(t, "1/10/5", "5/50/600")}, func(w *world) {
		w.host("paced.test").say = func(x *exchange) string {
			if x.verb == "RCPT" && strings.Contains(x.arg, "gone") {
				return "550 5.1.1 user unknown"
			}
			return ""
		}
		for i := range 300 {
			w.send(fmt.Sprintf("you%d@paced.test", i))
		}
		w.run(5 * time.Minute)
		for i := range 20 {
			w.send(fmt.Sprintf("gone%d@paced.test", i))
		}
		w.pass(time.Minute)
		told, _, err := w.store.News.Due(10)
		if err != nil || len(told) != 1 || told[0].Kind != news.Slowed || told[0].Account != "acme" || told[0].About != "paced" || told[0].Reason != "unknown" || told[0].Why == "" {
			t.Fatalf("to be told: %+v, %v", told, err)
		}
		if err := w.store.Tell(&told[0], nil); err != nil {
			t.Fatal(err)
		}
		w.send("gone@paced.test")
		w.pass(time.Hour)
		if list, _, _ := w.store.News.Due(10); len(list) != 0 {
			t.Errorf("told again within a week: %+v", list)
		}
	})
}

// An account may be faster than the configuration says.
func TestPace_fasterAccount(t *testing.T) {
	inWorld(t, settings.Config{Profile: pace.Prudent, Rows: rows(t, "1/10/5", "3/50/30")}, func(w *world) {
		a := &arrivals{}
		w.host("paced.test").say = a.say
		w.account("quick")
		w.change("quick", func(a *books.Account) { a.Profile = "normal" })
		for range 100 {
			w.send("you@paced.test")
			m := message("you@paced.test")
			m.Account, m.Sender = "quick", "quick@src.test"
			w.accept(m)
		}
		w.run(2 * time.Minute)
		quick := 0
		for _, from := range a.from {
			if strings.Contains(from, "quick@") {
				quick++
			}
		}
		if others := len(a.from) - quick; quick < 45 || len(a.from) > 62 || others < 9 || others > 11 {
			t.Errorf("in two minutes: %d of the quick account and %d of the other, want about 50 and 10", quick, others)
		}
	})
}
