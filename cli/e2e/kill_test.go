package e2e

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// siteConnections is how many connections to the sink the relay may have.
const siteConnections = 10

// TestKill kills the relay at random moments under load. Whatever was
// acknowledged must be delivered or bounced in the end, and be charged exactly;
// what was not acknowledged must not exist, unless the reply was lost.
func TestKill(t *testing.T) {
	t.Parallel()
	rng := random(t)
	kills := *killsFlag
	s := newSink(t, moody(rng.Uint64()))
	r := newRelay(t, setup{
		smarthost: s.addr(), retry: "1s",
		delivery: "site_connections = " + itoa(siteConnections) + "\nnotices_per_hour = 0", // every DSN counts
	})
	password := r.account("load")
	r.start()
	l := &load{r: r, user: "load", password: password, clients: 8, domain: "sender.test",
		pause: 20 * time.Millisecond, large: 0.03, refused: 0.05}
	l.start(t, rng)
	for range kills {
		p := r.running()
		if rng.IntN(6) == 0 {
			rest(t.Context(), time.Duration(rng.Int64N(int64(60*time.Millisecond)))) // while it starts, too
		} else {
			p.ready(t)
			rest(t.Context(), 50*time.Millisecond+time.Duration(rng.Int64N(int64(800*time.Millisecond))))
		}
		r.kill()
		r.launch()
	}
	r.running().ready(t)
	more := max(l.count()+20, enough)
	until(t, "the relay takes mail again after the last kill", func() bool { return l.count() >= more })
	l.finish()
	r.drained()

	settled(t, r, s, l)
	bound := (kills + 1) * siteConnections
	s.mu.Lock()
	t.Logf("%d kills, %d transactions at the sink, %d refusals there, %d transactions doubled (at most %d)",
		kills, len(s.taken), s.refused, s.doubles, bound)
	if s.doubles > bound {
		t.Errorf("%d transactions came twice, at most %d can have been in flight at a kill", s.doubles, bound)
	}
	s.mu.Unlock()

	r.proven()
	r.stop()
	r.proven()
}

// enough messages that were acknowledged prove something.
const enough = 100

// moody is a next hop that is slow, puts off a tenth of the recipients, refuses
// some for good, and now and then loses a message or hangs up.
func moody(seed uint64) behaviour {
	dice := newDice(seed)
	return behaviour{
		rcpt: func(_, to string) string {
			switch {
			case strings.HasPrefix(to, refusedLocal):
				return "550 5.1.1 no such mailbox"
			case dice.roll() < 0.1:
				return "450 4.2.1 not now"
			}
			return ""
		},
		wait: func(*delivery) { time.Sleep(time.Duration(dice.roll() * 20 * float64(time.Millisecond))) },
		data: func(*delivery) string {
			switch x := dice.roll(); {
			case x < 0.03:
				return "451 4.3.0 not now"
			case x < 0.035:
				return hangUp
			}
			return ""
		},
	}
}

// dice are random numbers for several goroutines.
type dice chan *rand.Rand

func newDice(seed uint64) dice {
	d := make(dice, 1)
	d <- rand.New(rand.NewPCG(seed, 2))
	return d
}

// roll is a number from 0 to 1.
func (d dice) roll() float64 {
	rng := <-d
	defer func() { d <- rng }()
	return rng.Float64()
}

// settled compares what the clients know, what the relay says it took and
// charged, and what the sink got, when nothing is queued any more.
func settled(t *testing.T, r *relay, s *sink, l *load) {
	t.Helper()
	fates := l.fates()
	n := tally(fates)
	taken := r.accepted(l.domain)
	u := r.usage(l.user)
	t.Logf("%d messages acknowledged, %d with their reply lost, %d broken off or refused; %d taken; usage %+v",
		n[acked], n[unknown], n[unsent], len(taken), u)
	t.Logf("replies not hoped for: %v", l.refusals)
	if n[acked] < enough {
		t.Errorf("only %d messages were acknowledged: that proves nothing", n[acked])
	}

	var lost, ghosts int
	for id, m := range fates {
		_, ok := taken[id]
		if m.fate == acked && !ok {
			lost++
			t.Errorf("%s was acknowledged and is lost", id)
		}
		if m.fate == unsent && ok {
			ghosts++
			t.Errorf("%s was never sent as a whole, or refused, and was taken", id)
		}
		if lost+ghosts > 20 {
			t.Fatal("and so on")
		}
	}
	charged(t, taken, fates, u)

	s.whole(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	arrivals(t, s, taken, fates, u)
}

// charged wants the usage to be the sum of what was taken, to the octet.
func charged(t *testing.T, taken map[string]event, fates map[string]*sent, u usage) {
	t.Helper()
	var messages, octets int64
	for id, e := range taken {
		m := fates[id]
		if m == nil {
			t.Fatalf("%s was taken, but nobody sent it", id)
		}
		if e.Size != m.size || len(e.Recipients) != len(m.to) {
			t.Errorf("%s was taken with %d octets for %d, sent with %d for %d", id, e.Size, len(e.Recipients), m.size, len(m.to))
		}
		messages += int64(len(m.to))
		octets += m.size * int64(len(m.to))
	}
	if u.Messages != messages || u.Bytes != octets {
		t.Errorf("charged %d e-mails and %d octets, taken were %d and %d", u.Messages, u.Bytes, messages, octets)
	}
}

// arrivals wants each recipient of what was taken to have it, or its sender one
// DSN, and nobody anything else. The sink is locked.
func arrivals(t *testing.T, s *sink, taken map[string]event, fates map[string]*sent, u usage) {
	t.Helper()
	var delivered, bounced int64
	got, told := len(s.counts), len(s.notices)
	for id := range taken {
		m := fates[id]
		for _, to := range m.to {
			k := receipt{m.id, to}
			at, notices := s.counts[k], len(s.notices[k])
			if strings.HasPrefix(to, refusedLocal) {
				bounced++
				told--
				if at != 0 || notices != 1 {
					t.Errorf("%s to %s was refused for good: came %d times, %d DSNs tell it, want one", id, to, at, notices)
				}
				continue
			}
			delivered++
			got--
			if at < 1 || notices != 0 {
				t.Errorf("%s to %s: came %d times, %d DSNs", id, to, at, notices)
			}
		}
	}
	if got != 0 || told != 0 {
		t.Errorf("%d deliveries and %d DSNs of what was not taken, want none", got, told)
	}
	if u.Delivered != delivered || u.Failed != bounced || u.Queued != 0 || u.Deferred != 0 {
		t.Errorf("usage %+v, want %d delivered, %d failed, none queued", u, delivered, bounced)
	}
}
