package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/selfsigned"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A logger that was made before the switch speaks in the new way, with all it was
// given.
func TestLogSwitch(t *testing.T) {
	var out bytes.Buffer
	s := newLogSwitch(slog.NewTextHandler(&out, nil))
	log := slog.New(s).With("component", "test").WithGroup("g").With("a", 1)
	log.Debug("too quiet")
	log.Info("one", "b", 2)
	mustMatch(t, "text", out.String(), `^time=\S+ level=INFO msg=one component=test g.a=1 g.b=2\n$`)
	out.Reset()
	s.set(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	log.Debug("two", "b", 3)
	mustMatch(t, "JSON", out.String(), `"msg":"two","component":"test","g":\{"a":1,"b":3\}`)
}

func TestParts_again(t *testing.T) {
	ps := newParts()
	runs := make(chan int, 3)
	n := 0
	ps.start(t.Context(), "part", func(ctx context.Context) error {
		n++
		runs <- n
		<-ctx.Done()
		return nil
	})
	if got := <-runs; got != 1 {
		t.Fatalf("run %d", got)
	}
	ps.again(t.Context(), "part")
	if got := <-runs; got != 2 {
		t.Fatalf("run %d", got)
	}
	if err := ps.stop(); err != nil {
		t.Error(err)
	}
	ps.again(t.Context(), "part")
	if len(runs) != 0 || len(ps.ended) != 0 {
		t.Error("a part was started again after the end, or told as ended")
	}
}

// A part that takes its time to be started again, a copy that is being synced, holds
// nobody up who ends.
func TestParts_againHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps, release, ended := newParts(), make(chan struct{}), false
		ps.start(t.Context(), "other", func(ctx context.Context) error { <-ctx.Done(); ended = true; return nil })
		runs := 0
		ps.start(t.Context(), "slow", func(ctx context.Context) error { runs++; <-ctx.Done(); <-release; return nil })
		synctest.Wait()
		go ps.again(context.Background(), "slow")
		synctest.Wait()
		stopped := make(chan error)
		go func() { stopped <- ps.stop() }()
		synctest.Wait()
		if !ended {
			t.Error("the other part was not told to end")
		}
		close(release)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if runs != 1 {
			t.Errorf("the slow one ran %d times, want once: all were being stopped", runs)
		}
	})
}

// reloaded asks for a reload, which must go well.
func (e env) reloaded(t *testing.T, config string) {
	t.Helper()
	write(t, e["RELAY_CONFIG"], config)
	e.must(t, "reload")
}

// What comes in on a connection that was open before is not disturbed; the new
// limit holds for the next ones.
func TestReload_limitsWhileMailComesIn(t *testing.T) {
	e, s, addr := serveAcme(t)
	busy, idle := dial(t, addr), dial(t, addr)
	busy.open()
	e.reloaded(t, testConfig+"[limits]\nconnections = 2\n")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	third := make([]byte, 3)
	if _, err := io.ReadFull(conn, third); err != nil || string(third) != "421" {
		t.Errorf("a third connection: %q, %v, want 421", third, err)
	}
	busy.say("\r\nthe rest\r\n.")
	busy.expect("250")
	idle.say("NOOP")
	idle.expect("250")
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
}

