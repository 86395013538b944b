package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relay/cli/exit"
)

// Through a relay of this machine that is asked where it listens.
func TestSendmail_relay(t *testing.T) {
	e, s, _ := serveAcme(t)
	call := func(name string, args ...string) (string, string, int) {
		var out, errs bytes.Buffer
		app := &App{Name: name, Stdin: strings.NewReader("To: a@one.example\nSubject: by sendmail\n\nx\n"), Stdout: &out, Stderr: &errs, Getenv: e.get}
		code := app.Run(context.Background(), args)
		return out.String(), errs.String(), code
	}
	if _, stderr, code := call("/usr/sbin/sendmail", "-t", "-i", "-fweb@acme.example"); code != exit.Done {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	out, stderr, code := call("/usr/bin/mailq")
	if code != exit.Done {
		t.Fatalf("mailq: exit code %d\n%s", code, stderr)
	}
	mustMatch(t, "mailq", out, "web@acme.example")
	if _, _, code := call("newaliases"); code != exit.Done {
		t.Errorf("newaliases: exit code %d", code)
	}
	out, _, code = call("/usr/sbin/sendmail", "--help")
	if code != exit.Done {
		t.Errorf("--help: exit code %d", code)
	}
	mustMatch(t, "help", out, "(?m)^  -f ADDRESS +envelope sender")

	e.must(t, "account", "suspend", "acme", "--reason", "unpaid")
	_, stderr, code = call("sendmail", "-t")
	if code != exit.Refused {
		t.Errorf("suspended: exit code %d", code)
	}
	mustMatch(t, "stderr", stderr, "550 5.7.1 account acme: suspended: unpaid")
	e.must(t, "account", "network", "remove", "acme", "127.0.0.0/8")
	_, stderr, code = call("sendmail", "-t")
	if code != exit.NotAllowed {
		t.Errorf("unknown: exit code %d", code)
	}
	mustMatch(t, "stderr", stderr, "530 5.7.0 .*\n.*hint: .*account network add")

	// With a login, through the listener that has TLS.
	e.must(t, "account", "resume", "acme")
	var cred struct{ Login, Password string }
	mustJSON(t, e.must(t, "account", "credential", "add", "acme", "--json"), &cred)
	secret := filepath.Join(filepath.Dir(e["RELAY_CONFIG"]), "secret")
	if err := os.WriteFile(secret, []byte(cred.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	login := fmt.Sprintf("\n[sendmail]\nuser = %q\npassword_file = %q\n", cred.Login, secret)
	if err := os.WriteFile(e["RELAY_CONFIG"], []byte(testConfig+login), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := call("sendmail", "-t"); code != exit.Done {
		t.Errorf("with a login: exit code %d\n%s", code, stderr)
	}
	if err := os.WriteFile(secret, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code = call("sendmail", "-t")
	if code != exit.NotAllowed {
		t.Errorf("wrong password: exit code %d", code)
	}
	mustMatch(t, "stderr", stderr, "535 5.7.8 .*\n.*hint: .*credential list")
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d", code)
	}
	if list := e.must(t, "queue", "list", "--json"); strings.Count(list, `"id"`) != 2 {
		t.Errorf("not two messages in the queue: %s", list)
	}
}

func mustJSON(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
