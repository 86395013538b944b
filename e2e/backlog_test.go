package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// startLimit is how long a relay may take to its banner after a kill, with the
// backlog that the flag asks for.
const startLimit = 10 * time.Second

// TestBacklog starts a relay with a long queue, after a kill and after a clean
// stop.
func TestBacklog(t *testing.T) {
	down := newSink(t, behaviour{})
	hop := down.addr()
	down.close() // nobody listens there
	r := newRelay(t, setup{smarthost: hop, retry: "1h", limits: "messages_per_connection = 1000000"})
	r.account("bulk")
	r.cli("account", "network", "add", "bulk", "127.0.0.0/8")
	r.start()
	began := time.Now()
	n := fillQueue(t, r, *backlogFlag)
	t.Logf("%d messages accepted, %.0f a second", n, float64(n)/time.Since(began).Seconds())

	r.kill()
	t.Logf("from start to banner after a kill: %v", banner(t, r))
	wantBacklog(t, r, n)
	r.stop()
	t.Logf("from start to banner after a clean stop: %v", banner(t, r))
	wantBacklog(t, r, n)
	r.proven()
}

// fillQueue sends n messages of 2 KB to many domains.
func fillQueue(t *testing.T, r *relay, n int) int {
	t.Helper()
	const clients = 10
	var done sync.WaitGroup
	errs := make(chan error, clients)
	for k := range clients {
		done.Go(func() {
			c, err := known(r.addr("none"))
			if err != nil {
				errs <- err
				return
			}
			defer c.quit()
			for i := k; i < n; i += clients {
				m := compose(fmt.Sprintf("b%d", i), "a@bulk.test", []string{fmt.Sprintf("to@d%d.test", i%997)}, 1500)
				if _, err := c.send(m, true); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	done.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
	return n
}

// banner starts the relay and measures the time until it greets a client.
func banner(t *testing.T, r *relay) time.Duration {
	t.Helper()
	began := time.Now()
	p := r.launch()
	if _, ok := p.says("tls=none", startLimit+time.Minute); !ok {
		t.Fatalf("the relay does not listen:\n%s", p.log)
	}
	c, err := known(r.addr("none"))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	c.quit()
	if took > startLimit {
		t.Errorf("the relay took %v to its banner, want at most %v", took, startLimit)
	}
	p.ready(t)
	return took.Round(time.Millisecond)
}

// wantBacklog wants all n messages to be there, and the relay to take more.
func wantBacklog(t *testing.T, r *relay, n int) {
	t.Helper()
	if u := r.usage("bulk"); u.Messages != int64(n) || u.Queued != int64(n) {
		t.Errorf("usage %+v, want %d queued", u, n)
	}
	if got := len(r.queue()); got != n {
		t.Errorf("%d messages in the queue, want %d", got, n)
	}
}
