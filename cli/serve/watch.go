package serve

import (
	"context"
	"relay/report/api/act"
	"relay/report/words"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// statusEvery is how often the service manager hears how the relay is.
const statusEvery = 10 * time.Second

// startWatch starts the goroutine that tells the supervisor how the relay is. Run stops
// it after all other parts, so that a relay that drains is not taken for a dead one.
func (r *Relay) startWatch(ctx context.Context) *parts {
	ps := newParts()
	if r.notify.Notify != nil {
		ps.start(ctx, "watch", r.watch)
	}
	return ps
}

// watch gives the supervisor signs of life until ctx is done.
func (r *Relay) watch(ctx context.Context) error {
	limit, every := statusEvery, statusEvery
	if w := r.notify.Watchdog; w > 0 {
		limit = w / 3
		every = min(every, limit)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			r.signOfLife(ctx, limit)
		}
	}
}

// signOfLife tells the watchdog that the relay works. It asks the queue and the store,
// since a ticking goroutine proves nothing. While the relay drains the sign is given
// unasked: the drain has its own deadline.
func (r *Relay) signOfLife(ctx context.Context, limit time.Duration) {
	var found []act.Probe
	if r.notify.Watchdog > 0 && !r.drains() {
		found = r.probe(ctx, limit)
	}
	if r.drains() || ctx.Err() != nil { // again: a drain that begins during the probe leaves it unanswered
		r.notify.tell(daemon.SdNotifyWatchdog)
		return
	}
	well := true
	for _, p := range found {
		if p.Error != "" {
			well = false
			r.logNoSign(p)
			r.notify.tell(statusLine("not OK: %s", p.Error))
		}
	}
	if well {
		r.notify.tell(daemon.SdNotifyWatchdog, r.queueStatus())
	}
}

// drains reports whether the relay has begun to stop.
func (r *Relay) drains() bool {
	select {
	case <-r.Stopping:
		return true
	default:
		return false
	}
}

// queueStatus is the line of a relay that works: how much is in the queue.
func (r *Relay) queueStatus() string {
	sum, err := r.store.Spool.Totals()
	if err != nil {
		return statusLine("the store cannot be read: %v", err)
	}
	return statusLine("%s in the queue", words.Plural(sum.Messages, "message"))
}
