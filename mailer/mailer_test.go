package mailer

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/store/spool"
	"relay/store/spooled"
)

func TestMailer_Delivers(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		id := w.send("you@example.test")
		w.run(time.Second)
		got := h.messages()
		if len(got) != 1 || got[0].content != content || got[0].from != "a@src.test" {
			t.Fatalf("got %+v", got)
		}
		if !w.gone(id) {
			t.Error("still queued")
		}
		w.wantFinal(id, "you@example.test", spooled.Delivered, "250 2.0.0 taken as 1")
		if len(w.notices()) != 0 {
			t.Error("a DSN for nothing")
		}
		if !strings.Contains(w.logged(), "message delivered") {
			t.Errorf("log: %s", w.logged())
		}
	})
}

// A dead site: the first message makes one probe an interval, the others none.
func TestMailer_DeadSite(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		a := w.dead("dead.test")
		var ids []spooled.ID
		for range 300 {
			ids = append(ids, w.send("you@dead.test"))
		}
		w.run(time.Minute)
		if n := w.dialled(a); n != 1 {
			t.Errorf("%d dials in the first minute, want 1", n)
		}
		tried := 0
		for _, id := range ids {
			if w.rcpt(id, 0).Tries > 0 {
				tried++
			}
		}
		if tried != 1 {
			t.Errorf("%d messages count an attempt, want 1", tried)
		}
		w.pass(24 * time.Hour)
		if n := w.dialled(a); n < 24 || n > 32 {
			t.Errorf("%d dials in a day, want about one an hour", n)
		}
		w.set(a, &mx{name: "mx.dead.test"})
		w.pass(time.Hour)
		if n := len(w.hopOf("dead.test").messages()); n != 300 {
			t.Errorf("%d delivered after it was up again, want 300", n)
		}
		if !strings.Contains(w.logged(), "next hop up again") {
			t.Error("not said that it is up again")
		}
	})
}

// One message at a dead site: the retry table, and the end after four days.
func TestMailer_RetryAndExpire(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("slow.test")
		var at []time.Time
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" {
				at = append(at, time.Now())
				return "451 4.7.1 later"
			}
			return ""
		}
		began := time.Now()
		id := w.send("you@slow.test")
		w.run(5 * 24 * time.Hour)
		for i := range len(at) - 1 {
			got, want := at[i+1].Sub(at[i]), w.mail.config().Wait(i+1)
			if got < want*89/100 || got > want*111/100+time.Minute {
				t.Errorf("wait %d is %v, want %v", i+1, got, want)
			}
		}
		if n := len(at); n < 20 || n > 25 {
			t.Errorf("%d attempts", n)
		}
		if last := at[len(at)-1].Sub(began); last > 4*24*time.Hour+7*time.Hour {
			t.Errorf("last attempt after %v", last)
		}
		if !w.gone(id) {
			t.Error("still queued")
		}
		w.wantFinal(id, "you@slow.test", spooled.Expired, "451 4.7.1 later")
		dsns := w.notices()
		if len(dsns) != 1 || dsns[0].from != "" || dsns[0].to[0] != "a@src.test" {
			t.Fatalf("DSNs %+v", dsns)
		}
		for _, s := range []string{"Action: failed", "Final-Recipient: rfc822; you@slow.test", "451 4.7.1 later"} {
			if !strings.Contains(dsns[0].content, s) {
				t.Errorf("DSN lacks %q:\n%s", s, dsns[0].content)
			}
		}
	})
}

// A message that is never tried, its site being down, expires in time and sends
// its delay DSN, once.
func TestMailer_NeverTried(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.dead("dead.test")
		for range 5 {
			w.send("first@dead.test")
		}
		w.start()
		w.pass(time.Minute)
		m := message("you@dead.test")
		m.Recipients[0].Notify = spooled.NotifyDelay | spooled.NotifyFailure
		id := w.accept(m)
		w.pass(4*time.Hour - 2*time.Minute)
		if n := len(w.notices()); n != 0 {
			t.Fatalf("%d DSNs before their time", n)
		}
		w.pass(4 * time.Minute)
		dsns := w.notices()
		if len(dsns) != 1 || !strings.Contains(dsns[0].content, "Action: delayed") {
			t.Fatalf("delay DSNs: %+v", dsns)
		}
		if !w.rcpt(id, 0).Delayed {
			t.Error("not marked")
		}
		w.pass(4*24*time.Hour - 5*time.Hour)
		if w.gone(id) {
			t.Error("expired too early")
		}
		w.pass(70 * time.Minute)
		if !w.gone(id) {
			t.Error("not expired")
		}
		delayed, failed := 0, 0
		for _, d := range w.notices() {
			delayed += strings.Count(d.content, "Action: delayed")
			failed += strings.Count(d.content, "Action: failed")
		}
		if delayed != 1 || failed != 6 {
			t.Errorf("%d delayed and %d failed, want 1 and 6", delayed, failed)
		}
	})
}

