package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// back is the configuration of a relay that takes what comes back.
const back = "\n[bounce]\nlisten = [\"127.0.0.1:0\"]\n[report]\noperator = \"operator@there.test\""

// TestKill_backmail kills the relay at random moments while reports come back. One that was
// answered with 250 counts after the restart, once, and its customer gets it.
func TestKill_backmail(t *testing.T) {
	t.Parallel()
	rng := random(t)
	kills := *killsFlag
	reports := 20 * kills
	s := newSink(t, behaviour{})
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1s", limits: back, delivery: "notices_per_hour = 0"})
	password := r.account("shop")
	r.cli("account", "set", "shop", "--verp", "on", "--sender", "@shop.test")
	r.start()
	c := r.open("shop", password)
	for i := range reports {
		c.must(t, compose(fmt.Sprint("m", i), "me@shop.test", []string{fmt.Sprintf("r%d@there.test", i)}, 500))
	}
	c.quit()
	until(t, "all mail is delivered", func() bool { return s.total() == reports })
	told := make(chan bool)
	go func() {
		defer close(told)
		for i := range reports {
			d := s.find(fmt.Sprint("m", i))[0]
			for !r.report(d.from, i) && t.Context().Err() == nil {
				rest(t.Context(), 5*time.Millisecond)
			}
		}
	}()
	for range kills {
		r.running().ready(t)
		rest(t.Context(), time.Duration(rng.Int64N(int64(150*time.Millisecond))))
		r.kill()
		r.launch()
	}
	<-told
	r.running().ready(t)
	var u struct{ Bounced int }
	if r.json(&u, "usage", "shop"); u.Bounced != reports {
		t.Errorf("%d of %d reports count", u.Bounced, reports)
	}
	var listed []struct{ Recipient string }
	if r.json(&listed, "errors", "shop"); len(listed) != reports {
		t.Errorf("%d of %d recipients are in the list of errors", len(listed), reports)
	}
	until(t, "the customer has every report", func() bool { return len(s.passedOn("me@shop.test")) == reports })
	r.proven()
	r.stop()
}

// report hands a report to the relay and says whether it answered with 250.
func (r *relay) report(to string, i int) bool {
	p := r.running()
	if p == nil {
		return false
	}
	c, err := dial(p.addr("back"))
	if err != nil {
		return false
	}
	defer c.close()
	text := fmt.Sprintf("From: MAILER-DAEMON@there.test\r\nTo: you\r\nSubject: Undelivered %d\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt failed.\r\n"+
		"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; there.test\r\n\r\n"+
		"Final-Recipient: rfc822; r%d@there.test\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown\r\n\r\n--b--\r\n.", i, i)
	for _, step := range []struct {
		code int
		line string
	}{{250, "EHLO there.test"}, {250, "MAIL FROM:<>"}, {250, "RCPT TO:<" + to + ">"}, {354, "DATA"}, {250, text}} {
		if c.expect(step.code, step.line) != nil {
			return false
		}
	}
	return true
}

// passedOn are the subjects of the reports that an address got.
func (s *sink) passedOn(to string) map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]bool{}
	for _, d := range s.taken {
		if subject := d.field("Subject"); d.from == "" && strings.HasPrefix(subject, "Undelivered ") && d.to[0] == to {
			all[subject] = true
		}
	}
	return all
}

// TestNoRelay has the probes of others look for an open relay where mail comes back.
func TestNoRelay(t *testing.T) {
	t.Parallel()
	s := newSink(t, behaviour{})
	r := newRelay(t, setup{smarthost: s.addr(), limits: back})
	p := r.start()
	host, port, _ := strings.Cut(p.addr("back"), ":")
	t.Run("nmap", func(t *testing.T) {
		need(t, "nmap")
		got := finish(t, command("nmap", "-Pn", "-p", port, "-sV", "--version-light", "--script", "smtp-open-relay", "--script-args", "smtp-open-relay.domain=relay.test", host))
		if got.code != 0 || strings.Contains(got.out, "is an open relay") {
			t.Errorf("%+v", got)
		}
	})
	for name, args := range map[string][]string{
		"stranger":     {"--from", "a@elsewhere.test", "--to", "b@there.test"},
		"percent":      {"--from", "a@elsewhere.test", "--to", "b%there.test@relay.test"},
		"source route": {"--from", "a@elsewhere.test", "--to", "@relay.test:b@there.test"},
		"own name":     {"--from", "postmaster@relay.test", "--to", "b@there.test"},
		"login":        {"--from", "a@elsewhere.test", "--to", "b@there.test", "--auth", "PLAIN", "--auth-user", "x", "--auth-password", "y"},
	} {
		t.Run("swaks "+name, func(t *testing.T) {
			need(t, "swaks")
			got := finish(t, command("swaks", append(args, "--server", host, "--port", port, "--ehlo", "probe.test", "--timeout", "20")...))
			if got.code == 0 {
				t.Errorf("it was taken:\n%s", got.out)
			}
		})
	}
	if n := s.total(); n != 0 || bytes.Contains([]byte(r.cli("queue", "list")), []byte("there.test")) {
		t.Errorf("%d messages went out", n)
	}
	r.stop()
}
