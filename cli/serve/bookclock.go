package serve

import (
	"relay/cli/clock"
	"relay/cli/memlimit"
	"relay/store"
)

// storeOptions of the relay's store. A clock of its own, as the sandbox's, is meant
// to be elsewhere than the system's.
func (r *Relay) storeOptions() store.Options {
	o := store.Options{Now: r.Clock.Now, Zone: r.cfg.Zone(), Log: r.Log, Billing: r.cfg.Billing.Store(), Memory: memlimit.Bodies(r.memory), HighWater: r.dir.Numbers()}
	if r.Clock == (clock.Clock{}) {
		o = clock.Guard(&r.cfg, r.host.Wall, r.host.Kept, o)
	}
	return o
}
