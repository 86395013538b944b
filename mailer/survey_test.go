package mailer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/survey"
)

// What a survey says of a domain, and that nothing is sent at it.
func TestSurvey(t *testing.T) {
	mine, pool := certificate(t, "mx.example.test")
	other, _ := certificate(t, "another.test")
	enforce := stsPolicy("enforce", time.Hour, "mx.example.test")
	for _, c := range []struct {
		name    string
		policy  string
		address string
		set     func(w *world, h *mx)
		want    []string
		not     string
	}{
		{"all well", enforce, "you@example.test", func(_ *world, h *mx) { h.tls = mine },
			[]string{"route 0 MX mx.example.test, port 25", "MTA-STS 0 policy with mode enforce, mx mx.example.test", "DANE 0 does not count",
				"mx.example.test EHLO 0", "PIPELINING, 8BITMIME", "mx.example.test TLS 0 TLS1.3", "as the domain wants it", "mx.example.test RCPT 0 250 2.1.5 ok"}, ""},
		{"a domain", "", "", func(_ *world, h *mx) { h.tls = other },
			[]string{"MTA-STS 0 no policy", "its certificate is not asked for, and would not be valid: certificate"}, "RCPT"},
		{"another certificate", enforce, "you@example.test", func(_ *world, h *mx) { h.tls = other },
			[]string{"mx.example.test TLS 3 the MTA-STS policy of example.test wants a valid certificate"}, "RCPT"},
		{"no TLS", "", "you@example.test", func(*world, *mx) {}, []string{"TLS 1 none", "RCPT 0 250"}, ""},
		{"a policy that cannot be fetched", "odd", "", func(*world, *mx) {}, []string{"MTA-STS 1 the domain says that it has a policy, which cannot be fetched"}, ""},
		{"pinned", "", "", func(w *world, h *mx) { h.tls = other; w.pins("example.test", tlsaOf(w.t, other)) },
			[]string{"DANE 0 DNSSEC proves the MX; TLSA records of mx.example.test", "as the domain wants it"}, ""},
		{"unknown", "", "you@example.test", func(_ *world, h *mx) { h.say = at("RCPT", "550 5.1.1 no such user") }, []string{"RCPT 2 550 5.1.1 no such user (InvalidRecipient)"}, ""},
		{"greylisted", "", "you@example.test", func(_ *world, h *mx) { h.say = at("RCPT", "451 4.7.1 greylisted") }, []string{"RCPT 3 451 4.7.1 greylisted"}, ""},
		{"silent", "", "", func(_ *world, h *mx) { h.say = at("greeting", hang) }, []string{"mx.example.test greeting 3 mx.example.test[11.0.0.2]:25: no answer in time"}, "EHLO"},
		{"two hosts", "", "", func(w *world, _ *mx) {
			w.dead("second.test")
			w.point("example.test", "mx.second.test", "mx.example.test")
		},
			[]string{"mx.second.test connect 3", "mx.example.test EHLO 0"}, ""},
		{"no such domain", "", "", func(w *world, _ *mx) {
			delete(w.dns.mx, "example.test")
			w.dns.fail["example.test"] = route.ErrNotFound
		},
			[]string{"route 2 5.1.2 the domain example.test does not exist"}, "EHLO"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, settings.Config{MTASTS: true, DANE: true, RootCAs: pool, Policies: &publisher{text: map[string]string{"example.test": c.policy}}}, func(w *world) {
				h := w.host("example.test")
				if c.policy != "" {
					w.publishes("example.test", "1")
				}
				c.set(w, h)
				var said []string
				err := w.mail.Survey(context.Background(), "example.test", c.address, func(s *survey.Sight) error {
					said = append(said, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", s.Host, s.Stage, s.Level, s.Detail)))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				all := strings.Join(said, "\n")
				for _, want := range c.want {
					if !strings.Contains(all, want) {
						t.Errorf("%q is not in\n%s", want, all)
					}
				}
				if c.not != "" && strings.Contains(all, c.not) {
					t.Errorf("%q is in\n%s", c.not, all)
				}
				if len(h.messages()) != 0 {
					t.Error("a message was sent")
				}
			})
		})
	}
}
