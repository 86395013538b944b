package mailer

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/settings"
	"relay/store/spooled"
)

// at has a host say word at a stage, always.
func at(stage, word string) func(*exchange) string {
	return func(x *exchange) string {
		if x.verb == stage {
			return word
		}
		return ""
	}
}

// failures are the ways in which a host may fail before it has taken a message.
var failures = []struct{ stage, word string }{
	{"greeting", "421 4.3.2 busy"}, {"greeting", "554 5.7.1 not you"}, {"greeting", cut}, {"greeting", hang},
	{"EHLO", "421 4.3.2 busy"}, {"EHLO", "451 4.3.0 no"}, {"EHLO", hang},
	{"MAIL", "421 4.3.2 busy"}, {"MAIL", "451 4.3.0 no"}, {"MAIL", cut}, {"MAIL", hang},
	{"RCPT", "421 4.3.2 busy"}, {"RCPT", "450 4.2.0 no"}, {"RCPT", cut}, {"RCPT", hang},
	{"DATA", "421 4.3.2 busy"}, {"DATA", "451 4.3.0 no"}, {"DATA", cut}, {"DATA", hang},
	{"content", "421 4.3.2 busy"}, {"content", "451 4.3.0 no"}, {"content", "450-4.3.0 well\r\n451 4.3.0 no"},
}

func name(stage, word string) string {
	return stage + " " + strings.NewReplacer(cut, "closed", hang, "silent").Replace(word)
}

// Whatever fails at a host before it has taken the message, the next one gets it
// in the same attempt (RFC 5321 §5.1).
func TestTour_NextHost(t *testing.T) {
	for _, f := range failures {
		t.Run(name(f.stage, f.word), func(t *testing.T) {
			inWorld(t, settings.Config{Timeouts: quick}, func(w *world) {
				a, b := w.host("a.test"), w.host("b.test")
				a.say = at(f.stage, f.word)
				w.point("example.test", "mx.a.test", "mx.b.test")
				id := w.send("you@example.test", "me@example.test")
				w.run(4 * time.Minute)
				w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
				w.wantFinal(id, "me@example.test", spooled.Delivered, "250")
				e := w.attempts(id)
				if len(e) != 1 || len(b.messages()) != 1 || a.connections() == 0 {
					t.Fatalf("%d attempts, %d connections to the first, %d messages at the second", len(e), a.connections(), len(b.messages()))
				}
				if !strings.HasPrefix(e[0].NextHop, "mx.b.test[") || !strings.Contains(e[0].Text, "tried before: mx.a.test[") {
					t.Errorf("trace %+v", e[0])
				}
			})
		})
	}
}

// A host that never answers the final dot may have the message, so nobody else gets it
// in that attempt. The next one goes to the other hosts first, also where a connection
// to that host is open.
func TestTour_AfterFinalDot(t *testing.T) {
	for _, word := range []string{cut, hang, "what?"} {
		t.Run(name("content", word), func(t *testing.T) {
			inWorld(t, settings.Config{Timeouts: quick, Retry: []time.Duration{20 * time.Second}, IdleTimeout: time.Hour}, func(w *world) {
				a, b := w.host("a.test"), w.host("b.test")
				var bad sync.Map // messages
				a.say = func(x *exchange) string {
					message := [2]int{x.conn, x.message}
					if x.verb == "RCPT" && strings.Contains(x.arg, "bad@") {
						bad.Store(message, true)
					}
					if _, is := bad.Load(message); is && x.verb == "content" {
						return word
					}
					return ""
				}
				w.point("example.test", "mx.a.test", "mx.b.test")
				id := w.send("bad@example.test")
				w.start()
				w.pass(10 * time.Second)
				if n := len(b.messages()); n != 0 {
					t.Errorf("%d messages at the second host in the attempt in which the first may have taken it", n)
				}
				w.send("you@example.test") // leaves a connection to the first
				w.pass(4 * time.Minute)
				w.wantFinal(id, "bad@example.test", spooled.Delivered, "250")
				if e := w.attempts(id); len(e) != 2 || !strings.HasPrefix(e[1].NextHop, "mx.b.test[") {
					t.Errorf("attempts %+v, want the second at the second host", e)
				}
			})
		})
	}
}

