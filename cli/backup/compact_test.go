package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relay/cli/exit"
	"relay/store"
	"relay/store/spooled"
)

// The new file has the mode of the old one, and other files in the directory stay.
func TestCompact_keepsMode(t *testing.T) {
	u, st := newUser(t)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(u.dir.Store(), 0o640); err != nil {
		t.Fatal(err)
	}
	old, err := os.Stat(u.dir.Store())
	if err != nil {
		t.Fatal(err)
	}
	lay(t, filepath.Join(string(u.dir), "relay.db.mine"), "x")
	if _, stderr, code := u.run("compact"); code != exit.Done {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	now, err := os.Stat(u.dir.Store())
	if err != nil || now.Mode() != old.Mode() || os.SameFile(old, now) {
		t.Errorf("the new file: %v, %v, want another with mode %v", now.Mode(), err, old.Mode())
	}
	list, err := os.ReadDir(string(u.dir))
	if err != nil || len(list) != 2 {
		t.Errorf("the directory holds %v, %v", list, err)
	}
}

// A store whose counters are wrong stays as it is: a new file would hide that.
func TestCompact_wrongCounters(t *testing.T) {
	u, st := newUser(t)
	m := &spooled.Message{Account: "acme", Size: 4, Expires: st.Now().AddDate(0, 0, 4), Recipients: []spooled.Recipient{{Address: "x@one.example", Domain: "one.example"}}}
	body := st.Bodies.New()
	if _, err := body.Write([]byte("hi\r\n")); err != nil {
		t.Fatal(err)
	}
	if no, err := st.Accept(store.Intake{Message: m, Body: body}); no != nil || err != nil {
		t.Fatal(no, err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(u.dir.Store())
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.ReplaceAll(string(text), `"messages":1,"recipients":1`, `"messages":7,"recipients":1`)
	if wrong == string(text) {
		t.Fatal("the totals are not where they were")
	}
	lay(t, u.dir.Store(), wrong)
	_, stderr, code := u.run("compact")
	if code != exit.Failed {
		t.Errorf("exit code %d", code)
	}
	mustMatch(t, stderr, `error: compact: the store has 1 problem, the first: totals say .*\n.*hint: nothing was changed`)
	st, err = store.Open(u.dir.Store(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}
