package mailer

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/source"
	"relay/mailer/view"
	"relay/store/books"
	"relay/store/egress"
	"relay/store/spool"
	"relay/store/spooled"
)

// callers counts the messages that a host took, by the source's name in EHLO and the day.
type callers struct {
	mu    sync.Mutex
	conns map[int]string
	took  map[string]int
	days  map[string]map[int64]int
	says  func(ehlo string, x *exchange) string
}

func (c *callers) say(x *exchange) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns == nil {
		c.conns, c.took, c.days = map[int]string{}, map[string]int{}, map[string]map[int64]int{}
	}
	if x.verb == "EHLO" {
		c.conns[x.conn] = strings.TrimSpace(x.arg)
	}
	name := c.conns[x.conn]
	if c.says != nil {
		if reply := c.says(name, x); reply != "" {
			return reply
		}
	}
	if x.verb == "content" {
		c.took[name]++
		if c.days[name] == nil {
			c.days[name] = map[int64]int{}
		}
		c.days[name][source.Day(time.Now())]++
	}
	return ""
}

func (c *callers) counts() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int{}
	for name, n := range c.took {
		out[name] = n
	}
	return out
}

// from is a source.
func from(addr, ehlo string, more ...func(*source.Source)) source.Source {
	s := source.Source{Addr: netip.MustParseAddr(addr), EHLO: ehlo}
	for _, fn := range more {
		fn(&s)
	}
	return s
}

func pool(name string) func(*source.Source) { return func(s *source.Source) { s.Pool = name } }
func standby(s *source.Source)              { s.Standby = true }

func (w *world) by(account string, n int) {
	w.t.Helper()
	for range n {
		m := message("you@paced.test")
		m.Account, m.Sender = account, account+"@src.test"
		w.accept(m)
	}
}

// An account's mail leaves by the sources of its pool, and keeps to one of them.
func TestSource_pools(t *testing.T) {
	cfg := settings.Config{Sources: []source.Source{from("192.0.2.1", "a.test"), from("192.0.2.2", "b.test"), from("192.0.2.3", "own.test", pool("own"))}}
	inWorld(t, cfg, func(w *world) {
		c := &callers{}
		w.host("paced.test").say = c.say
		w.account("own")
		w.change("own", func(a *books.Account) { a.Pool = "own" })
		for i := range 20 {
			name := fmt.Sprint("c", i)
			w.account(name)
			w.by(name, 3)
		}
		w.by("own", 50)
		w.run(time.Minute)
		if got := c.counts(); got["own.test"] != 50 || got["a.test"]+got["b.test"] != 60 || got["a.test"]%3 != 0 || got["a.test"] == 0 || got["b.test"] == 0 {
			t.Errorf("%v", got)
		}
	})
}

// Sources together obey what a row says of all, and none keeps another waiting.
func TestSource_all(t *testing.T) {
	cfg := settings.Config{Rows: rows(t, "2/20/20", "2/20/20", "all_connections = 2", "all_rate = 20"),
		Sources: []source.Source{from("192.0.2.1", "a.test"), from("192.0.2.2", "b.test", pool("own"))}}
	inWorld(t, cfg, func(w *world) {
		c, a := &callers{}, &arrivals{}
		h := w.host("paced.test")
		h.say = func(x *exchange) string { a.say(x); return c.say(x) }
		w.account("own")
		w.change("own", func(a *books.Account) { a.Pool = "own" })
		w.by("acme", 200)
		w.run(5 * time.Minute)
		w.by("own", 5)
		w.pass(3 * time.Minute)
		if got := c.counts(); got["b.test"] != 5 {
			t.Errorf("%v: the other source waits behind the first", got)
		}
		if n := a.most(time.Minute); n > 21 {
			t.Errorf("%d messages in a minute, the row has 20 for all", n)
		}
	})
}

// A host is reached from the sources of its kind of address only.
func TestSource_kinds(t *testing.T) {
	cfg := settings.Config{Sources: []source.Source{from("2001:db8::1", "six.test"), from("192.0.2.1", "four.test")}}
	inWorld(t, cfg, func(w *world) {
		c := &callers{}
		w.host("paced.test").say = c.say
		for i := range 10 {
			w.account(fmt.Sprint("c", i))
			w.by(fmt.Sprint("c", i), 1)
		}
		w.run(time.Minute)
		if got := c.counts(); got["four.test"] != 10 || got["six.test"] != 0 {
			t.Errorf("%v", got)
		}
	})
}

