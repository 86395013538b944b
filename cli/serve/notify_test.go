package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"relay/cli/config"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/reach"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/store"
	"relay/store/joblog"
)

// supervision keeps what a relay tells its service manager.
type supervision struct {
	mu    sync.Mutex
	heard []string // line by line
	more  chan struct{}
	fail  error
}

func newSupervision() *supervision { return &supervision{more: make(chan struct{}, 1)} }

func (s *supervision) notify(state string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, strings.Split(state, "\n")...)
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.fail
}

// count of the lines that begin so.
func (s *supervision) count(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.heard {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// lines without status texts and without what stands behind =.
func (s *supervision) lines() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.heard {
		if key, value, _ := strings.Cut(line, "="); key != "STATUS" {
			list = append(list, key)
			if value == "" {
				list = append(list, "nothing")
			}
		}
	}
	return list
}

// wait until there are so many lines that begin so.
func (s *supervision) wait(t *testing.T, n int, prefix string) {
	t.Helper()
	for limit := time.After(soon); s.count(prefix) < n; {
		select {
		case <-s.more:
		case <-limit:
			t.Fatalf("not told %s %d times: %q", prefix, n, s.heard)
		}
	}
}

func TestServe_tellsTheServiceManager(t *testing.T) {
	sup := newSupervision()
	s := run(t, sup, 0)
	sup.wait(t, 1, "READY=1")
	client := reach.Service{Socket: s.dir.Socket()}
	defer client.Close()
	if _, err := host.Health.Call(t.Context(), &client, &act.None{}); err != nil {
		t.Errorf("told ready before it answers: %v", err)
	}
	s.hangups <- syscall.SIGHUP
	sup.wait(t, 2, "READY=1")
	s.stop(t)
	want := []string{"EXTEND_TIMEOUT_USEC", "READY", "RELOADING", "MONOTONIC_USEC", "READY", "STOPPING", "EXTEND_TIMEOUT_USEC"}
	if got := sup.lines(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if sup.count("EXTEND_TIMEOUT_USEC=35000000") != 1 { // drain and grace, and 5 s
		t.Errorf("the time to drain was not asked for: %q", sup.heard)
	}
}

// A reload that is refused ends all the same: the service manager would wait.
func TestServe_tellsOfARefusedReload(t *testing.T) {
	sup := newSupervision()
	s := run(t, sup, 0)
	sup.wait(t, 1, "READY=1")
	s.writeConfig(t, "hostnam = 1\n")
	s.hangups <- syscall.SIGHUP
	sup.wait(t, 2, "READY=1")
	sup.wait(t, 1, "STATUS=the new configuration was refused, the old one holds: configuration ")
	s.stop(t)
}

func TestServe_watchdog(t *testing.T) {
	sup := newSupervision()
	s := run(t, sup, 300*time.Millisecond)
	sup.wait(t, 3, "WATCHDOG=1")
	sup.wait(t, 1, "STATUS=0 messages in the queue")
	s.stop(t)
}

// A service manager that does not hear is said once, and is no reason to fail.
func TestServe_theServiceManagerIsDeaf(t *testing.T) {
	sup := newSupervision()
	sup.fail = errors.New("nobody there")
	s := run(t, sup, 30*time.Millisecond)
	sup.wait(t, 5, "WATCHDOG=1")
	s.stop(t)
	if n := strings.Count(s.log.String(), "the service manager cannot be told"); n != 1 {
		t.Errorf("said %d times:\n%s", n, s.log)
	}
}

// watched is a relay of which only what the watchdog looks at is put together.
// The store's writer hangs from stall on, until release.
type watched struct {
	*Relay
	sup     *supervision
	log     *logText
	stall   atomic.Bool
	release chan struct{}
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{sup: newSupervision(), log: &logText{}, release: make(chan struct{})}
	m := Machine{Stderr: w.log, Getenv: func(string) string { return "" }, Supervisor: Supervisor{Notify: w.sup.notify, Watchdog: 1500 * time.Millisecond}}
	r, err := New(m, config.Default(), place.Dir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if r.store, err = proof.OpenStore(r.dir.Store(), store.Options{Now: w.now}); err != nil {
		t.Fatal(err)
	}
	if r.mail, err = r.newMailer(); err != nil {
		t.Fatal(err)
	}
	w.Relay = r
	return w
}

// now is the store's clock, which its writer looks at too.
func (w *watched) now() time.Time {
	if w.stall.Load() && strings.Contains(string(debug.Stack()), "engine.(*DB).write(") {
		<-w.release
	}
	return time.Now()
}

// run runs the watchdog and the queue until the test ends.
func (w *watched) run(t *testing.T) {
	t.Helper()
	ps := newParts()
	ps.start(t.Context(), "queue", w.mail.Run)
	ps.start(t.Context(), "watch", w.watch)
	t.Cleanup(func() {
		if err := errors.Join(ps.stop(), w.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// No sign of life while the store's writer hangs, though all else turns.
func TestWatch_theStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		w.run(t)
		w.sup.wait(t, 2, "WATCHDOG=1")
		w.stall.Store(true)
		var writer sync.WaitGroup
		writer.Go(func() { _ = w.store.Jobs.Set("test", joblog.State{}) })
		w.sup.wait(t, 1, "STATUS=not OK: the store does not answer: not within 500ms")
		given := w.sup.count("WATCHDOG=1")
		time.Sleep(1600 * time.Millisecond) // longer than the watchdog's patience
		if n := w.sup.count("WATCHDOG=1"); n != given {
			t.Errorf("%d signs of life while the writer hangs", n-given)
		}
		mustMatch(t, "log", w.log.String(), `level=ERROR msg="no sign of life .*" probe=store err="the store does not answer: not within 500ms"`)
		if strings.Contains(w.log.String(), "probe=queue") {
			t.Errorf("the queue is blamed too:\n%s", w.log)
		}
		soonOver, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		h := w.health(soonOver)
		if bad := h.Unwell(); h.Healthy || !strings.HasPrefix(bad, "the store does not answer") {
			t.Errorf("health says %q", bad)
		}
		w.stall.Store(false)
		close(w.release)
		writer.Wait()
		w.sup.wait(t, given+2, "WATCHDOG=1")
	})
}

// No sign of life without a queue that turns.
func TestWatch_theQueueHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		defer w.store.Close()
		w.signOfLife(t.Context(), 50*time.Millisecond)
		if n := w.sup.count("WATCHDOG=1"); n != 0 {
			t.Errorf("%d signs of life", n)
		}
		mustMatch(t, "log", w.log.String(), "probe=queue err=\"the schedule of deliveries does not answer: not within 50ms\"")
		if strings.Contains(w.log.String(), "probe=store") {
			t.Errorf("the store is blamed too:\n%s", w.log)
		}
	})
}

// While the relay drains its own deadline counts.
func TestWatch_draining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		defer w.store.Close()
		close(w.Stopping)
		w.signOfLife(t.Context(), 50*time.Millisecond)
		if n := w.sup.count("WATCHDOG=1"); n != 1 {
			t.Errorf("%d signs of life, want 1", n)
		}
	})
}

