package mailer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMailer_Sites(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.dead("dead.test")
		h := w.host("slow.test")
		h.say = func(x *exchange) string {
			if x.verb == "MAIL" {
				time.Sleep(30 * time.Second)
			}
			return ""
		}
		w.send("you@dead.test")
		slow := w.send("you@slow.test")
		w.start()
		w.pass(10 * time.Second)
		limit, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()

		sites, err := w.mail.Sites(limit, []string{"dead.test", "slow.test", "unheard.test"})
		if err != nil || len(sites) != 2 {
			t.Fatalf("Sites = %+v, %v, want two", sites, err)
		}
		if s := sites["dead.test"]; !s.Down.After(w.mail.store.Now()) || s.Failures != 1 || s.Why == "" || s.Connections != 0 {
			t.Errorf("dead.test: %+v, want it down", s)
		}
		if s := sites["slow.test"]; !s.Down.IsZero() || s.Connections != 1 || s.Limit < 1 || !strings.Contains(s.Name, "slow.test") {
			t.Errorf("slow.test: %+v, want a connection", s)
		}
		hand, err := w.mail.InHand(limit)
		if err != nil || len(hand) != 1 || !hand[slow] {
			t.Errorf("InHand = %v, %v, want %s", hand, err, slow)
		}

		w.pass(time.Minute)
		limit, cancel = context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if hand, err := w.mail.InHand(limit); err != nil || len(hand) != 0 {
			t.Errorf("InHand = %v, %v, want nothing any more", hand, err)
		}
		w.halt()
		synctest.Wait()
		if _, err := w.mail.Sites(limit, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sites after the end = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}