// An account's thousands do not stand before another one's one.
func TestMailer_AccountsTakeTurns(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1}, func(w *world) {
		h := w.host("big.test")
		w.account("little")
		for range 500 {
			w.send("you@big.test")
		}
		for range 3 {
			m := message("you@big.test")
			m.Account = "little"
			m.Sender = "little@src.test"
			w.accept(m)
		}
		w.run(time.Minute)
		got := h.messages()
		if len(got) != 503 {
			t.Fatalf("%d delivered", len(got))
		}
		n, last := 0, 0
		for i, r := range got {
			if r.from == "little@src.test" {
				n, last = n+1, i
			}
		}
		if n != 3 || last > 20 {
			t.Errorf("%d of little, the last in place %d", n, last)
		}
	})
}

func TestMailer_OneTransaction(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		w.point("other.test", "mx.example.test") // the same site
		var to []string
		for i := range 49 {
			to = append(to, string(rune('a'+i%26))+string(rune('a'+i/26))+"@example.test")
		}
		w.send("x@example.test")
		w.send("x@other.test")
		w.run(time.Second) // both domains are known now
		w.send(append(to, "you@other.test")...)
		w.pass(time.Second)
		got := h.messages()
		if len(got) != 3 || len(got[2].to) != 50 {
			t.Errorf("%d transactions, the last for %d", len(got)-2, len(got[len(got)-1].to))
		}
	})
}

// Fifty domains at a smarthost are one transaction too.
func TestMailer_Smarthost(t *testing.T) {
	cfg := settings.Config{}
	cfg.Smarthost.Host = "mx.hub.test"
	inWorld(t, cfg, func(w *world) {
		h := w.host("hub.test")
		var to []string
		for i := range 50 {
			to = append(to, "you@"+string(rune('a'+i%26))+string(rune('a'+i/26))+".test")
		}
		id := w.send(to...)
		w.run(time.Second)
		got := h.messages()
		if len(got) != 1 || len(got[0].to) != 50 {
			t.Errorf("%d transactions, the first for %d", len(got), len(got[0].to))
		}
		if !w.gone(id) {
			t.Error("still queued")
		}
	})
}

func TestMailer_MixedReplies(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			switch {
			case x.verb != "RCPT":
			case strings.HasPrefix(x.arg, "bad"):
				return "550 5.1.1 no such user"
			case strings.HasPrefix(x.arg, "grey") && h.tries(x.arg) == 1:
				return "450 4.7.1 greylisted"
			}
			return ""
		}
		id := w.send("good@example.test", "bad@example.test", "grey@example.test", "bad2@example.test")
		w.run(time.Minute)
		w.wantFinal(id, "good@example.test", spooled.Delivered, "250")
		w.wantFinal(id, "bad@example.test", spooled.Failed, "550 5.1.1 no such user")
		w.wantFinal(id, "grey@example.test", spooled.Deferred, "450 4.7.1 greylisted")
		w.pass(time.Minute)
		dsns := w.notices()
		if len(dsns) != 1 || strings.Count(dsns[0].content, "Final-Recipient:") != 2 {
			t.Fatalf("DSNs %+v", dsns)
		}
		w.pass(10 * time.Minute)
		if got := h.messages(); len(got) != 2 || len(got[1].to) != 1 {
			t.Errorf("got %+v", got)
		}
		if !w.gone(id) {
			t.Error("still queued")
		}
	})
}

