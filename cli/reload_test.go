package cli

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/cli/exit"
	"relay/cli/selfsigned"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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
	write(t, e["RELAY_CONFIG"], testConfig+"[tls]\nacme = \"you@relay.test\"\nacme_http = \"127.0.0.1:0\"\n")
	mustMatch(t, "a reload that asks for an authority", e.must(t, "reload"), `(?s)after a restart:.*tls\.acme `)
	if got := shown(t, addr); got != "second.test" {
		t.Errorf("shown %s before the restart that an authority needs", got)
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

// Other rules on replies are in force with a reload; those that cannot be are refused, with
// the line, and change nothing.
func TestReload_rules(t *testing.T) {
	const rule = "[[rule]]\nid = \"mine\"\ntext = [\"zzz\"]\ncategory = "
	own := filepath.Join(t.TempDir(), "rules.toml")
	write(t, own, rule+"\"SpamBlock\"\n")
	e := newEnv(t, testConfig+"rules = \""+own+"\"\n")
	s := serveTest(t, e)
	write(t, own, rule+"\"RateLimited\"\n")
	mustMatch(t, "reload", e.must(t, "reload"), `delivery.rules`)
	mustMatch(t, "reload again", e.must(t, "reload"), "^nothing in the configuration has changed")
	write(t, own, rule+"\"Spam\"\n")
	if _, stderr, code := e.run("", "reload"); code != exit.Config {
		t.Errorf("exit code %d", code)
	} else {
		mustMatch(t, "reload", stderr, `line 4: rule mine: unknown category "Spam"`)
	}
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
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
