package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/wholefile"
	"relay/store"
)

// dialogue is a connection of a mail program.
type dialogue struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func dial(t *testing.T, addr string) *dialogue {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(soon))
	d := &dialogue{t, conn, bufio.NewReader(conn)}
	d.expect("220")
	return d
}

func (d *dialogue) say(line string) {
	d.t.Helper()
	if _, err := fmt.Fprintf(d.conn, "%s\r\n", line); err != nil {
		d.t.Fatal(err)
	}
}

func (d *dialogue) expect(code string) {
	d.t.Helper()
	for {
		line, err := d.r.ReadString('\n')
		if err != nil {
			d.t.Fatalf("waiting for %s: %v", code, err)
		}
		if !strings.HasPrefix(line, code) {
			d.t.Fatalf("got %q, want %s", line, code)
		}
		if line[3] == ' ' {
			return
		}
	}
}

// open starts a message and stops in the middle of its content.
func (d *dialogue) open() {
	d.t.Helper()
	for _, step := range [][2]string{{"EHLO test", "250"}, {"MAIL FROM:<a@acme.example>", "250"}, {"RCPT TO:<b@one.example>", "250"}, {"DATA", "354"}} {
		d.say(step[0])
		d.expect(step[1])
	}
	d.say("Subject: half")
}

// serveAcme is a relay whose account acme sends from loopback.
func serveAcme(t *testing.T) (env, *served, string) {
	t.Helper()
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "standard")
	e.must(t, "account", "network", "add", "acme", "127.0.0.0/8")
	s := serveTest(t, e)
	addr, err := listener(s.dir, "none")
	if err != nil {
		t.Fatal(err)
	}
	return e, s, addr
}

func TestServe_drains(t *testing.T) {
	e, s, addr := serveAcme(t)
	idle, busy := dial(t, addr), dial(t, addr)
	busy.open()
	s.signals <- syscall.SIGTERM
	idle.expect("421")
	busy.say("\r\nthe rest\r\n.")
	busy.expect("250")
	if code := s.wait(); code != exit.Done {
		t.Fatalf("exit code %d\n%s", code, s.log)
	}
	if out := e.must(t, "queue", "list", "--json"); strings.Count(out, `"id"`) != 1 {
		t.Errorf("the message that was being received is not in the queue: %s", out)
	}
	if _, err := os.Stat(s.dir.Socket()); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestServe_secondSignalEndsAtOnce(t *testing.T) {
	_, s, addr := serveAcme(t)
	idle, busy := dial(t, addr), dial(t, addr)
	busy.open()
	s.signals <- syscall.SIGTERM
	idle.expect("421") // it drains, and waits for the other
	s.signals <- syscall.SIGTERM
	if code := s.wait(); code != exit.Failed {
		t.Errorf("exit code %d, want %d\n%s", code, exit.Failed, s.log)
	}
	mustMatch(t, "log", s.log.String(), "ends at once")
}

// A start that takes long, such as that of a large store after a kill, can be
// ended too.
func TestServe_secondSignalEndsTheStart(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	e := newEnv(t, testConfig)
	s := launch(e.get, func(a *App) {
		a.Sockets = func() (map[string][]net.Listener, error) {
			close(reached)
			<-release
			return nil, errors.New("too late")
		}
	})
	<-reached
	s.signals <- syscall.SIGTERM
	s.signals <- syscall.SIGTERM
	if code := s.wait(); code != exit.Failed {
		t.Errorf("exit code %d, want %d\n%s", code, exit.Failed, s.log)
	}
	mustMatch(t, "log", s.log.String(), "ends at once")
}

// One signal lets a start that is soon over end in good order.
func TestServe_signalDuringTheStart(t *testing.T) {
	e := newEnv(t, testConfig)
	signals := make(chan os.Signal, 2)
	s := launch(e.get, func(a *App) {
		a.Signals = func() (<-chan os.Signal, func()) { return signals, func() {} }
		a.Sockets = func() (map[string][]net.Listener, error) {
			signals <- syscall.SIGTERM
			for !strings.Contains(a.Stderr.(*logBuffer).String(), "relay draining") {
				runtime.Gosched()
			}
			return nil, nil
		}
	})
	if code := s.wait(); code != exit.Done {
		t.Errorf("exit code %d, want %d\n%s", code, exit.Done, s.log)
	}
	mustMatch(t, "log", s.log.String(), "relay stopped")
	if _, err := os.Stat(s.dir.Socket()); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestServe_endsWithItsContext(t *testing.T) {
	e := newEnv(t, testConfig)
	ctx, cancel := context.WithCancel(t.Context())
	log := &logBuffer{ready: make(chan struct{})}
	app := &App{Stdout: log, Stderr: log, Getenv: e.get, Listen: net.Listen,
		Signals: func() (<-chan os.Signal, func()) { return nil, func() {} }}
	go func() { <-log.ready; cancel() }()
	if code := app.Run(ctx, []string{"serve"}); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, log)
	}
}

