package clock

import (
	"time"

	"relay/cli/config"
	"relay/cli/kernel"
	"relay/store"
)

// Guard sets the options by which the store checks the system's clock, unless the
// configuration trusts it. Tests pass a clock of their own; nil stands for the system's.
func Guard(cfg *config.Config, wall func() time.Time, known func() bool, o store.Options) store.Options {
	o.Now, o.Kept = wall, known
	if o.Kept == nil {
		o.Kept = kept
	}
	o.TrustClock = cfg.TrustClock
	return o
}

// kept reports whether NTP keeps the system's clock. A system that cannot tell is
// believed.
func kept() bool {
	state, err := kernel.ReadClock()
	return err != nil || state.Synced
}