// The same for one name with two addresses.
func TestTour_NextAddress(t *testing.T) {
	for _, f := range failures {
		t.Run(name(f.stage, f.word), func(t *testing.T) {
			inWorld(t, settings.Config{Timeouts: quick}, func(w *world) {
				a, b := w.host("a.test"), w.host("b.test")
				var first sync.Once
				for _, h := range []*mx{a, b} {
					bad := false
					h.say = func(x *exchange) string {
						first.Do(func() { bad = true }) // the one that is asked first, as it comes
						if bad {
							return at(f.stage, f.word)(x)
						}
						return ""
					}
				}
				w.dns.addrs["mx.example.test"] = slices.Concat(w.dns.addrs["mx.a.test"], w.dns.addrs["mx.b.test"])
				w.point("example.test", "mx.example.test")
				id := w.send("you@example.test")
				w.run(4 * time.Minute)
				w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
				if n := len(w.attempts(id)); n != 1 || len(a.messages())+len(b.messages()) != 1 {
					t.Errorf("%d attempts, %d and %d messages", n, len(a.messages()), len(b.messages()))
				}
			})
		})
	}
}

// What one host has taken or refused is decided; the next one is asked about the
// others alone.
func TestTour_DecidedStays(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		a, b := w.host("a.test"), w.host("b.test")
		a.say = func(x *exchange) string {
			switch x.arg {
			case "bad@example.test":
				return "550 5.1.1 unknown"
			case "later@example.test", "never@example.test":
				return "450 4.2.0 later"
			}
			return ""
		}
		b.say = func(x *exchange) string {
			if x.arg == "never@example.test" {
				return "451 4.7.1 nor here"
			}
			return ""
		}
		w.point("example.test", "mx.a.test", "mx.b.test")
		id := w.send("good@example.test", "bad@example.test", "later@example.test", "never@example.test")
		w.run(time.Minute)
		w.wantFinal(id, "good@example.test", spooled.Delivered, "250")
		w.wantFinal(id, "bad@example.test", spooled.Failed, "550 5.1.1")
		w.wantFinal(id, "later@example.test", spooled.Delivered, "250")
		w.wantFinal(id, "never@example.test", spooled.Deferred, "451 4.7.1 nor here")
		if got := a.messages(); len(got) != 1 || fmt.Sprint(got[0].to) != "[good@example.test]" {
			t.Errorf("the first has %+v", got)
		}
		if got := b.messages(); len(got) != 1 || fmt.Sprint(got[0].to) != "[later@example.test]" {
			t.Errorf("the second has %+v", got)
		}
		if b.tries("good@example.test")+b.tries("bad@example.test") != 0 {
			t.Error("the second was asked about those that the first had decided")
		}
		if n := w.rcpt(id, 3).Tries; n != 1 {
			t.Errorf("%d tries", n)
		}
		w.pass(time.Minute)
		if dsns := w.notices(); len(dsns) != 1 || strings.Count(dsns[0].content, "Final-Recipient:") != 1 {
			t.Errorf("DSNs %+v", dsns)
		}
	})
}

// What is decided is stored before the next host is asked, which may take long: a
// kill meanwhile has nobody get it twice.
func TestTour_DecidedIsStored(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		a, b := w.host("a.test"), w.host("b.test")
		a.say = func(x *exchange) string {
			if x.arg == "later@example.test" {
				return "450 4.2.0 later"
			}
			return ""
		}
		b.say = at("greeting", hang)
		w.point("example.test", "mx.a.test", "mx.b.test")
		id := w.send("good@example.test", "later@example.test")
		w.run(time.Minute)
		m, err := w.killed().Spool.QueueMessage(id)
		if err != nil || m.Recipients[0].State != spooled.Delivered || m.Recipients[1].State != spooled.Queued {
			t.Fatalf("killed in the middle: %+v, %v", m, err)
		}
		if next := m.Recipients[1].Next; !next.After(w.store.Now()) {
			t.Errorf("the other one is due at %v", next)
		}
		if n := m.Recipients[1].Tries; n != 1 {
			t.Errorf("killed in the attempt of the other one: %d tries, want 1", n)
		}
		w.pass(5 * time.Minute)
		w.wantFinal(id, "later@example.test", spooled.Deferred, "450 4.2.0 later")
		if r := w.rcpt(id, 1); r.Tries != 1 {
			t.Errorf("%d tries, want 1", r.Tries)
		}
		if e := w.attempts(id); len(e) != 2 || len(e[0].Recipients) != 1 || len(e[1].Recipients) != 1 {
			t.Errorf("trace %+v", e)
		}
		w.pass(time.Hour)
		if n := len(a.messages()); n < 1 || a.tries("good@example.test") != 1 {
			t.Errorf("the first host was asked %d times about the one that it took", a.tries("good@example.test"))
		}
	})
}

// A reply about the recipient is told, not that the next host was down.
func TestTour_TellsTheBetterReason(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("a.test").say = at("RCPT", "450 4.2.0 mailbox busy")
		w.dead("b.test")
		w.point("example.test", "mx.a.test", "mx.b.test")
		id, other := w.send("you@example.test"), w.send("me@example.test")
		w.run(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Deferred, "450 4.2.0 mailbox busy")
		w.wantFinal(other, "me@example.test", spooled.Deferred, "450 4.2.0 mailbox busy")
	})
}

