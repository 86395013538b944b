package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestEvening is what an operator does on the first one: init, a look at what it
// wrote, serve, check, test. The message of the test arrives, and nobody can log
// in with what it was sent with, however the command ended.
func TestEvening(t *testing.T) {
	t.Parallel()
	s := newSink(t, behaviour{})
	dir := shortDir(t)
	r := &relay{t: t, file: filepath.Join(dir, "relay.toml"), data: filepath.Join(dir, "data")}
	t.Cleanup(r.end)
	var made struct {
		Login struct{ Account, Login, Password string }
	}
	r.json(&made, "init", "--hostname", "smtp.relay.test", "--data", r.data, "--contact", "boss@acme.test")
	if made.Login.Account != "first" || made.Login.Password == "" {
		t.Fatalf("the first account is %+v", made.Login)
	}
	edit(t, r.file,
		"#[[listen]]\n#addr = \":2525\"\n#tls ", "[[listen]]\naddr = \"127.0.0.1:0\"\ntls ",
		"#smarthost = \"\"", "smarthost = \""+s.addr()+"\"")
	if res := r.run("", "check", "--offline"); res.code != 0 {
		t.Errorf("relay check: exit code %d\n%s", res.code, res.out)
	}
	r.start()
	if res := r.run("", "check", "--offline"); res.code != 0 || !strings.Contains(res.out, "the relay answers on 127.0.0.1:") {
		t.Errorf("relay check: exit code %d\n%s", res.code, res.out)
	}

	var steps []struct{ Step, Status string }
	r.json(&steps, "test", "--to", "you@there.test")
	last := steps[len(steps)-1]
	if last.Step != "delivered" || last.Status != "ok" {
		t.Errorf("the last step is %+v", last)
	}
	if s.total() != 1 {
		t.Errorf("%d messages arrived, want 1", s.total())
	}
	r.noTestLogin()

	s.behave(behaviour{rcpt: func(string, string) string { return "451 4.2.1 not now" }})
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGKILL} {
		p, out := r.testing("later@there.test")
		until(t, "it was put off", func() bool { return strings.Contains(out(), "deferred") })
		p.signal(t, sig)
		p.wait(t)
		r.noTestLogin()
	}
	if q := r.queue(); len(q) != 2 {
		t.Errorf("%d messages wait, want 2", len(q))
	}
	r.stop()
	r.proven()
}

// edit replaces texts in a file, each of which must be there.
func edit(t *testing.T, file string, pairs ...string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(string(text), pairs[i]) {
			t.Fatalf("%q is not in %s:\n%s", pairs[i], file, text)
		}
		text = []byte(strings.Replace(string(text), pairs[i], pairs[i+1], 1))
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// testing starts relay test, and returns what it has said so far.
func (r *relay) testing(to string) (*process, func() string) {
	r.t.Helper()
	cmd := command(binary, r.args("test", "--to", to)...)
	file, err := os.CreateTemp(r.t.TempDir(), "")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { file.Close() })
	cmd.Stdout = file
	return execute(r.t, cmd), func() string {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			r.t.Fatal(err)
		}
		return string(text)
	}
}

// noTestLogin wants the account to have its own login only.
func (r *relay) noTestLogin() {
	r.t.Helper()
	var list []struct{ Login string }
	if err := json.Unmarshal([]byte(r.cli("account", "credential", "list", "first", "--json")), &list); err != nil {
		r.t.Fatal(err)
	}
	if len(list) != 1 || list[0].Login != "first" {
		r.t.Errorf("logins are %+v, want first", list)
	}
}