func TestMailer_ConnectionIsReused(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1, MessagesPerConnection: 40}, func(w *world) {
		h := w.host("example.test")
		for range 100 {
			w.send("you@example.test")
		}
		w.run(time.Minute)
		if n, c := len(h.messages()), h.connections(); n != 100 || c != 3 {
			t.Errorf("%d messages over %d connections, want 100 over 3", n, c)
		}
	})
}

// A connection that the next hop closed while it was idle costs no attempt.
func TestMailer_StaleConnection(t *testing.T) {
	inWorld(t, settings.Config{IdleTimeout: time.Minute}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "MAIL" && x.message == 2 {
				return cut
			}
			return ""
		}
		first := w.send("you@example.test")
		w.run(time.Second)
		second := w.send("you@example.test")
		w.pass(time.Second)
		if !w.gone(first) || !w.gone(second) {
			t.Error("still queued")
		}
		if n := len(w.attempts(second)); n != 1 || h.connections() != 2 {
			t.Errorf("%d attempts over %d connections", n, h.connections())
		}
	})
}

// 421 in mid-transaction: the message waits, the others go on.
func TestMailer_ServiceClosing(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" && x.arg == "b@example.test" && h.tries(x.arg) == 1 {
				return "421 4.3.2 going down"
			}
			return ""
		}
		id := w.send("a@example.test", "b@example.test")
		other := w.send("c@example.test")
		w.run(time.Minute)
		w.wantFinal(id, "a@example.test", spooled.Deferred, "421 4.3.2")
		w.wantFinal(id, "b@example.test", spooled.Deferred, "421 4.3.2")
		if !w.gone(other) {
			t.Error("the other message waits too")
		}
		w.pass(10 * time.Minute)
		if !w.gone(id) {
			t.Error("still queued")
		}
	})
}

// 421 as greeting, or at the first MAIL, is the site's, not the message's.
func TestMailer_BusySite(t *testing.T) {
	for _, verb := range []string{"greeting", "MAIL"} {
		t.Run(verb, func(t *testing.T) {
			inWorld(t, settings.Config{}, func(w *world) {
				h := w.host("example.test")
				var free atomic.Bool
				h.say = func(x *exchange) string {
					if !free.Load() && x.verb == verb {
						return "421 4.7.0 too busy"
					}
					return ""
				}
				var ids []spooled.ID
				for range 20 {
					ids = append(ids, w.send("you@example.test"))
				}
				w.run(time.Minute)
				tried := 0
				for _, id := range ids {
					tried += w.rcpt(id, 0).Tries
				}
				if tried != 1 || h.connections() != 1 {
					t.Errorf("%d attempts, %d connections", tried, h.connections())
				}
				free.Store(true)
				w.pass(6 * time.Minute)
				for _, id := range ids {
					if !w.gone(id) {
						t.Error("still queued")
					}
				}
			})
		})
	}
}

func TestMailer_LostAfterTheDot(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "content" && x.conn == 1 {
				return cut
			}
			return ""
		}
		id := w.send("you@example.test")
		w.run(time.Second)
		o := w.final(id, "you@example.test")
		if o.State != spooled.Deferred {
			t.Errorf("%+v", o)
		}
		if e := w.attempts(id); e[0].Note != spooled.NoteLost {
			t.Errorf("trace %+v", e)
		}
		w.pass(6 * time.Minute)
		if !w.gone(id) {
			t.Error("still queued")
		}
	})
}

// A next hop that says nothing holds one connection, and nobody else.
func TestMailer_Tarpit(t *testing.T) {
	inWorld(t, settings.Config{Timeouts: quick}, func(w *world) {
		tar, good := w.host("tar.test"), w.host("good.test")
		tar.say = func(x *exchange) string {
			if x.verb == "RCPT" {
				return hang
			}
			return ""
		}
		stuck, other := w.send("you@tar.test"), w.send("you@good.test")
		w.run(30 * time.Second)
		if !w.gone(other) || len(good.messages()) != 1 {
			t.Error("the other one waits")
		}
		w.pass(2 * time.Minute) // once more, one command at a time
		w.wantFinal(stuck, "you@tar.test", spooled.Deferred, "4.4.2")
	})
}

