package cli

import (
	"time"

	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/kernel"
	"relay/cli/memlimit"
	"relay/report/api/act"
	"relay/store"
)

// clockOf the open store's books; nil: it goes.
func clockOf(st *store.Store) *act.Clock {
	if h := st.Hold(); h != nil {
		return &act.Clock{Stands: h.Stands, Wall: h.Wall}
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