// A source whose address is refused is left for another one, for a while.
func TestSource_refused(t *testing.T) {
	cfg := settings.Config{Sources: []source.Source{from("192.0.2.1", "a.test"), from("192.0.2.2", "b.test", standby)}}
	inWorld(t, cfg, func(w *world) {
		c := &callers{}
		refuse := true
		c.says = func(ehlo string, x *exchange) string {
			if refuse && x.verb == "MAIL" && ehlo == "a.test" {
				return "554 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.example"
			}
			return ""
		}
		w.host("paced.test").say = c.say
		w.by("acme", 20)
		w.run(20 * time.Minute)
		if got := c.counts(); got["b.test"] != 20 {
			t.Errorf("%v, want all by the other source", got)
		}
		c.mu.Lock()
		refuse = false
		c.mu.Unlock()
		w.pass(2 * time.Hour)
		w.by("acme", 5)
		w.pass(time.Minute)
		if got := c.counts(); got["a.test"] != 5 {
			t.Errorf("%v, want the first source again", got)
		}
	})
}

// A drained source gets nothing, over a restart too. Where there is no other, mail waits
// and does not age.
func TestSource_drained(t *testing.T) {
	cfg := settings.Config{Sources: []source.Source{from("192.0.2.1", "a.test"), from("192.0.2.2", "b.test")}}
	inWorld(t, cfg, func(w *world) {
		c := &callers{}
		w.host("paced.test").say = c.say
		drain := func(name string, drained bool) {
			t.Helper()
			_, err := w.store.Spool.ChangeSource(name, func(v *egress.SourceState, now time.Time, _ spooled.ID) (*spool.Notice, error) {
				if v.Drained = nil; drained {
					v.Drained = &egress.Drain{Since: now}
				}
				return nil, nil
			})
			if err == nil && w.stop != nil {
				err = w.mail.SourcesChanged(w.t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		drain("192.0.2.1", true)
		for i := range 10 {
			w.account(fmt.Sprint("c", i))
		}
		all := func() {
			for i := range 10 {
				w.by(fmt.Sprint("c", i), 1)
			}
		}
		all()
		w.run(time.Minute)
		if got := c.counts(); got["b.test"] != 10 {
			t.Errorf("%v, want all by the other source", got)
		}
		drain("192.0.2.2", true)
		w.kill()
		id := w.send("you@paced.test")
		all()
		w.pass(6 * 24 * time.Hour)
		if got := c.counts(); got["a.test"]+got["b.test"] != 10 {
			t.Errorf("%v went by drained sources", got)
		}
		if r := w.rcpt(id, 0); r.Tries != 0 {
			t.Errorf("what waits was tried %d times", r.Tries)
		}
		w.hopOf("paced.test").becomes(func(x *exchange) string {
			if x.verb == "MAIL" {
				return "451 4.3.0 later"
			}
			return ""
		})
		drain("192.0.2.1", false)
		w.pass(time.Minute)
		w.hopOf("paced.test").becomes(c.say)
		w.pass(time.Hour)
		w.wantFinal(id, "you@paced.test", spooled.Delivered, "250") // not expired at its first attempt
		if got := c.counts(); got["a.test"] != 11 {
			t.Errorf("%v", got)
		}
	})
}

// A listing has the others go by the standby; the culprit stays, and all come back.
func TestSource_listed(t *testing.T) {
	via := route.Route{Host: "192.0.2.9", Port: 587}
	for name, other := range map[string]source.Source{
		"address": from("192.0.2.2", "b.test", standby),
		"server":  {EHLO: "b.test", Standby: true, Via: &via},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := settings.Config{Sources: []source.Source{from("192.0.2.1", "a.test"), other}}
			inWorld(t, cfg, func(w *world) {
				c := &callers{}
				h := w.host("paced.test")
				h.say = c.say
				w.set(netip.MustParseAddr("192.0.2.9"), h)
				w.account("bad")
				list := func(on bool) {
					t.Helper()
					_, err := w.store.Spool.ChangeSource("192.0.2.1", func(v *egress.SourceState, now time.Time, _ spooled.ID) (*spool.Notice, error) {
						if v.Listings, v.Culprit = nil, ""; on {
							v.Listings, v.Culprit = []egress.Listing{{List: "L", Drains: true, Since: now}}, "bad"
						}
						return nil, nil
					})
					if err == nil {
						err = w.mail.SourcesChanged(w.t.Context())
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				w.run(time.Second)
				list(true)
				w.by("acme", 10)
				w.by("bad", 5)
				w.pass(2 * time.Minute)
				if got := c.counts(); got["a.test"] != 5 || got["b.test"] != 10 {
					t.Errorf("while listed: %v", got)
				}
				list(false)
				w.by("acme", 10)
				w.pass(2 * time.Minute)
				if got := c.counts(); got["a.test"] != 15 || got["b.test"] != 10 {
					t.Errorf("afterwards: %v", got)
				}
			})
		})
	}
}

// An address that vanishes while mail goes out is no attempt of anything, and its mail goes
// by others.
func TestSource_vanished(t *testing.T) {
	told := make(chan error, 10)
	cfg := settings.Config{Sources: []source.Source{from("192.0.2.1", "a.test"), from("192.0.2.2", "b.test", standby)},
		OnSource: func(name string, err error) { told <- err }}
	inWorld(t, cfg, func(w *world) {
		c := &callers{}
		w.host("paced.test").say = c.say
		w.run(time.Second)
		w.lose("192.0.2.1", true)
		var last spooled.ID
		for range 10 {
			last = w.send("you@paced.test")
		}
		w.pass(10 * time.Second)
		w.wantFinal(last, "you@paced.test", spooled.Delivered, "250")
		if got := c.counts(); got["b.test"] != 10 || len(w.attempts(last)) != 1 {
			t.Errorf("%v, %d attempts", got, len(w.attempts(last)))
		}
		if list, err := w.mail.Sources(w.t.Context()); err != nil || !list[0].Gone || list[1].Gone {
			t.Errorf("%+v, %v", list, err)
		}
		w.lose("192.0.2.1", false)
		w.pass(time.Minute) // two looks
		w.by("acme", 3)
		w.pass(10 * time.Second)
		if got := c.counts(); got["a.test"] != 3 {
			t.Errorf("%v, want the first source again", got)
		}
		if len(told) != 2 || <-told == nil || <-told != nil {
			t.Error("it was not told")
		}
	})
}

// What is given back by a source that vanished goes out by another at once, whatever is
// claimed while it is on its way back.
func TestSource_givenBack(t *testing.T) {
	for range 40 {
		cfg := settings.Config{Sources: []source.Source{from("192.0.2.1", "a.test"), from("192.0.2.2", "b.test", standby)}}
		inWorld(t, cfg, func(w *world) {
			c := &callers{}
			w.host("paced.test").say = c.say
			w.run(time.Second)
			w.lose("192.0.2.1", true)
			w.by("acme", 10)
			w.pass(10 * time.Second)
			if got := c.counts(); got["b.test"] != 10 {
				t.Errorf("%v", got)
			}
		})
	}
}

// An address that came back while no relay ran is told as back.
func TestSource_backAtStart(t *testing.T) {
	told := make(chan error, 10)
	cfg := settings.Config{Sources: []source.Source{from("192.0.2.1", "a.test")}, OnSource: func(name string, err error) { told <- err }}
	inWorld(t, cfg, func(w *world) {
		_, err := w.store.Spool.ChangeSource("192.0.2.1", func(v *egress.SourceState, now time.Time, _ spooled.ID) (*spool.Notice, error) {
			v.Gone = now
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.run(time.Second)
		if len(told) != 1 || <-told != nil {
			t.Error("it was not told")
		}
	})
}

// A source that the machine lacks is refused by name, at the start and at a reload.
func TestSource_lacked(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.lose("192.0.2.7", true)
		cfg := w.cfg
		cfg.Sources = []source.Source{from("192.0.2.1", "a.test"), from("192.0.2.7", "b.test")}
		if _, err := New(w.store.Spool, cfg, nil); err == nil || !strings.Contains(err.Error(), "192.0.2.7") {
			t.Errorf("New: %v", err)
		}
		w.start()
		if err := w.mail.Reconfigure(cfg); err == nil || !strings.Contains(err.Error(), "192.0.2.7") {
			t.Errorf("Reconfigure: %v", err)
		}
	})
}

// Sources change while mail goes out: nothing is lost, and nothing is sent twice.
func TestSource_reload(t *testing.T) {
	a, b := from("192.0.2.1", "a.test"), from("192.0.2.2", "b.test")
	inWorld(t, settings.Config{Rows: rows(t, "5/10/600", "5/10/600")}, func(w *world) {
		c := &callers{}
		w.host("paced.test").say = c.say
		w.by("acme", 300)
		w.run(5 * time.Second)
		for _, list := range [][]source.Source{{a}, {a, b}, {b}, nil, {b}} {
			cfg := w.cfg
			cfg.Sources = list
			if err := w.mail.Reconfigure(cfg); err != nil {
				t.Fatal(err)
			}
			w.pass(4 * time.Second)
		}
		w.pass(2 * time.Minute)
		got, sum := c.counts(), 0
		for _, n := range got {
			sum += n
		}
		if sum != 300 || got["a.test"] == 0 || got["b.test"] == 0 || got["relay.test"] == 0 {
			t.Errorf("%v", got)
		}
	})
}

// A new source is warmed up over weeks, with restarts: its ceiling doubles after a day that
// used it, stops where the address was refused, and nothing waits while there is another.
func TestSource_warmUp(t *testing.T) {
	cfg := settings.Config{Rows: rows(t, "20/1000/1000", "20/1000/1000"), Sources: []source.Source{from("192.0.2.1", "old.test"), from("192.0.2.2", "new.test", func(s *source.Source) { s.WarmUp = 4 })}}
	inWorld(t, cfg, func(w *world) {
		c := &callers{}
		w.host("paced.test").say = c.say
		time.Sleep(time.Until(source.Turns(time.Now())) + time.Hour)
		w.start()
		today := source.Day(time.Now())
		want := []int{4, 8, 16, 16, 32, 10, 64}
		for day, n := range want {
			switch day {
			case 1, 4, 6:
				w.kill()
			case 2: // the day on which the address is refused once
				c.mu.Lock()
				done := false
				c.says = func(ehlo string, x *exchange) string {
					if ehlo == "new.test" && x.verb == "content" && !done && c.days[ehlo][today+2] == 15 {
						done = true
						return "550 5.7.1 client host [192.0.2.2] blocked using zen.example"
					}
					return ""
				}
				c.mu.Unlock()
				n = 15
			}
			send := 40
			switch day {
			case 5:
				send = 10
			case 6:
				send = 70
			}
			w.by("acme", send)
			w.pass(12 * time.Hour)
			if got := c.days["new.test"][today+int64(day)]; got != n {
				t.Errorf("day %d: %d by the new source, want %d", day, got, n)
			}
			if got := c.days["new.test"][today+int64(day)] + c.days["old.test"][today+int64(day)]; got < send-1 {
				t.Errorf("day %d: %d of %d went out", day, got, send)
			}
			w.pass(12 * time.Hour)
		}
	})
}

// One host that refuses the address, which may be a customer's own, does not stop the warm-up
// at all that have no row; several on one day do, also over a crash.
func TestSource_warmUpBlamed(t *testing.T) {
	cfg := settings.Config{Sources: []source.Source{from("192.0.2.2", "new.test", func(s *source.Source) { s.WarmUp = 4 })}}
	for blamers, want := range map[int]int{1: 8, 3: 4} {
		inWorld(t, cfg, func(w *world) {
			w.host("paced.test")
			time.Sleep(time.Until(source.Turns(time.Now())) + time.Hour)
			w.start()
			for i := range blamers {
				domain := fmt.Sprintf("b%d.test", i)
				w.host(domain).say = func(x *exchange) string {
					if x.verb == "RCPT" {
						return "550 5.7.1 client host [192.0.2.2] blocked using zen.example"
					}
					return ""
				}
				w.send("you@" + domain)
			}
			w.pass(time.Minute)
			w.by("acme", 4-blamers)
			w.pass(time.Minute)
			w.kill()
			w.pass(24 * time.Hour)
			list, err := w.mail.Sources(context.Background())
			if err != nil || len(list[0].Use) != 1 || list[0].Use[0].Ceiling != want {
				t.Errorf("%d hosts refuse the address: %+v, %v, want a ceiling of %d", blamers, list, err, want)
			}
		})
	}
}

// Where there is no other source, mail over the ceiling waits for the next day, which is no
// attempt and does not age it.
func TestSource_warmUpAlone(t *testing.T) {
	cfg := settings.Config{Sources: []source.Source{from("192.0.2.2", "new.test", func(s *source.Source) { s.WarmUp = 2 })}, Expire: 24 * time.Hour}
	inWorld(t, cfg, func(w *world) {
		c := &callers{}
		w.host("paced.test").say = c.say
		var last spooled.ID
		for range 2 + 4 + 8 + 16 + 3 {
			m := message("you@paced.test")
			m.Expires = w.store.Now().Add(24 * time.Hour)
			last = w.accept(m)
		}
		w.run(time.Minute)
		if got := c.counts(); got["new.test"] != 2 {
			t.Errorf("%v on the first day", got)
		}
		way, err := w.mail.Explain(w.t.Context(), "paced.test", "acme")
		if err != nil || way.Outlook.Wait != view.WaitWarmUp || !way.Outlook.Until.Equal(source.Turns(w.store.Now())) {
			t.Errorf("%+v, %v", way.Outlook, err)
		}
		w.kill()
		w.pass(3*24*time.Hour + 12*time.Hour)
		if got := c.counts(); got["new.test"] != 30 {
			t.Errorf("%v after four days", got)
		}
		if r := w.rcpt(last, 0); r.Tries != 0 {
			t.Errorf("what waits was tried %d times", r.Tries)
		}
		w.pass(24 * time.Hour)
		w.wantFinal(last, "you@paced.test", spooled.Delivered, "250")
	})
}