// A transaction that lasts longer than the retry interval is not begun again.
func TestMailer_LongerThanItsLease(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "DATA" {
				time.Sleep(100 * time.Second)
			}
			if x.verb == "content" {
				time.Sleep(9 * time.Minute)
			}
			return ""
		}
		id := w.send("you@example.test")
		w.run(30 * time.Minute)
		if n := h.tries("you@example.test"); n != 1 || len(h.messages()) != 1 {
			t.Errorf("sent %d times", n)
		}
		if !w.gone(id) {
			t.Error("still queued")
		}
	})
}

func TestMailer_Hold(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		a := w.dead("dead.test")
		id, other := w.send("you@dead.test"), w.send("you@dead.test")
		w.run(time.Minute)
		if _, _, err := w.store.Spool.Change(spool.OpHold, []spooled.ID{id}); err != nil {
			t.Fatal(err)
		}
		w.pass(6 * 24 * time.Hour)
		if w.gone(id) || !w.gone(other) {
			t.Error("a held message expired, or the other one did not")
		}
		w.set(a, &mx{name: "mx.dead.test"})
		if _, _, err := w.store.Spool.Change(spool.OpRelease, []spooled.ID{id}); err != nil {
			t.Fatal(err)
		}
		w.mail.Retry("dead.test")
		w.pass(time.Minute)
		w.wantFinal(id, "you@dead.test", spooled.Delivered, "250")
	})
}

func TestMailer_DropInFlight(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "content" {
				time.Sleep(time.Minute)
			}
			return ""
		}
		id := w.send("you@example.test")
		w.run(time.Second)
		if _, _, err := w.store.Spool.Change(spool.OpDrop, []spooled.ID{id}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Hour)
		if len(h.messages()) != 1 || !w.gone(id) {
			t.Error("not delivered once and gone")
		}
	})
}

// Drain: what runs may end, what was claimed goes on at once at the next start.
func TestMailer_Drain(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "content" {
				time.Sleep(10 * time.Second)
			}
			return ""
		}
		var ids []spooled.ID
		for range 10 {
			ids = append(ids, w.send("you@example.test"))
		}
		w.run(15 * time.Second) // one done, one running
		began := time.Now()
		w.halt()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("drained in %v", took)
		}
		if n := len(h.messages()); n != 2 {
			t.Errorf("%d delivered, want 2", n)
		}
		for _, id := range ids[2:] {
			if r := w.rcpt(id, 0); r.Tries != 0 || r.Next.After(time.Now()) {
				t.Errorf("not given back: %+v", r)
			}
		}
		w.start()
		w.pass(2 * time.Minute)
		if n := len(h.messages()); n != 10 {
			t.Errorf("%d delivered, want 10", n)
		}
	})
}

// A transaction that outlasts the drain is broken off and not counted.
func TestMailer_DrainBreaksOff(t *testing.T) {
	inWorld(t, settings.Config{Drain: 5 * time.Second}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" {
				return hang
			}
			return ""
		}
		id := w.send("you@example.test")
		w.run(time.Second)
		began := time.Now()
		w.halt()
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("drained in %v", took)
		}
		if r := w.rcpt(id, 0); r.Tries != 0 || r.State != spooled.Queued {
			t.Errorf("not given back: %+v", r)
		}
	})
}

// The window bounds what is in memory, and a crowd at one site leaves room.
func TestMailer_Window(t *testing.T) {
	inWorld(t, settings.Config{Window: 30, Timeouts: quick}, func(w *world) {
		tar, good := w.host("tar.test"), w.host("good.test")
		tar.say = func(x *exchange) string {
			if x.verb == "RCPT" {
				time.Sleep(20 * time.Second)
			}
			return ""
		}
		for i := range 200 {
			d := "d" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".test"
			w.point(d, "mx.tar.test")
			w.send("you@" + d)
		}
		w.start()
		w.pass(time.Second)
		id := w.send("you@good.test")
		w.pass(2 * time.Second)
		if !w.gone(id) || len(good.messages()) != 1 {
			t.Error("a slow site holds up another one")
		}
		w.pass(20 * time.Minute)
		if n := len(tar.messages()); n != 200 {
			t.Errorf("%d of 200 delivered", n)
		}
	})
}

