package serve

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"relay/report/words"
)

// Supervisor is the service manager above the process: systemd, or another one
// that speaks its sd_notify protocol. The zero value notifies nobody.
type Supervisor struct {
	Notify   func(state string) error // nil: nobody listens
	Watchdog time.Duration            // it kills a process that gives no sign of life for so long; 0: it does not watch
}

// Systemd returns the supervisor that the environment names. It removes the variables
// from the environment: they are for this process and none of its children.
func Systemd() Supervisor {
	var s Supervisor
	if socket := os.Getenv("NOTIFY_SOCKET"); socket != "" {
		s.Notify = func(state string) error { return sendState(socket, state) }
	}
	_ = os.Unsetenv("NOTIFY_SOCKET")
	if every, err := daemon.SdWatchdogEnabled(true); err == nil { // a value that cannot be read counts as no watchdog
		s.Watchdog = every
	}
	return s
}

// sendState sends one datagram. It waits a second at most for a service manager that
// does not read.
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

// statusLine is a line for people, as systemctl status shows it.
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

// reloaded follows each reloading, also when the configuration was refused.
func (n *notifier) reloaded(format string, args ...any) {
	n.tell(daemon.SdNotifyReady, statusLine(format, args...))
}

const (
	startStep = 30 * time.Second // granted at a time while the start goes on
	startTick = 10 * time.Second
)

// during runs fn, a step of the start that may take long, and asks the supervisor for
// more time until it returns.
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