// Without a configuration: three ports, of which the privileged ones may be
// missing, and a self-signed certificate.
func TestServe_withoutConfiguration(t *testing.T) {
	e := newEnv(t, "")
	e["RELAY_CONFIG"] = ""
	if _, err := os.Stat(config.SystemFile); err == nil {
		t.Skip("this machine has a configuration")
	}
	var mu sync.Mutex
	var asked []string
	s := &served{log: &logBuffer{ready: make(chan struct{})}, signals: make(chan os.Signal, 2), exit: make(chan int, 1), dir: place.Dir(e["RELAY_DATA"])}
	app := &App{Stdout: s.log, Stderr: s.log, Getenv: e.get,
		Signals: func() (<-chan os.Signal, func()) { return s.signals, func() {} },
		Listen: func(network, addr string) (net.Listener, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, addr)
			if config.PortOf(addr) < 1024 {
				return nil, &net.OpError{Op: "listen", Net: network, Err: os.NewSyscallError("bind", syscall.EACCES)}
			}
			return net.Listen(network, "127.0.0.1:0")
		}}
	go func() { s.exit <- app.Run(context.Background(), []string{"serve"}) }()
	select {
	case <-s.log.ready:
	case <-time.After(soon):
		t.Fatalf("not ready:\n%s", s.log)
	}
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
	log := s.log.String()
	if got := strings.Join(asked, " "); got != ":587 :465 :2525" {
		t.Errorf("listened on %s", got)
	}
	mustMatch(t, "log", log, `port skipped" addr=:587 .*need privileges`)
	mustMatch(t, "log", log, `port skipped" addr=:465 `)
	mustMatch(t, "log", log, `msg=listening addr=127.0.0.1:\d+ tls=starttls`)
	mustMatch(t, "log", log, "NO CERTIFICATE IS CONFIGURED")
	for _, f := range []string{"selfsigned.crt", "selfsigned.key"} {
		if info, err := os.Stat(s.dir.TLS(f)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
}

func TestReach_waitsForTheStore(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "plan", "list")
	st, err := proof.OpenStore(place.Dir(e["RELAY_DATA"]).Store(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int, 1)
	go func() {
		_, _, code := e.run("", "plan", "list")
		done <- code
	}()
	select {
	case code := <-done:
		t.Fatalf("exit code %d while another process holds the store", code)
	case <-time.After(10 * time.Millisecond): // it is waiting, or has not begun
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != exit.Done {
		t.Errorf("exit code %d", code)
	}
}

func TestServe_refusesALongPath(t *testing.T) {
	e := newEnv(t, testConfig)
	e["RELAY_DATA"] = filepath.Join(filepath.Dir(e["RELAY_CONFIG"]), strings.Repeat("x", 110))
	s := launch(e.get)
	if code := s.wait(); code != exit.Config {
		t.Errorf("exit code %d, want %d", code, exit.Config)
	}
	mustMatch(t, "stderr", s.log.String(), "socket is too long.*\n.*hint: choose a data_dir with a shorter path")
	e.must(t, "account", "list")
}

func TestWholeFile_neverOverwrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	w, err := wholefile.New(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil { // meanwhile
		t.Fatal(err)
	}
	if err := w.Keep(); err == nil {
		t.Error("keep replaced a file that was made meanwhile")
	}
	w.Discard()
	if got, err := os.ReadFile(path); string(got) != "mine" {
		t.Errorf("%q, %v", got, err)
	}
	if list, err := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
		t.Errorf("left over: %v, %v", list, err)
	}
}