// The certificate that a client of addr is shown.
func shown(t *testing.T, addr string) string {
	t.Helper()
	d := dial(t, addr)
	d.say("EHLO test")
	d.expect("250")
	d.say("STARTTLS")
	d.expect("220")
	c := tls.Client(d.conn, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestReload_certificate(t *testing.T) {
	e := newEnv(t, testConfig)
	s := serveTest(t, e)
	addr, err := listener(s.dir, "starttls")
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(t, addr); got != "relay.test" {
		t.Errorf("shown %s at first", got)
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	config := testConfig + "[tls]\ncert = \"" + cert + "\"\nkey = \"" + key + "\"\n"
	for _, name := range []string{"first.test", "second.test"} { // the second one in the same files
		if err := selfsigned.Make(cert, key, name, time.Now()); err != nil {
			t.Fatal(err)
		}
		e.reloaded(t, config)
		if got := shown(t, addr); got != name {
			t.Errorf("shown %s, want %s", got, name)
		}
	}
	write(t, key, "no key")
	if _, stderr, code := e.run("", "reload"); code != exit.Config || !strings.Contains(stderr, "certificate "+cert) {
		t.Errorf("a broken key: exit code %d\n%s", code, stderr)
	}
	if got := shown(t, addr); got != "second.test" {
		t.Errorf("shown %s after a reload that was refused", got)
	}
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
}

// A renewed certificate and another password are told, though the configuration
// is what it was: one is in force, the other needs a restart.
func TestReload_contentOfFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key, password := filepath.Join(dir, "c"), filepath.Join(dir, "k"), filepath.Join(dir, "p")
	if err := selfsigned.Make(cert, key, "first.test", time.Now()); err != nil {
		t.Fatal(err)
	}
	write(t, password, "before\n")
	e := newEnv(t, testConfig+"smarthost_user = \"me\"\nsmarthost_password_file = \""+password+"\"\n[tls]\ncert = \""+cert+"\"\nkey = \""+key+"\"\n")
	s := serveTest(t, e)
	mustMatch(t, "the first reload", e.must(t, "reload"), "^nothing in the configuration has changed")
	if err := selfsigned.Make(cert, key, "second.test", time.Now()); err != nil {
		t.Fatal(err)
	}
	write(t, password, "behind\n")
	for range 2 { // until there was a restart, or the old password is back
		out := e.must(t, "reload")
		mustMatch(t, "reload", out, `after a restart:\n +delivery.smarthost_password_file`)
		for _, secret := range []string{"before", "behind"} {
			if strings.Contains(out+s.log.String(), secret) {
				t.Errorf("the password is shown:\n%s%s", out, s.log)
			}
		}
	}
	mustMatch(t, "log", s.log.String(), `msg="setting changed" key=tls.cert`)
	write(t, password, "before\n")
	mustMatch(t, "the last reload", e.must(t, "reload"), "^nothing in the configuration has changed")
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
}

// A file that is gone, perhaps for the moment in which it is replaced, is no wish
// for the defaults.
func TestReload_theFileIsGone(t *testing.T) {
	w := newWatched(t)
	defer w.store.Close()
	var err error
	if w.cfg, err = config.Read(config.SystemFile, nil); err != nil {
		t.Fatal(err)
	}
	w.reread = func() (config.Config, error) { return config.Default(), nil }
	_, err = w.reload()
	if f, ok := errors.AsType[*exit.Error](err); !ok || f.Code != exit.Config || !strings.Contains(err.Error(), config.SystemFile) {
		t.Errorf("reload = %v, want exit code %d and the file's name", err, exit.Config)
	}
}

// While the relay stops nothing is taken over, and the service manager is not told
// that it is ready.
func TestReload_whileItStops(t *testing.T) {
	w := newWatched(t)
	defer w.store.Close()
	w.reread = func() (config.Config, error) { return config.Default(), nil }
	close(w.stopping)
	if _, err := w.reload(); !errors.Is(err, errStopping) {
		t.Errorf("reload = %v, want %v", err, errStopping)
	}
	if heard := w.sup.lines(); len(heard) > 0 {
		t.Errorf("told %q", heard)
	}
}

// Jobs, commands and reloads at the same time; for the race detector.
func TestReload_whileOthersAsk(t *testing.T) {
	e, s, addr := serveAcme(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			e.run("", "health")
			if err := submit(s.dir, "a@acme.example", "b@one.example"); err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range 20 {
		level, schedule := "info", ""
		if i%2 == 0 {
			level, schedule = "debug", "0 3 * * *"
		}
		e.reloaded(t, testConfig+"[log]\nlevel = \""+level+"\"\n[backup]\nschedule = \""+schedule+"\"\n")
	}
	<-done
	dial(t, addr).say("QUIT")
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
}
