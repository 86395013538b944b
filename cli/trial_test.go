package cli

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/cli/exit"
)

// deaf is a listener that lets clients connect and takes none.
type deaf struct {
	net.Listener
	closed chan struct{}
	once   sync.Once
}

func (d *deaf) Accept() (net.Conn, error) {
	<-d.closed
	return nil, net.ErrClosed
}

func (d *deaf) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Listener.Close()
}

// testLogin reports whether the account has a login made for a test.
func (e env) testLogin(t *testing.T) bool {
	t.Helper()
	return strings.Contains(e.must(t, "account", "credential", "list", "acme"), "relay-test-")
}

// testing starts relay test, which ctx kills; what it says is there once its exit code is.
func (e env) testing(ctx context.Context) (out *bytes.Buffer, code <-chan int) {
	out, ended := &bytes.Buffer{}, make(chan int, 1)
	go func() {
		app := &App{Stdout: out, Stderr: out, Getenv: e.get}
		ended <- app.Run(ctx, []string{"test", "--to", "you@example.net"})
	}()
	return out, ended
}

// The client is killed in the middle of the session: only the relay is left to revoke the login.
func TestTrial_revokesForKilledClients(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	s := serveTest(t, e, func(a *App) {
		a.Listen = func(network, addr string) (net.Listener, error) {
			l, err := net.Listen(network, addr)
			return &deaf{Listener: l, closed: make(chan struct{})}, err
		}
	})
	defer s.stop()
	ctx, kill := context.WithCancel(t.Context())
	_, ended := e.testing(ctx)
	wait(t, "the login is not there", func() bool { return e.testLogin(t) })
	kill()
	<-ended
	wait(t, "the login is still there", func() bool { return !e.testLogin(t) })
}

// A relay that stops does not wait for a test whose message waits, and says so.
func TestTrial_endsWithTheRelay(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	s := serveTest(t, e)
	out, ended := e.testing(t.Context())
	wait(t, "it is not handed over", func() bool {
		return strings.Contains(e.must(t, "queue", "list"), "you@example.net") && !e.testLogin(t)
	})
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
	if code := <-ended; code != exit.Unreachable {
		t.Errorf("relay test: exit code %d, want %d", code, exit.Unreachable)
	}
	mustMatch(t, "output", out.String(), `(?s)ok +accepted .*the relay is stopping.*hint: test again when the relay is back`)
	if e.testLogin(t) {
		t.Error("the login is still there")
	}
}

// wait until it is so.
func wait(t *testing.T, otherwise string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(otherwise)
		}
	}
}