// After the final dot without a reply the message may have been taken: no other
// host gets it in the same attempt. Those that were not in it go on.
func TestTour_NothingTwice(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		a, b := w.host("a.test"), w.host("b.test")
		a.say = func(x *exchange) string {
			switch {
			case x.arg == "later@example.test":
				return "450 4.2.0 later"
			case x.verb == "content":
				return cut
			}
			return ""
		}
		w.point("example.test", "mx.a.test", "mx.b.test")
		id := w.send("you@example.test", "later@example.test")
		w.run(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Deferred, "4.4.2")
		w.wantFinal(id, "later@example.test", spooled.Delivered, "250")
		if got := b.messages(); len(got) != 1 || fmt.Sprint(got[0].to) != "[later@example.test]" {
			t.Errorf("the second has %+v", got)
		}
		if e := w.attempts(id); len(e) != 1 || e[0].Note != spooled.NoteLost {
			t.Errorf("trace %+v", e)
		}
	})
}

// A host that fails is passed over for a while, and probed once an interval; the
// site goes on.
func TestTour_TroubleIsTheHosts(t *testing.T) {
	for _, f := range failures {
		if f.word[0] == '4' && f.word[:3] != "421" || f.stage == "RCPT" || f.stage == "content" || f.stage == "DATA" {
			continue // these say that it works
		}
		t.Run(name(f.stage, f.word), func(t *testing.T) {
			inWorld(t, settings.Config{Timeouts: quick, SiteConnections: 1, MessagesPerConnection: 1}, func(w *world) {
				a, b := w.host("a.test"), w.host("b.test")
				a.say = at(f.stage, f.word)
				w.point("example.test", "mx.a.test", "mx.b.test")
				for range 100 {
					w.send("you@example.test")
				}
				w.run(4 * time.Minute)
				if n := len(b.messages()); n != 100 || a.connections() > 2 {
					t.Errorf("%d messages at the second host, %d connections to the first", n, a.connections())
				}
				if strings.Contains(w.logged(), "next hop down") {
					t.Error("the site is said to be down")
				}
				w.pass(time.Hour)
				before := a.connections()
				a.becomes(nil)
				w.send("you@example.test")
				w.pass(time.Second)
				if a.connections() != before+1 || len(a.messages()) != 1 {
					t.Errorf("%d more connections when it was well again, %d messages", a.connections()-before, len(a.messages()))
				}
			})
		})
	}
}

// A site is in trouble when all its hosts are: then one message is its probe.
func TestTour_AllHostsFail(t *testing.T) {
	inWorld(t, settings.Config{Timeouts: quick}, func(w *world) {
		a, b := w.host("a.test"), w.host("b.test")
		a.say, b.say = at("MAIL", "421 4.3.2 busy"), at("MAIL", cut)
		w.point("example.test", "mx.a.test", "mx.b.test")
		var ids []spooled.ID
		for range 50 {
			ids = append(ids, w.send("you@example.test"))
		}
		w.run(4 * time.Minute)
		tried := 0
		for _, id := range ids {
			tried += w.rcpt(id, 0).Tries
		}
		if tried != 1 || a.connections() != 1 || b.connections() > 2 {
			t.Errorf("%d tries, %d and %d connections", tried, a.connections(), b.connections())
		}
		b.becomes(nil)
		w.pass(10 * time.Minute)
		if n := len(b.messages()); n != 50 {
			t.Errorf("%d delivered when one was well again", n)
		}
	})
}

// A host that puts off every message does not make the others' connections wait:
// what it put off is gone to the next host, connection and all.
func TestTour_OneHostPutsOffAll(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1}, func(w *world) {
		a, b := w.host("a.test"), w.host("b.test")
		a.say = at("MAIL", "451 4.3.0 out of disk")
		w.point("example.test", "mx.a.test", "mx.b.test")
		for range 50 {
			w.send("you@example.test")
		}
		w.run(time.Minute)
		if n := len(b.messages()); n != 50 || a.connections() > 2 || b.connections() > 2 {
			t.Errorf("%d delivered, %d and %d connections", n, a.connections(), b.connections())
		}
	})
}

