package mailer

import (
	"context"
	"fmt"
	"time"
)

// Site is what the mailer knows at a moment of where a domain's mail goes. It is
// only known of what there was mail for lately.
type Site struct {
	Name        string    // what tells it from other sites: its hosts, as a rule
	Connections int       // open, or being made
	Limit       int       // connections allowed now
	Claimed     int       // messages that wait for a connection
	Down        time.Time // left alone until then; zero: it is not
	Failures    int       // in a row
	Why         string    // the last failure
}

// Sites says what is known of the sites of domains; those of which nothing is are
// missing. It fails when the schedule does not answer before ctx ends.
func (m *Mailer) Sites(ctx context.Context, domains []string) (map[string]Site, error) {
	known := make(map[string]Site, len(domains))
	err := m.ask(ctx, func(s *schedule) {
		now := m.store.Now()
		paused := s.pausedDomains(now)
		for _, name := range domains {
			if d := s.domains[m.routeKey(name)]; d != nil && d.site != nil {
				v := d.site.snapshot(now)
				if p := paused[name]; p != nil && v.Down.IsZero() {
					v.Down, v.Failures, v.Why = p.until, p.failures, p.why
				}
				known[name] = v
			}
		}
	})
	return known, err
}

func (s *site) snapshot(now time.Time) Site {
	v := Site{Name: s.key, Connections: s.workers, Limit: s.limit, Claimed: s.queue.len(), Failures: s.failures, Why: s.why}
	if s.blocked(now) {
		v.Down = s.until
	}
	return v
}

// ask has the schedule run fn, which must be quick.
func (m *Mailer) ask(ctx context.Context, fn func(*schedule)) error {
	done := make(chan struct{})
	select {
	case m.asks <- func(s *schedule) { fn(s); close(done) }:
		<-done
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the schedule of deliveries does not answer: %w", context.Cause(ctx))
	}
}
