package mailer

import (
	"sync/atomic"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/mailer/suppress"
)

// The waits of messages that are deferred after it are the new ones.
func TestMailer_Reconfigure_retry(t *testing.T) {
	inWorld(t, settings.Config{Retry: []time.Duration{time.Hour}}, func(w *world) {
		h := w.host("slow.test")
		var at []time.Time
		h.say = func(x *exchange) string {
			if x.verb == "RCPT" {
				at = append(at, time.Now())
				return "451 4.7.1 later"
			}
			return ""
		}
		w.send("you@slow.test")
		w.run(time.Minute)
		cfg := w.cfg
		cfg.Retry = []time.Duration{time.Minute}
		cfg.Hostname = "other.test"
		if err := w.mail.Reconfigure(cfg); err != nil {
			t.Fatal(err)
		}
		w.pass(70 * time.Minute)
		if len(at) < 3 {
			t.Fatalf("%d attempts", len(at))
		}
		if d := at[1].Sub(at[0]); d < 50*time.Minute {
			t.Errorf("the wait that was stored is %s, want about an hour", d)
		}
		if d := at[2].Sub(at[1]); d > 2*time.Minute {
			t.Errorf("the next one is %s, want about a minute", d)
		}
		if got := w.mail.config().Hostname; got != w.cfg.Hostname {
			t.Errorf("the name is %s now: that needs a restart", got)
		}
	})
}

// Refusals after it suppress recipients as the new rows say.
func TestMailer_Reconfigure_suppress(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.host("example.test").say = func(x *exchange) string {
			if x.verb == "RCPT" {
				return "550 5.1.1 User unknown"
			}
			return ""
		}
		w.run(time.Second)
		cfg := w.cfg
		var err error
		if cfg.Suppress, err = suppress.Read("own.toml", []byte("[[suppress]]\ncategory = \"InvalidRecipient\"\nmessages = 1\nkeep = \"7d\"\nstatus = \"5.1.1\"\n")); err != nil {
			t.Fatal(err)
		}
		if err := w.mail.Reconfigure(cfg); err != nil {
			t.Fatal(err)
		}
		w.send("gone@example.test")
		w.pass(time.Minute)
		is, ok, err := w.store.Refusals.Suppressed("acme", "gone@example.test")
		if want := 7 * 24 * time.Hour; err != nil || !ok || is.Expires.Sub(is.Since) != want {
			t.Errorf("%+v, %t, %v, want %v", is, ok, err, want)
		}
	})
}

// A site that is at work gets more connections, up to the new limit.
func TestMailer_Reconfigure_connections(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1}, func(w *world) {
		h := w.host("busy.test")
		var now, most atomic.Int32
		h.say = func(x *exchange) string {
			if x.verb == "content" {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
			}
			return ""
		}
		for range 200 {
			w.send("you@busy.test")
		}
		w.run(time.Minute)
		if n := most.Load(); n != 1 {
			t.Fatalf("%d at once before, want 1", n)
		}
		cfg := w.cfg
		cfg.SiteConnections = 4
		if err := w.mail.Reconfigure(cfg); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * time.Minute)
		if n := most.Load(); n < 3 || n > 4 {
			t.Errorf("%d at once after, want 4", n)
		}
	})
}

// Connections that are too many now end with the message they carry, and none is
// opened in their place, though there is more to send.
func TestMailer_Reconfigure_fewerConnections(t *testing.T) {
	for name, fewer := range map[string]func(*settings.Config){
		"to a site": func(c *settings.Config) { c.SiteConnections = 1 },
		"in all":    func(c *settings.Config) { c.Connections = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, settings.Config{SiteConnections: 5}, func(w *world) {
				h := w.host("busy.test")
				var now, most, done atomic.Int32
				h.say = func(x *exchange) string {
					if x.verb == "content" {
						most.Store(max(most.Load(), now.Add(1)))
						time.Sleep(time.Second)
						now.Add(-1)
						done.Add(1)
					}
					return ""
				}
				for range 600 {
					w.send("you@busy.test")
				}
				w.run(time.Minute)
				if n := most.Load(); n != 5 {
					t.Fatalf("%d at once before, want 5", n)
				}
				cfg := w.cfg
				fewer(&cfg)
				if err := w.mail.Reconfigure(cfg); err != nil {
					t.Fatal(err)
				}
				w.pass(10 * time.Second)
				most.Store(0)
				before := done.Load()
				w.pass(30 * time.Second)
				if n := most.Load(); n != 1 {
					t.Errorf("%d at once after, want 1", n)
				}
				if n := done.Load() - before; n < 20 {
					t.Errorf("%d messages in 30 s, want about 30", n)
				}
			})
		})
	}
}

// A connection that is open carries no more than is allowed now.
func TestMailer_Reconfigure_messagesPerConnection(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1}, func(w *world) {
		h := w.host("busy.test")
		var opened atomic.Int32
		h.say = func(x *exchange) string {
			switch x.verb {
			case "EHLO":
				opened.Add(1)
			case "content":
				time.Sleep(time.Second)
			}
			return ""
		}
		for range 90 {
			w.send("you@busy.test")
		}
		w.run(30 * time.Second)
		cfg := w.cfg
		cfg.MessagesPerConnection = 1
		if err := w.mail.Reconfigure(cfg); err != nil {
			t.Fatal(err)
		}
		before := opened.Load()
		w.pass(20 * time.Second)
		if n := opened.Load() - before; n < 15 {
			t.Errorf("%d connections for 20 messages, want one for each", n)
		}
	})
}

func TestMailer_Reconfigure_refuses(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		before := w.mail.config()
		cfg := w.cfg
		cfg.Retry = []time.Duration{-time.Second}
		if err := w.mail.Reconfigure(cfg); err == nil {
			t.Error("a wait that is not in the future was taken")
		}
		if w.mail.config() != before {
			t.Error("it changed something")
		}
	})
}
