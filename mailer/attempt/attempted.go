package attempt

import (
	"time"

	"relay/store/meter"
	"relay/store/spool"
	"relay/store/spooled"
)

// Meters are what a mailer counts since it began.
type Meters struct {
	Outcomes meter.Table[Attempted]
	Latency  *meter.Histogram // nanoseconds from the acceptance of an e-mail to its delivery
}

// Attempted is what an attempt at a recipient came to.
type Attempted struct {
	Provider string // name of its row; "": no host was chosen
	State    spooled.State
}

// latencyBounds are those of Meters.Latency.
var latencyBounds = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
	time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour, 72 * time.Hour}

func newMeters() Meters { return Meters{Latency: meter.Durations(latencyBounds...)} }

// attempted counts an outcome that is stored.
func (m *Meters) attempted(provider string, state spooled.State, age time.Duration) {
	m.Outcomes.Add(Attempted{provider, state}, 1)
	if state == spooled.Delivered {
		m.Latency.Observe(int64(age))
	}
}

// GaveUp counts recipients that expired without another attempt.
func (m *Meters) GaveUp(results []spool.Result) {
	for i := range results {
		for _, o := range results[i].Outcomes {
			if o.State == spooled.Expired {
				m.attempted("", o.State, 0)
			}
		}
	}
}
