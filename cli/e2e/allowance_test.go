package e2e

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// TestAllowance lets a hundred connections race for the last e-mails of an
// allowance, while the relay is killed in the middle: never is more accepted than
// it holds, and in the end exactly so much.
func TestAllowance(t *testing.T) {
	t.Parallel()
	const connections, allowance = 100, 5000
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h", limits: "connections_per_account = 1000\nerrors = 1000"})
	r.cli("plan", "add", "small", "--term", "month", "--emails", itoa(allowance))
	r.cli("account", "add", "acme", "--plan", "small")
	r.cli("account", "network", "add", "acme", "127.0.0.0/8")
	r.start()
	var taken, lost atomic.Int64
	race := func(round string, until int64) {
		var done sync.WaitGroup
		addr := r.addr("none")
		for k := range connections {
			done.Go(func() {
				c, err := known(addr)
				if err != nil {
					return
				}
				defer c.close()
				for n := 0; taken.Load() < until; n++ {
					to := []string{"one@there.test", "two@there.test", "three@there.test"}[:1+n%3]
					f, err := c.send(compose(fmt.Sprintf("%s-%d-%d", round, k, n), "a@acme.test", to, 1000), false)
					switch {
					case f == acked:
						taken.Add(int64(len(to)))
					case f == unknown:
						lost.Add(int64(len(to)))
						return
					case !exceeded(err) || len(to) == 1:
						return
					}
				}
			})
		}
		done.Wait()
	}
	ended := make(chan bool)
	go func() {
		defer close(ended)
		race("first", allowance)
	}()
	until(t, "a third of the allowance is used", func() bool { return taken.Load() > allowance/3 })
	r.kill()
	<-ended
	u := r.usage("acme")
	if got := taken.Load(); u.Messages < got || u.Messages > got+lost.Load() || u.Messages > allowance {
		t.Errorf("%d e-mails charged after a kill, %d were acknowledged, %d may have been", u.Messages, got, lost.Load())
	}
	t.Logf("at the kill: %d e-mails acknowledged, %d charged", taken.Load(), u.Messages)
	taken.Store(u.Messages)
	r.start()
	race("second", 2*allowance)
	if got, u := taken.Load(), r.usage("acme"); got != allowance || u.Messages != allowance {
		t.Errorf("%d e-mails accepted and %d charged, want exactly %d", got, u.Messages, allowance)
	}
	c, err := known(r.addr("none"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if _, err := c.send(compose("over", "a@acme.test", []string{"one@there.test"}, 1000), false); !exceeded(err) {
		t.Errorf("one more message: %v, want 552", err)
	}
	r.proven()
	r.stop()
	r.proven()
}

// exceeded reports whether a message was refused for the allowance.
func exceeded(err error) bool {
	bad, ok := err.(*unexpected)
	return ok && bad.reply.code == 552
}

// TestStranger tries to send without an account, on every listener.
func TestStranger(t *testing.T) {
	t.Parallel()
	r := newRelay(t, setup{})
	r.account("acme")
	r.start()
	for _, mode := range []string{"starttls", "none"} {
		c, err := known(r.addr(mode))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.expect(530, "MAIL FROM:<a@acme.test>"); err != nil {
			t.Errorf("%s: MAIL without a login: %v, want 530", mode, err)
		}
		c.close()
	}
	if c, err := login(r.addr("starttls"), r.trust(), "acme", "wrong"); err == nil {
		c.close()
		t.Error("a wrong password was taken")
	}
	for _, user := range []string{"acme", "nobody"} {
		_, err := login(r.addr("starttls"), r.trust(), user, "wrong")
		if bad, ok := err.(*unexpected); !ok || bad.reply.code != 535 {
			t.Errorf("log in as %s with a wrong password: %v, want 535", user, err)
		}
	}
	if u := r.usage("acme"); u != (usage{}) {
		t.Errorf("usage %+v, want none", u)
	}
	r.stop()
}