// All sixteen hosts have their chance, also when the first has many addresses.
func TestTour_EveryHost(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		var hosts []string
		for i := range 16 {
			domain := fmt.Sprintf("h%d.test", i)
			w.dead(domain)
			hosts = append(hosts, "mx."+domain)
		}
		for range 20 {
			w.dns.addrs["mx.h0.test"] = append(w.dns.addrs["mx.h0.test"], w.address("spare.test"))
		}
		last := &mx{name: "last"}
		w.set(w.dns.addrs["mx.h15.test"][0], last)
		w.point("example.test", hosts...)
		id := w.send("you@example.test")
		w.run(time.Minute)
		if n := len(w.attempts(id)); n != 1 || len(last.messages()) != 1 {
			t.Errorf("%d attempts, %d messages at the last host", n, len(last.messages()))
		}
	})
}

// An attempt ends in bounded time, however slow the hosts are; what it did not
// come to has its turn in the next ones.
func TestTour_BoundedTime(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		var hosts []string
		var silent []*mx
		for i := range 8 {
			domain := fmt.Sprintf("h%d.test", i)
			h := w.host(domain)
			h.say = at("greeting", hang)
			silent = append(silent, h)
			hosts = append(hosts, "mx."+domain)
		}
		silent[7].say = nil
		w.point("example.test", hosts...)
		id := w.send("you@example.test")
		w.run(attempt.MaxTour + 6*time.Minute)
		if n := len(w.attempts(id)); n != 1 {
			t.Errorf("%d attempts", n)
		}
		w.pass(3*attempt.MaxTour + 40*time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
	})
}

// A host that closes at EHLO is greeted with HELO.
func TestTour_ClosesAtEHLO(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1, MessagesPerConnection: 1}, func(w *world) {
		h := w.host("old.test")
		h.say = at("EHLO", cut)
		var ids []spooled.ID
		for range 6 {
			ids = append(ids, w.send("you@old.test"))
		}
		w.run(time.Minute)
		for _, id := range ids {
			w.wantFinal(id, "you@old.test", spooled.Delivered, "250")
			if n := len(w.attempts(id)); n != 1 {
				t.Errorf("%d attempts", n)
			}
		}
		if n := h.connections(); n != 3*2+3 {
			t.Errorf("%d connections, want two for each of three messages, then one", n)
		}
		w.pass(2 * time.Hour) // forgotten
		before := h.connections()
		w.send("you@old.test")
		w.pass(time.Second)
		if n := h.connections() - before; n != 2 {
			t.Errorf("%d connections later, want 2", n)
		}
	})
}

// Closed at EHLO, a host has not said that it takes no 8-bit content: that is not
// the end of a message.
func TestTour_ClosesAtEHLO_eightBit(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("old.test")
		h.say = func(x *exchange) string {
			if x.verb == "EHLO" && x.conn == 1 {
				return cut
			}
			return ""
		}
		m := message("you@old.test")
		m.EightBit = true
		id := w.acceptBody(m, strings.Replace(content, "Hello", "Grüße", 1))
		w.run(time.Minute)
		w.wantFinal(id, "you@old.test", spooled.Deferred, "451 4.6.3")
		w.pass(10 * time.Minute)
		w.wantFinal(id, "you@old.test", spooled.Delivered, "250")
	})
}

// A host that loses all but the first of the commands that come at once is told
// them one by one: in the same attempt, and from then on.
func TestTour_LosesPipelinedCommands(t *testing.T) {
	for _, way := range []string{cut, hang} {
		t.Run(strings.TrimPrefix(way, "!"), func(t *testing.T) {
			inWorld(t, settings.Config{Timeouts: quick, SiteConnections: 1, MessagesPerConnection: 1}, func(w *world) {
				h := w.host("lossy.test")
				h.loses = way
				first := w.send("you@lossy.test", "me@lossy.test")
				w.run(2 * time.Minute)
				w.wantFinal(first, "you@lossy.test", spooled.Delivered, "250")
				w.wantFinal(first, "me@lossy.test", spooled.Delivered, "250")
				if n := len(w.attempts(first)); n != 1 || h.connections() != 2 {
					t.Errorf("%d attempts, %d connections", n, h.connections())
				}
				second := w.send("you@lossy.test", "me@lossy.test")
				w.pass(time.Second)
				if !w.gone(second) || h.connections() != 3 {
					t.Errorf("gone %v, %d connections", w.gone(second), h.connections())
				}
			})
		})
	}
}

// One that breaks off for another reason is found out once.
func TestTour_LosesNoCommands(t *testing.T) {
	inWorld(t, settings.Config{Retry: []time.Duration{time.Hour}}, func(w *world) {
		h := w.host("example.test")
		h.say = at("RCPT", cut)
		w.send("you@example.test")
		w.run(time.Minute)
		if n := h.connections(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		w.pass(3 * time.Hour)
		if n := h.connections(); n < 4 || n > 5 {
			t.Errorf("%d connections after three more attempts, want one for each", n)
		}
	})
}
