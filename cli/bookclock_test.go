package cli

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relay/cli/exit"
)

// machineClock is the system's, which can be set and is kept by nobody.
type machineClock struct{ off atomic.Int64 }

func (m *machineClock) on(a *App) {
	a.Wall = func() time.Time { return time.Now().Add(time.Duration(m.off.Load())) }
	a.Kept = func() bool { return true } // as far as the system knows
}

// A relay whose clock jumps months ahead closes nothing, says so everywhere, and
// takes the operator's word.
func TestServe_wrongClock(t *testing.T) {
	e, m := newEnv(t, testConfig), &machineClock{}
	s := serveTest(t, e, m.on)
	defer s.stop()
	e.must(t, "plan", "set", "entry", "--ends")
	e.must(t, "account", "add", "acme", "--plan", "entry")
	e.must(t, "account", "network", "add", "acme", "127.0.0.0/8")
	mustMatch(t, "health", e.must(t, "health"), `^OK: queue empty, up [^;]*$`)
	show := e.must(t, "account", "show", "acme")

	m.off.Store(int64(500 * 24 * time.Hour))
	if err := submit(s.dir, "a@acme.example", "x@one.example"); err != nil {
		t.Errorf("mail is refused: %v", err)
	}
	if now := e.must(t, "account", "show", "acme"); now != show {
		t.Errorf("account show says\n%s\nand said\n%s", now, show)
	}
	mustMatch(t, "account list", e.must(t, "account", "list"), `(?m)^acme +entry +active `)
	mustMatch(t, "account list", e.must(t, "account", "list", "--state", "active"), `(?m)^acme `)
	mustMatch(t, "usage", e.must(t, "usage", "acme"), `(?m)^e-mails +1 of `)
	mustMatch(t, "health", e.must(t, "health"), `^OK: .*; the clock was plainly wrong \(\d{4}-.*\), the books stand still at `)
	mustMatch(t, "health", e.must(t, "health", "--json"), `"clock": \{\s+"stands": "`)
	jobs := e.must(t, "job", "list")
	mustMatch(t, "job list", jobs, `(?s)\nthe clock was plainly wrong .* the books stand still at .*: close, dun and warn do nothing.\nset the clock right; if it is right: relay job run close\n$`)
	mustMatch(t, "job list", e.must(t, "job", "list", "--json"), `(?s)"job":"dun",.*"stands":"2.*"job":"prune-trace".*"stands":null`)
	out, _, code := e.run("", "check", "--offline")
	mustMatch(t, "check", out, `(?m)^  failed +clock +the clock was plainly wrong `)
	if code != exit.Failed {
		t.Errorf("check ends with %d, want %d", code, exit.Failed)
	}
	mustMatch(t, "the log", s.log.String(), `the clock is plainly wrong, the books stand still.*advice=`)
	_, stderr, code := e.run("", "job", "run", "close", "--at", time.Now().AddDate(0, 3, 0).Format(time.DateOnly))
	if code != exit.WrongUsage || !strings.Contains(stderr, "yet to come") {
		t.Errorf("close --at an instant that the books have not reached: exit code %d, %s", code, stderr)
	}

	out, stderr, code = e.run("", "job", "run", "close")
	if code != exit.Done || !strings.HasPrefix(out, "closed ") {
		t.Errorf("job run close: exit code %d, %s%s", code, out, stderr)
	}
	mustMatch(t, "job run close", stderr, `note: the clock is believed, the books go on at \d`)
	mustMatch(t, "account list", e.must(t, "account", "list"), `(?m)^acme +entry +expired `)
	if err := submit(s.dir, "a@acme.example", "x@one.example"); err == nil || !strings.Contains(err.Error(), "its term has ended") {
		t.Errorf("mail after the term: %v", err)
	}
	mustMatch(t, "health", e.must(t, "health"), `^OK: [^;]*$`)
}

// A command without a relay stands by the same clock, trust_clock switches it off.
func TestCommands_wrongClock(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "plan", "set", "entry", "--ends")
	e.must(t, "account", "add", "acme", "--plan", "entry")
	run := func(args ...string) string {
		var out, err bytes.Buffer
		app := &App{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err, Getenv: e.get, Listen: net.Listen,
			Wall: func() time.Time { return time.Now().AddDate(3, 0, 0) }, Kept: func() bool { return false }}
		if code := app.Run(context.Background(), args); code != exit.Done {
			t.Errorf("relay %v: exit code %d, %s", args, code, &err)
		}
		return out.String() + err.String()
	}
	mustMatch(t, "account list", run("account", "list"), `(?m)^acme +entry +active `)
	mustMatch(t, "job list", run("job", "list"), `the books stand still`)
	config := e["RELAY_CONFIG"]
	if err := set(config, "hostname", "\"relay.test\"\ntrust_clock = true"); err != nil {
		t.Fatal(err)
	}
	mustMatch(t, "account list", run("account", "list"), `(?m)^acme +entry +expired `)
}
