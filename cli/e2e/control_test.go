package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// questions are commands whose answer must not depend on whether a relay runs.
var questions = []string{
	"account list --json", "account list", "account show acme --json", "account show acme",
	"account credential list acme --json", "account network list acme --json",
	"plan list --json", "plan list", "plan show standard",
	"usage --json", "usage acme --json", "usage", "usage acme",
	"queue list --json", "queue list --account acme --json", "queue list --json --domain there.test",
	"trace @acme.test --json",
	"usage nobody", "account show nobody", "queue list --account nobody", "queue show 01ARZ3NDEKTSV4RRFFQ69G5FAV",
	"queue drop", "usage --wrong", "account", "account add", "plan show nothing", "trace nonsense",
}

// TestControl asks the same of a running relay, of one that was killed and left
// its socket behind, and of one that was stopped.
func TestControl(t *testing.T) {
	t.Parallel()
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h"})
	password := r.account("acme")
	r.account("beta")
	r.cli("account", "network", "add", "acme", "192.0.2.0/28")
	r.start()
	c := r.open("acme", password)
	for i := range 3 {
		c.must(t, compose(fmt.Sprintf("m%d", i), "a@acme.test", []string{"one@there.test", "two@else.test"}, 3000))
	}
	until(t, "everything was tried", func() bool {
		return r.usage("acme").Deferred == 6
	})
	r.cli("queue", "hold", r.queue()[0].ID)
	ask := func() []result {
		answers := make([]result, len(questions))
		for i, q := range questions {
			answers[i] = r.run("", strings.Fields(q)...)
		}
		return answers
	}
	same := func(when string, want, got []result) {
		t.Helper()
		for i, q := range questions {
			if got[i] != want[i] {
				t.Errorf("relay %s %s: exit code %d\n%s%s\nwhile it runs: exit code %d\n%s%s", q, when,
					got[i].code, got[i].out, got[i].err, want[i].code, want[i].out, want[i].err)
			}
		}
	}
	running := ask()
	wantCodes(t, running)
	if q := r.queue(); len(q) != 3 || len(q[0].Recipients) != 2 {
		t.Errorf("the queue is %+v, want 3 messages", q)
	}
	socket := filepath.Join(r.data, "relay.sock")
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v; want mode 0600", info, err)
	}

	r.kill()
	if _, err := os.Stat(socket); err != nil {
		t.Errorf("a killed relay leaves its socket, or this test proves nothing: %v", err)
	}
	same("after a kill", running, ask())
	r.start()
	same("when it was started again", running, ask())
	r.stop()
	same("after a clean stop", running, ask())
}

// wantCodes wants the exit codes that scripts rely on.
func wantCodes(t *testing.T, answers []result) {
	t.Helper()
	for i, q := range questions {
		want := 0
		switch q {
		case "usage nobody", "account show nobody", "queue list --account nobody":
			want = 67
		case "queue show 01ARZ3NDEKTSV4RRFFQ69G5FAV", "plan show nothing":
			want = 1
		case "queue drop", "usage --wrong", "account", "account add", "trace nonsense":
			want = 64
		}
		if got := answers[i]; got.code != want || (want == 0) != (got.err == "") {
			t.Errorf("relay %s: exit code %d, want %d\n%s", q, got.code, want, got.err)
		}
	}
}

// TestControl_changes changes things while the relay runs and while it does not:
// the change holds at once, and afterwards.
func TestControl_changes(t *testing.T) {
	t.Parallel()
	s := newSink(t, behaviour{})
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1s"})
	offline := r.account("offline")
	r.start()
	online := r.account("online")
	for name, password := range map[string]string{"offline": offline, "online": online} {
		r.open(name, password).must(t, compose("from-"+name, "a@acme.test", []string{"one@there.test"}, 2000))
		s.arrived("from-" + name)
	}
	if res := r.run("a chosen password\n", "account", "credential", "add", "online", "--login", "chosen", "--password-stdin"); res.code != 0 {
		t.Fatalf("a password from standard input: %s", res.err)
	}
	open := r.open("chosen", "a chosen password")
	r.cli("account", "credential", "revoke", "online", "chosen")
	if f, err := open.send(compose("revoked", "a@acme.test", []string{"one@there.test"}, 2000), false); f != unsent || err == nil {
		t.Error("a login that was revoked could still send")
	}
	if _, err := login(r.addr("starttls"), r.trust(), "chosen", "a chosen password"); err == nil {
		t.Error("a login that was revoked could log in")
	}
	r.cli("account", "suspend", "online", "--reason", "unpaid")
	if _, err := r.open("online", online).send(compose("suspended", "a@acme.test", []string{"one@there.test"}, 2000), false); err == nil ||
		!strings.Contains(err.Error(), "unpaid") {
		t.Errorf("a suspended account sends: %v, want a refusal that says why", err)
	}
	r.kill()
	r.cli("account", "resume", "online")
	r.start()
	r.open("online", online).must(t, compose("resumed", "a@acme.test", []string{"one@there.test"}, 2000))
	s.arrived("resumed")
	r.drained()
	if a, b := r.usage("offline").Messages, r.usage("online").Messages; a != 1 || b != 2 {
		t.Errorf("charged %d and %d e-mails, want 1 and 2", a, b)
	}
	r.stop()
}

// TestControl_twice wants a second relay on the same data to say so, and to do
// nothing to the first.
func TestControl_twice(t *testing.T) {
	t.Parallel()
	r := newRelay(t, setup{})
	r.start()
	res := r.run("", "serve")
	if res.code != 75 || !strings.Contains(res.err, "relay: hint: ") {
		t.Errorf("a second relay: exit code %d, want 75 and a hint\n%s", res.code, res.err)
	}
	r.cli("account", "list")
	if c, err := dial(r.addr("starttls")); err != nil {
		t.Errorf("the first relay afterwards: %v", err)
	} else {
		c.quit()
	}
	r.stop()
}

// TestControl_retry tries everything again while it is being delivered: what is
// delivered in that moment is no error.
func TestControl_retry(t *testing.T) {
	t.Parallel()
	s := newSink(t, later)
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1h"})
	password := r.account("acme")
	r.start()
	c := r.open("acme", password)
	const n = 500
	for i := range n {
		c.must(t, compose(fmt.Sprintf("m%d", i), "a@acme.test", []string{"one@there.test"}, 1000))
	}
	until(t, "everything was tried", func() bool { return r.usage("acme").Deferred == n })
	s.behave(behaviour{})
	for range 200 {
		r.cli("queue", "retry", "--all")
		if r.usage("acme").Queued == 0 {
			break
		}
	}
	r.drained()
	if got := s.total(); got != n {
		t.Errorf("%d messages arrived, want %d", got, n)
	}
	r.stop()
}
