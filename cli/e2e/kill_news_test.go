package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestKill_news kills the relay at random moments while the limits of many accounts are
// reached. Each customer is told of it once: a kill neither loses the news nor has it told by a
// second mail. Only a mail whose reply a kill took may come again, as any message may (RFC 1047).
func TestKill_news(t *testing.T) {
	t.Parallel()
	rng := random(t)
	kills := *killsFlag
	accounts := 3 * kills
	s := newSink(t, behaviour{wait: func(*delivery) { time.Sleep(5 * time.Millisecond) }})
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1s", delivery: "site_connections = " + itoa(siteConnections)})
	r.cli("plan", "add", "one", "--term", "month", "--emails", "1")
	r.start()
	password := map[string]string{}
	for i := range accounts {
		var got struct{ Login, Password string }
		name := fmt.Sprintf("a%d", i)
		r.json(&got, "account", "add", name, "--plan", "one", "--contact", name+"@customer.test")
		password[name] = got.Password
	}
	used := make(chan bool)
	go func() {
		defer close(used)
		trust := r.trust()
		for name, secret := range password {
			for !usedUp(name, func() (*submitter, error) { return login(r.addr("starttls"), trust, name, secret) }) {
				rest(t.Context(), 5*time.Millisecond)
			}
		}
	}()
	for range kills {
		r.running().ready(t)
		rest(t.Context(), time.Duration(rng.Int64N(int64(250*time.Millisecond))))
		r.kill()
		r.launch()
	}
	<-used
	r.running().ready(t)
	until(t, "all are told", func() bool { return len(s.told()) == accounts })
	r.drained()
	twice := 0
	for to, mails := range s.told() {
		if len(mails) != 1 {
			t.Errorf("%s was told by %d mails", to, len(mails))
		}
		for _, n := range mails {
			twice += n - 1
		}
	}
	t.Logf("%d accounts told over %d kills, %d mails came twice", accounts, kills, twice)
	if most := kills * siteConnections; twice > most {
		t.Errorf("%d mails came twice, at most %d can have been in flight at a kill", twice, most)
	}
	r.proven()
	r.stop()
}

// usedUp sends an account's one e-mail, and reports whether a further one is refused for the
// limit. It may be asked again after a kill.
func usedUp(name string, login func() (*submitter, error)) bool {
	c, err := login()
	if err != nil {
		return false
	}
	defer c.close()
	for range 2 {
		if _, err = c.send(compose(name, "me@"+name+".test", []string{"you@there.test"}, 1000), false); err != nil {
			break
		}
	}
	return exceeded(err)
}

// told are relay's own mails that say that a limit is reached, by the address that got them and
// by Message-ID, and how often each came.
func (s *sink) told() map[string]map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]map[string]int{}
	for _, d := range s.taken {
		if d.from != "" || !strings.Contains(d.field("Subject"), "has reached its limit") {
			continue
		}
		for _, to := range d.to {
			if all[to] == nil {
				all[to] = map[string]int{}
			}
			all[to][d.field("Message-ID")]++
		}
	}
	return all
}
