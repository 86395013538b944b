package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/serve"
	"relay/store"
)

// The new file has the mode of the old one, and what stood beside it stays.
func TestCompact_keepsMode(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	dir := place.Dir(e["RELAY_DATA"])
	if err := os.Chmod(dir.Store(), 0o640); err != nil {
		t.Fatal(err)
	}
	old, err := os.Stat(dir.Store())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(string(dir), "relay.db.mine"), "x")
	e.must(t, "compact")
	now, err := os.Stat(dir.Store())
	if err != nil || now.Mode() != old.Mode() || os.SameFile(old, now) {
		t.Errorf("the new file: %v, %v, want another with mode %v", now.Mode(), err, old.Mode())
	}
	e.must(t, "account", "show", "acme")
	list, err := os.ReadDir(string(dir))
	if err != nil || len(list) != 2 {
		t.Errorf("the directory holds %v, %v", list, err)
	}
}

// A damaged store is not made smaller, and not made worse.
func TestCompact_damage(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	dir := place.Dir(e["RELAY_DATA"])
	good := filepath.Join(filepath.Dir(e["RELAY_CONFIG"]), "good.db") // shorter than the store
	e.must(t, "backup", good)
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for page := range len(text) / 4096 {
		putDamaged(t, dir.Store(), text, page)
		before, err := os.ReadFile(dir.Store())
		if err != nil {
			t.Fatal(err)
		}
		_, stderr, code := e.run("", "compact")
		if code == exit.Done {
			continue // it was a page that holds nothing
		}
		refused++
		mustMatch(t, "stderr", stderr, "^relay: error: ")
		after, err := os.ReadFile(dir.Store())
		if err != nil {
			t.Fatal(err)
		}
		if string(before[2*4096:]) != string(after[2*4096:len(before)]) {
			t.Errorf("page %d: the damaged file was changed", page)
		}
		if list, err := os.ReadDir(string(dir)); len(list) != 1 {
			t.Errorf("page %d: left over: %v, %v", page, list, err)
		}
	}
	if refused < 2 {
		t.Errorf("%d of %d damaged stores refused", refused, len(text)/4096)
	}
}

// A store whose counters are wrong stays as it is: what is wrong must not look as
// if it were new.
func TestCompact_wrongCounters(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	e.must(t, "account", "network", "add", "acme", "127.0.0.0/8")
	s := serveTest(t, e)
	if err := submit(s.dir, "a@acme.example", "x@one.example"); err != nil {
		t.Fatal(err)
	}
	if code := s.stop(); code != exit.Done {
		t.Fatalf("exit code %d", code)
	}
	dir := place.Dir(e["RELAY_DATA"])
	text, err := os.ReadFile(dir.Store())
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.ReplaceAll(string(text), `"messages":1,"recipients":1`, `"messages":7,"recipients":1`)
	if wrong == string(text) {
		t.Fatal("the totals are not where they were")
	}
	write(t, dir.Store(), wrong)
	_, stderr, code := e.run("", "compact")
	if code != exit.Failed {
		t.Errorf("exit code %d", code)
	}
	mustMatch(t, "stderr", stderr, `error: compact: the store has 1 problem, the first: totals say .*\n.*hint: nothing was changed`)
	if st, err := proof.OpenStore(dir.Store(), store.Options{}); err != nil {
		t.Error(err)
	} else if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// Commands that take long, or touch the caller's files, never run in a running relay.
func TestProgram_onlyHere(t *testing.T) {
	for _, line := range []string{"backup", "backup -", "restore x", "restore --dry-run x", "compact", "compact --dry-run"} {
		p := &program{App: App{Stdout: io.Discard, Stderr: io.Discard}, inner: &serve.Relay{}}
		err := p.run(t.Context(), strings.Fields(line))
		if f := exit.Of(err); f.Code != exit.WrongUsage || !strings.Contains(f.Error(), "cannot be sent to a running relay") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
