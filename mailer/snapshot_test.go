package mailer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relay/mailer/settings"
	"relay/mailer/view"
	"relay/store/spooled"
)

func TestMailer_Sites(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		w.dead("dead.test")
		h := w.host("slow.test")
		h.say = func(x *exchange) string {
			if x.verb == "MAIL" {
				time.Sleep(30 * time.Second)
			}
			return ""
		}
		dead := w.send("you@dead.test")
		slow := w.send("you@slow.test")
		w.start()
		w.pass(10 * time.Second)
		limit, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()

		sites, err := w.mail.Sites(limit, []string{"dead.test", "slow.test", "unheard.test"})
		if err != nil || len(sites) != 2 {
			t.Fatalf("Sites = %+v, %v, want two", sites, err)
		}
		if s := sites["dead.test"]; !s.Down.After(w.mail.spool.Now()) || s.Failures != 1 || s.Why == "" || s.Connections != 0 {
			t.Errorf("dead.test: %+v, want it down", s)
		}
		if s := sites["slow.test"]; !s.Down.IsZero() || s.Connections != 1 || s.Limit < 1 || !strings.Contains(s.Name, "slow.test") {
			t.Errorf("slow.test: %+v, want a connection", s)
		}
		at := func(id spooled.ID, domain string) view.Place {
			return view.Place{ID: id, Lane: spooled.Lane{Domain: domain, Account: "acme"}}
		}
		places := []view.Place{at(slow, "slow.test"), at(dead, "dead.test"), at(dead, "unheard.test")}
		list, err := w.mail.Outlooks(limit, places)
		if err != nil || !list[0].InHand || list[0].Wait != "" || list[2] != (view.Outlook{}) {
			t.Errorf("Outlooks = %+v, %v, want the first in hand and nothing of the last", list, err)
		}
		if is := list[1]; is.InHand || is.Wait != view.WaitDown || is.Failures != 1 || is.Why == "" || !is.Until.Equal(sites["dead.test"].Down) {
			t.Errorf("dead.test: %+v, want it down as its site is", is)
		}

		w.pass(time.Minute)
		limit, cancel = context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if list, err := w.mail.Outlooks(limit, places); err != nil || list[0] != (view.Outlook{}) {
			t.Errorf("Outlooks = %+v, %v, want nothing in hand any more", list, err)
		}
		w.halt()
		synctest.Wait()
		if _, err := w.mail.Sites(limit, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sites after the end = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}
