package cli

import (
	"fmt"
	"time"

	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/kernel"
	"relay/cli/memlimit"
	"relay/report/jobs"
	"relay/report/words"
	"relay/store"
)

// booksJobs go by the clock of the books.
const booksJobs = jobs.Close + ", " + jobs.Dun + " and " + jobs.Warn

// holdText says what the clock of the books does.
func holdText(h *control.Clock, zone *time.Location) string {
	return fmt.Sprintf("the clock was plainly wrong (%s), the books stand still at %s", words.Stamp(h.Wall, zone), words.Stamp(h.Stands, zone))
}

// clockOf the open store's books; nil: it goes.
func clockOf(st *store.Store) *control.Clock {
	if h := st.Hold(); h != nil {
		return &control.Clock{Stands: h.Stands, Wall: h.Wall}
	}
	return nil
}

// storeOptions of the relay's store. A clock of its own, as the sandbox's, is meant
// to be elsewhere than the system's.
func (r *relay) storeOptions() store.Options {
	o := store.Options{Now: r.clock.Now, Zone: r.cfg.Zone(), Log: r.log, Billing: r.cfg.Billing.Store(), Memory: memlimit.Bodies(r.memory), HighWater: r.dir.Numbers()}
	if r.clock == (clock.Clock{}) {
		o = guarded(&r.cfg, r.host.wall, r.host.kept, o)
	}
	return o
}

// guarded has the system's clock watched, unless the configuration trusts it.
func guarded(cfg *config.Config, wall func() time.Time, kept func() bool, o store.Options) store.Options {
	o.Now, o.Kept = wall, kept
	if o.Kept == nil {
		o.Kept = clockKept
	}
	o.TrustClock = cfg.TrustClock
	return o
}

// clockKept reports whether somebody keeps the system's clock. A system that does
// not say is believed.
func clockKept() bool {
	state, err := kernel.ReadClock()
	return err != nil || state.Synced
}

// believeClock is the operator's word that the clock is right, if it is in doubt.
func (c *call) believeClock() (now time.Time, err error) {
	if c.st.Hold() == nil {
		return c.now(), nil
	}
	if err := c.st.BelieveClock(); err != nil {
		return now, err
	}
	c.note("the clock is believed, the books go on at %s", c.stamp(c.now()))
	return c.now(), nil
}
