package mailer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"relay/mailer/pace"
)

// Site is what the mailer knows at a moment of where a domain's mail goes. It is
// only known of what there was mail for lately.
type Site struct {
	Name        string    // of the place: its hosts, as a rule
	Source      string    // its name; "": the only one
	Connections int       // open, or being made
	Limit       int       // connections allowed now
	Claimed     int       // messages that wait for a connection
	Down        time.Time // left alone until then; zero: it is not
	Failures    int       // in a row
	Why         string    // the last failure

	Row       pace.Row    // what its provider takes; without a name where it is not known
	Limits    pace.Limits // of that, what is used
	Pace      float64     // messages a minute now; 0: any number
	Allowed   int         // connections now; Limit feels its way up to it
	Sent      float64     // in the last minute
	Suspended time.Time   // it told us to stop until then; zero: it did not
	Since     time.Time   // when it told us to go slower, or to stop; zero: it goes at its row
	Reply     string      // what it said then
	Delivered int64       // recipients, since the site is known
	Deferred  int64
	Failed    int64
	Last      []Reply // the newest last
}

// Sites says what is known of the sites of domains; those of which nothing is are
// missing. It fails when the schedule does not answer before ctx ends.
func (m *Mailer) Sites(ctx context.Context, domains []string) (map[string]Site, error) {
	known := make(map[string]Site, len(domains))
	err := m.ask(ctx, func(s *schedule) {
		now := m.store.Now()
		paused := s.pausedDomains(now)
		for _, name := range domains {
			if d := s.domains[m.routeKey(name)]; d != nil && d.place != nil {
				t := d.place.front(now)
				if t == nil {
					continue
				}
				v := t.snapshot(now)
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
	v := Site{Name: s.key, Source: s.origin.name, Connections: s.workers, Limit: s.limit, Claimed: s.queue.len(), Failures: s.failures, Why: s.why}
	if s.down(now) {
		v.Down = s.until
	}
	s.addPace(&v, now)
	return v
}

// addPace says how fast mail may go.
func (s *site) addPace(v *Site, now time.Time) {
	st := s.gate.State(now)
	v.Allowed = s.gate.Connections(now)
	v.Limits, v.Pace, v.Sent, v.Since, v.Reply = s.gate.Limits(), s.gate.Rate(now), s.gate.Sent(now), st.Since, st.Why
	if s.row != nil {
		v.Row = *s.row
	}
	if s.gate.Stopped(now) {
		v.Suspended = st.Until
	}
	v.Delivered, v.Deferred, v.Failed = s.heard.delivered, s.heard.deferred, s.heard.failed
	v.Last = slices.Clone(s.heard.last)
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