func TestMailer_TotalConnections(t *testing.T) {
	inWorld(t, settings.Config{Connections: 3}, func(w *world) {
		var hops []*mx
		for i := range 20 {
			d := "d" + string(rune('a'+i)) + ".test"
			hops = append(hops, w.host(d))
			for range 5 {
				w.send("you@" + d)
			}
		}
		w.run(time.Minute)
		for i, h := range hops {
			if n := len(h.messages()); n != 5 {
				t.Errorf("hop %d got %d of 5", i, n)
			}
		}
	})
}

// Sites that are never done do not keep all connections.
func TestMailer_TotalConnectionsAreShared(t *testing.T) {
	inWorld(t, settings.Config{Connections: 2}, func(w *world) {
		slow := func(x *exchange) string {
			if x.verb == "content" {
				time.Sleep(time.Second)
			}
			return ""
		}
		for _, d := range []string{"one.test", "two.test"} {
			w.host(d).say = slow
			for range 300 {
				w.send("you@" + d)
			}
		}
		w.run(5 * time.Second)
		w.host("three.test")
		id := w.send("you@three.test")
		w.pass(40 * time.Second)
		if !w.gone(id) {
			t.Error("the third site gets no connection")
		}
	})
}

// With a smarthost, all domains share one route, which is looked up again.
func TestMailer_SmarthostMoves(t *testing.T) {
	cfg := settings.Config{}
	cfg.Smarthost.Host = "mx.hub.test"
	inWorld(t, cfg, func(w *world) {
		old := w.host("hub.test")
		w.run(0)
		w.send("you@one.test")
		w.pass(time.Minute)
		a := w.address("mx.hub.test")
		moved := &mx{name: "moved"}
		w.set(a, moved)
		w.pass(10 * time.Minute)
		w.send("you@two.test")
		w.pass(time.Minute)
		if len(old.messages()) != 1 || len(moved.messages()) != 1 {
			t.Errorf("%d at the old address, %d at the new one", len(old.messages()), len(moved.messages()))
		}
	})
}

// Where the remote allows few connections, the others' jobs are passed on.
func TestMailer_ConnectionsRefused(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 8}, func(w *world) {
		h := w.host("example.test")
		var open atomic.Int32
		h.say = func(x *exchange) string {
			switch x.verb {
			case "greeting":
				if open.Add(1) > 2 {
					open.Add(-1)
					return "421 4.7.0 too many connections"
				}
			case "content":
				time.Sleep(100 * time.Millisecond)
			case "QUIT":
				open.Add(-1)
			}
			return ""
		}
		var ids []spooled.ID
		for range 200 {
			ids = append(ids, w.send("you@example.test"))
		}
		w.run(time.Minute)
		for _, id := range ids {
			if n := len(w.attempts(id)); !w.gone(id) || n != 1 {
				t.Fatalf("%d attempts, gone %v", n, w.gone(id))
			}
		}
		if n := h.connections(); n > 20 {
			t.Errorf("%d connections", n)
		}
	})
}

// Held in flight: the attempt counts, and nothing more happens until release.
func TestMailer_HoldInFlight(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "content" && x.conn == 1 {
				time.Sleep(time.Minute)
				return "451 4.3.0 later"
			}
			return ""
		}
		id := w.send("you@example.test")
		w.run(time.Second)
		if _, _, err := w.store.Spool.Change(spool.OpHold, []spooled.ID{id}); err != nil {
			t.Fatal(err)
		}
		w.pass(24 * time.Hour)
		if n := len(w.attempts(id)); n != 1 || w.gone(id) {
			t.Errorf("%d attempts while it is held", n)
		}
		if _, _, err := w.store.Spool.Change(spool.OpRelease, []spooled.ID{id}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		if !w.gone(id) {
			t.Error("not sent after release")
		}
	})
}

// A host that refuses us in its greeting refuses no recipient.
func TestMailer_RefusedGreeting(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.say = func(x *exchange) string {
			if x.verb == "greeting" {
				return "554 5.7.1 your address is listed"
			}
			return ""
		}
		id := w.send("you@example.test")
		w.run(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Deferred, "554 5.7.1 your address is listed")
	})
}

// After days of rest a message gets an attempt before it is given up.
func TestMailer_ExpiredWhileStopped(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		id := w.send("you@example.test")
		w.pass(6 * 24 * time.Hour)
		w.run(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
		if len(h.messages()) != 1 {
			t.Error("not delivered")
		}
	})
}
