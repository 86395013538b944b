package serve

import (
	"relay/cli/clock"
	"relay/cli/memlimit"
	"relay/store"
)

// storeOptions of the relay's store. A clock of its own, as the sandbox's, is meant
// to be elsewhere than the system's.
func (r *Relay) storeOptions() store.Options {
	o := store.Options{Now: r.Clock.Now, Zone: r.Cfg.Zone(), Log: r.Log, Billing: r.Cfg.Billing.Store(), Memory: memlimit.Bodies(r.memory), HighWater: r.dir.Numbers()}
	if r.Clock == (clock.Clock{}) {
		o = clock.Guard(&r.Cfg, r.Host.Wall, r.Host.Kept, o)
	}
	return o
}
