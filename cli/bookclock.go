package cli

import (
	"relay/cli/clock"
	"relay/cli/memlimit"
	"relay/store"
)

// storeOptions of the relay's store. A clock of its own, as the sandbox's, is meant
// to be elsewhere than the system's.
func (r *relay) storeOptions() store.Options {
	o := store.Options{Now: r.clock.Now, Zone: r.cfg.Zone(), Log: r.log, Billing: r.cfg.Billing.Store(), Memory: memlimit.Bodies(r.memory), HighWater: r.dir.Numbers()}
	if r.clock == (clock.Clock{}) {
		o = clock.Guard(&r.cfg, r.host.wall, r.host.kept, o)
	}
	return o
}
