package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"relay/report/api/act"
	"relay/report/words"
)

// Supervisor is the service manager above the process: systemd, or another one
// that speaks its sd_notify protocol. The zero one is nobody.
type Supervisor struct {
	Notify   func(state string) error // nil: nobody listens
	Watchdog time.Duration            // it ends a process that gives no sign of life for so long; 0: it does not watch
}

// Systemd is the supervisor that the environment names. Its variables are taken
// out of the environment: they are for this process and none of its children.
func Systemd() Supervisor {
	var s Supervisor
	if socket := os.Getenv("NOTIFY_SOCKET"); socket != "" {
		s.Notify = func(state string) error { return sendState(socket, state) }
	}
	_ = os.Unsetenv("NOTIFY_SOCKET")
	if every, err := daemon.SdWatchdogEnabled(true); err == nil { // what is no time is not watched
		s.Watchdog = every
	}
	return s
}

// sendState sends one datagram. A service manager that does not read is not
// waited for.
func sendState(socket, state string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return err
}

// notifier tells the supervisor how the relay is. Its methods may be called from
// any goroutine, and do nothing where nobody listens.
type notifier struct {
	Supervisor
	log *slog.Logger

	mu     sync.Mutex
	status string // the last one
	deaf   bool   // the last message did not arrive
}

// tell sends lines such as READY=1. A status that was sent already is left out.
func (n *notifier) tell(lines ...string) {
	if n.Notify == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var fresh []string
	for _, l := range lines {
		if text, ok := strings.CutPrefix(l, "STATUS="); ok {
			if text == n.status {
				continue
			}
			n.status = text
		}
		fresh = append(fresh, strings.TrimSuffix(l, "\n"))
	}
	if fresh == nil {
		return
	}
	err := n.Notify(strings.Join(fresh, "\n"))
	if err != nil && !n.deaf {
		n.logDeaf(err)
	}
	if n.deaf = err != nil; n.deaf {
		n.status = "" // to be sent again
	}
}

func (n *notifier) logDeaf(err error) {
	n.log.Warn("the service manager cannot be told how the relay is", "err", err)
}

// status is a line for people, as systemctl status shows it.
func statusLine(format string, args ...any) string {
	return "STATUS=" + strings.ReplaceAll(words.Clean(fmt.Sprintf(format, args...)), "\n", "; ")
}

// moreTime asks that start or stop may take so long from now on.
func moreTime(d time.Duration) string {
	return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds())
}

func (n *notifier) ready() { n.tell(daemon.SdNotifyReady, statusLine("ready")) }

// stopping asks for the time that the relay grants itself, and a little more.
func (n *notifier) stopping(atMost time.Duration) {
	n.tell(daemon.SdNotifyStopping, moreTime(atMost+5*time.Second), statusLine("letting what is under way end, %s at most", atMost))
}

// reloading is followed by reloaded.
func (n *notifier) reloading() {
	n.tell(daemon.SdNotifyReloading, daemon.SdNotifyMonotonicUsec(), statusLine("reading the configuration again"))
}

// reloaded ends what reloading began, whatever came of it.
func (n *notifier) reloaded(format string, args ...any) {
	n.tell(daemon.SdNotifyReady, statusLine(format, args...))
}

const (
	startStep = 30 * time.Second // granted at a time while the start goes on
	startTick = 10 * time.Second
)

// during runs fn, which may take long at the start, and asks for more time as
// long as it does.
func (n *notifier) during(what string, fn func() error) error {
	if n.Notify == nil {
		return fn()
	}
	over := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() {
		tick := time.NewTicker(startTick)
		defer tick.Stop()
		for {
			n.tell(moreTime(startStep), statusLine("%s", what))
			select {
			case <-over:
				return
			case <-tick.C:
			}
		}
	})
	defer teller.Wait()
	defer close(over)
	return fn()
}

// statusEvery is how often the service manager hears how the relay is.
const statusEvery = 10 * time.Second

// startWatch has the supervisor told how the relay is until its part is stopped,
// which outlives the others.
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

// signOfLife is given when the queue and the store work, not when a goroutine of
// its own still turns. While the relay drains it has a deadline of its own.
func (r *Relay) signOfLife(ctx context.Context, limit time.Duration) {
	var found []act.Probe
	if r.notify.Watchdog > 0 && !r.drains() {
		found = r.probe(ctx, limit)
	}
	if r.drains() || ctx.Err() != nil { // perhaps only now, and the queue gave no answer
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

func (r *Relay) queueStatus() string {
	sum, err := r.store.Totals()
	if err != nil {
		return statusLine("the store cannot be read: %v", err)
	}
	return statusLine("%s in the queue", words.Plural(sum.Messages, "message"))
}

// question to a part of the relay.
type question struct {
	name string
	ask  func(context.Context) error
}

// probe has the store and the queue do a round trip, each within limit, and asks what
// else is to be known.
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
