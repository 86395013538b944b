package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// load is many mail programs at work: they log in, send a few messages, go away,
// sometimes in the middle of one, and come again, whether the relay is there or
// not. None sends a message twice.
type load struct {
	r        *relay
	trust    *tls.Config
	user     string
	password string
	clients  int
	domain   string        // of the senders
	pause    time.Duration // at most, between two messages of a client
	large    float64       // share of messages above 1 MiB
	refused  float64       // share of recipients that the sink never takes

	stop context.CancelFunc
	done sync.WaitGroup

	mu       sync.Mutex
	sent     map[string]*sent // by Message-ID
	acked    int
	refusals map[string]int // replies other than those hoped for
}

// sent is what the client of a message knows.
type sent struct {
	*mail
	fate fate
	size int64
}

// refusedLocal is the local part of recipients that the sink never takes.
const refusedLocal = "refused"

// start sets the clients to work, until the test ends or finish is called.
func (l *load) start(t *testing.T, rng *rand.Rand) {
	t.Helper()
	var ctx context.Context
	ctx, l.stop = context.WithCancel(context.Background())
	t.Cleanup(l.finish)
	l.trust = l.r.trust()
	l.sent, l.refusals = map[string]*sent{}, map[string]int{}
	for i := range l.clients {
		own := rand.New(rand.NewPCG(rng.Uint64(), uint64(i)))
		l.done.Go(func() { l.client(ctx, i, own) })
	}
}

// finish lets each client end what it is at.
func (l *load) finish() {
	l.stop()
	l.done.Wait()
}

func (l *load) client(ctx context.Context, n int, rng *rand.Rand) {
	for k := 0; ctx.Err() == nil; {
		c, err := login(l.r.addr("starttls"), l.trust, l.user, l.password)
		if err != nil {
			l.note(err)
			rest(ctx, 10*time.Millisecond)
			continue
		}
		for range 1 + rng.IntN(20) {
			if ctx.Err() != nil {
				break
			}
			m := l.compose(fmt.Sprintf("c%d-%d", n, k), rng)
			k++
			if rng.IntN(50) == 0 {
				c.vanish(m, rng)
				l.keep(m, unsent)
				break
			}
			fate, err := c.send(m, rng.IntN(2) == 0)
			l.keep(m, fate)
			if err != nil {
				l.note(err)
				break
			}
			rest(ctx, time.Duration(rng.Int64N(int64(l.pause)+1)))
		}
		c.close()
	}
}

// vanish sends a part of a message, perhaps all but the final dot, and goes away.
func (c *submitter) vanish(m *mail, rng *rand.Rand) {
	if c.envelope(m, true) == nil {
		content := stuffed(m.content)
		_ = c.write(content[:len(content)-rng.IntN(2)*rng.IntN(len(content))]) // it goes away in any case
	}
	c.close()
}

// rest is a client's pause.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// compose draws a message: 1 to 5 recipients in a few domains, 1 KB to 300 KB,
// small ones more often, and now and then one above 1 MiB.
func (l *load) compose(id string, rng *rand.Rand) *mail {
	to := make([]string, 1+rng.IntN(5))
	for i := range to {
		local := "taken"
		if rng.Float64() < l.refused {
			local = refusedLocal
		}
		to[i] = fmt.Sprintf("%s%d@d%d.test", local, i, rng.IntN(4))
	}
	size := int(1000 * math.Pow(300, rng.Float64()))
	if rng.Float64() < l.large {
		size = 1<<20 + rng.IntN(1<<20)
	}
	return compose(id, "sender@"+l.domain, to, size)
}

func (l *load) keep(m *mail, f fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[m.messageID()] = &sent{&mail{id: m.id, from: m.from, to: m.to}, f, int64(len(m.content))}
	if f == acked {
		l.acked++
	}
}

func (l *load) note(err error) {
	if bad, ok := errors.AsType[*unexpected](err); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refusals[bad.Error()]++
	}
}

// count of the messages that were acknowledged so far.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked
}

// fates is what the clients know at this moment.
func (l *load) fates() map[string]*sent {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := make(map[string]*sent, len(l.sent))
	for id, m := range l.sent {
		now[id] = m
	}
	return now
}

// tally counts fates.
func tally(all map[string]*sent) (n [acked + 1]int) {
	for _, m := range all {
		n[m.fate]++
	}
	return n
}