// A probe that the drain cuts off is no sign of an illness.
func TestWatch_drainBeginsMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		defer w.store.Close()
		time.AfterFunc(50*time.Millisecond, func() { close(w.Stopping) })
		w.signOfLife(t.Context(), time.Second) // no queue runs that would answer
		if n := w.sup.count("WATCHDOG=1"); n != 1 {
			t.Errorf("%d signs of life, want 1", n)
		}
		if strings.Contains(w.log.String(), "no sign of life") || w.sup.count("STATUS=not OK") > 0 {
			t.Errorf("told that it is not well: %q\n%s", w.sup.heard, w.log)
		}
	})
}

// A status that did not arrive is sent again.
func TestNotifier_statusAgain(t *testing.T) {
	sup := newSupervision()
	n := &notifier{Supervisor: Supervisor{Notify: sup.notify}, log: slog.New(slog.DiscardHandler)}
	sup.fail = errors.New("no room")
	n.tell(statusLine("one"))
	sup.fail = nil
	n.tell(statusLine("one"))
	n.tell(statusLine("one"))
	if got := sup.count("STATUS=one"); got != 2 {
		t.Errorf("sent %d times, want 2", got)
	}
}

// The environment names the service manager to this process, and to no child of
// it.
func TestSystemd(t *testing.T) {
	path := fmt.Sprintf("@relay-test-%d", os.Getpid()) // an abstract one, as systemd may have
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skipf("no abstract sockets here: %v", err)
	}
	defer conn.Close()
	variables := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1500000", "WATCHDOG_PID": fmt.Sprint(os.Getpid())}
	for name, value := range variables {
		t.Setenv(name, value)
	}
	s := Systemd()
	if s.Watchdog != 1500*time.Millisecond {
		t.Errorf("watchdog %s, want 1.5s", s.Watchdog)
	}
	for name := range variables {
		if value, ok := os.LookupEnv(name); ok {
			t.Errorf("%s=%s is left for children", name, value)
		}
	}
	if err := s.Notify("READY=1\nSTATUS=test"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, err := conn.Read(b)
	if got := string(b[:n]); err != nil || got != "READY=1\nSTATUS=test" {
		t.Errorf("heard %q, %v", got, err)
	}
	if none := Systemd(); none.Notify != nil || none.Watchdog != 0 {
		t.Errorf("without the variables: %+v", none)
	}
}

// A start that takes long asks for more time again and again, and no more when it
// is over.
func TestNotifier_during(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sup := newSupervision()
		n := &notifier{Supervisor: Supervisor{Notify: sup.notify}}
		slow := errors.New("slow")
		err := n.during("opening the store", func() error { time.Sleep(35 * time.Second); return slow })
		if !errors.Is(err, slow) {
			t.Errorf("during = %v, want the error of what ran", err)
		}
		time.Sleep(time.Minute)
		if got := sup.count("EXTEND_TIMEOUT_USEC=30000000"); got != 4 {
			t.Errorf("asked %d times in 35 s, want 4", got)
		}
		if got := sup.count("STATUS=opening the store"); got != 1 {
			t.Errorf("said %d times what goes on, want once", got)
		}
	})
}
