package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"relay/cli/build"
	"relay/report/api/act"
	"relay/smtp"
	"relay/store"
	"sync"
	"time"
)

// probeLimit is how long a part may take to answer a question about the relay's health.
const probeLimit = 5 * time.Second

// takesMail fails if a message could not be stored now.
func (r *Relay) takesMail(ctx context.Context) error {
	err := r.store.Storable(ctx)
	if errors.Is(err, store.ErrFull) {
		return errors.New("the disk is full: mail is refused with 452 until there is room")
	}
	return err
}

// health answers relay health and relay check.
func (r *Relay) health(ctx context.Context) *act.Health {
	h := &act.Health{Version: build.Read().Version, PID: os.Getpid(), Hostname: r.hostname, Started: r.started}
	for _, l := range r.listeners {
		h.Listeners = append(h.Listeners, listenerHealth(l.Listener, l.Mode))
	}
	for _, l := range r.back {
		h.Bounce = append(h.Bounce, listenerHealth(l, smtp.StartTLS))
	}
	if err := errors.Join(h.Measure(r.store), r.store.Err()); err != nil {
		h.Problem = err.Error()
	}
	h.Certificate = r.certificateHealth()
	h.Sources = r.sourceTrouble()
	h.Connections = deliveries{r.mail}.Connections(ctx)
	h.Probes = r.probe(ctx, probeLimit, question{act.IntakeProbe, r.takesMail})
	h.Healthy = h.Unwell() == ""
	return h
}

func listenerHealth(l net.Listener, mode smtp.Mode) act.Listener {
	is := act.Listener{Addr: l.Addr().String(), TLS: string(mode)}
	if p, ok := l.(*passedSocket); ok {
		is.Socket = p.name
	}
	return is
}

// question is what probe asks a part of the relay.
type question struct {
	name string
	ask  func(context.Context) error
}

// probe asks the store and the queue for a round trip, and more, all at once and within
// limit.
func (r *Relay) probe(ctx context.Context, limit time.Duration, more ...question) []act.Probe {
	all := append([]question{{"store", r.store.Probe}, {"queue", r.mail.Probe}}, more...)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %s", limit.Round(time.Millisecond)))
	defer cancel()
	found := make([]act.Probe, len(all))
	var asked sync.WaitGroup
	for i, p := range all {
		asked.Go(func() {
			start := time.Now()
			err := p.ask(ctx)
			found[i] = act.Probe{Name: p.name, MS: time.Since(start).Milliseconds()}
			if err != nil {
				found[i].Error = err.Error()
			}
		})
	}
	asked.Wait()
	return found
}
