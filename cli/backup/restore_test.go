package backup

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/shell"
	"relay/store"
	"relay/store/bolt"
	"relay/store/engine"
)

// user runs commands on a data directory, without a configuration.
type user struct{ dir place.Dir }

// newUser has a store of one account.
func newUser(t *testing.T) (user, *store.Store) {
	s, st := newShelf(t, 1)
	return user{place.Dir(s.Owner)}, st
}

// run runs a command line and returns what it wrote and its exit code.
func (u user) run(args ...string) (stdout, stderr string, code int) {
	var out, errs strings.Builder
	c := &Commands{Env: &shell.Env{Stdout: &out, Stderr: &errs},
		Where: &place.Flags{Data: string(u.dir), Getenv: func(name string) string { return map[string]string{"RELAY_CONFIG": os.DevNull}[name] }}}
	app := &cli.App{Commands: []*cli.Command{c.Backup(), c.Restore(), c.Compact()}, ExitErrHandler: func(*cli.Context, error) {}}
	code = exit.Report(&errs, app.Run(append([]string{"relay"}, args...)))
	return out.String(), errs.String(), code
}

func mustMatch(t *testing.T, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%q does not match %q", text, pattern)
	}
}

// A pipe has no size, and opening it waits for a process at its other end.
func TestBackup_pipeInItsPlace(t *testing.T) {
	u, _ := newUser(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"pipe exists":          {"backup", pipe},
		"pipe is not a file":   {"backup", "--force", pipe},
		"pipe is not a backup": {"restore", pipe},
	} {
		done := make(chan string, 1)
		go func() { _, stderr, _ := u.run(args...); done <- stderr }()
		select {
		case stderr := <-done:
			mustMatch(t, stderr, want)
		case <-time.After(5 * time.Minute):
			t.Fatalf("%v waits for the pipe", args)
		}
	}
}

// A directory without a store, perhaps not mounted, must not cost good copies.
func TestBackup_noStore(t *testing.T) {
	u := user{place.Dir(t.TempDir())}
	for _, args := range [][]string{{"backup"}, {"backup", filepath.Join(t.TempDir(), "copy.db")}, {"backup", "-"}} {
		_, stderr, code := u.run(args...)
		if code != exit.Failed {
			t.Errorf("%v: exit code %d", args, code)
		}
		mustMatch(t, stderr, `error: there is no store in .*\n.*hint: name the data directory`)
	}
	if list, err := os.ReadDir(string(u.dir)); len(list) > 0 {
		t.Errorf("made: %v, %v", list, err)
	}
}

// A backup of an older relay is proved after its upgrade, and stays as it was.
func TestRestore_olderSchema(t *testing.T) {
	u := user{place.Dir(t.TempDir())}
	old := filepath.Join(t.TempDir(), "old.db")
	db, err := bolt.Open(old, bolt.Options{Buckets: []string{"accounts"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(true); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{{"restore --dry-run", `^in order: .*old.db: 0 accounts`}, {"restore", `old.db`}} {
		out, stderr, code := u.run(append(strings.Fields(c.args), old)...)
		if code != exit.Done {
			t.Fatalf("%s: exit code %d: %s", c.args, code, stderr)
		}
		mustMatch(t, out, c.want)
		if after, err := os.ReadFile(old); string(after) != string(before) || err != nil {
			t.Errorf("%s: the backup was changed, %v", c.args, err)
		}
	}
	st, err := store.Open(u.dir.Store(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Books.Plan("standard"); err != nil {
		t.Error(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

// A backup of the relay before the use of an account became two records is proved, restored and
// has the same figures.
func TestRestore_schema10(t *testing.T) {
	u := user{place.Dir(t.TempDir())}
	packed, err := os.Open("../../store/testdata/schema10.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	old := filepath.Join(t.TempDir(), "old.db")
	file, err := os.Create(old)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(packed)
	if err == nil {
		_, err = io.Copy(file, z)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"restore --dry-run", "restore"} {
		if _, stderr, code := u.run(append(strings.Fields(args), old)...); code != exit.Done {
			t.Fatalf("%s: exit code %d: %s", args, code, stderr)
		}
	}
	st, err := store.Open(u.dir.Store(), store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	is, err := st.Standings.Usage("year", "2026-11")
	if err != nil || is.Charged.Messages != 64 || is.Delivered != 56 || is.Queued != 8 || is.Bounced != 1 {
		t.Errorf("usage is %+v, %v", is, err)
	}
}

// A backup of a newer relay is not called damaged, and the hint says which relay reads it.
func TestRestore_newerSchema(t *testing.T) {
	u, st := newUser(t)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := bolt.Open(u.dir.Store(), bolt.Options{Buckets: []string{"meta"}})
	if err != nil {
		t.Fatal(err)
	}
	db := engine.New(file, engine.Options{})
	err = db.Update(engine.Write{Do: func(tx *engine.Tx) error { return tx.Put(0, []byte("schema"), []byte("99")) }})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(t.TempDir(), "newer.db")
	if err := os.Rename(u.dir.Store(), newer); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"restore", "--dry-run", newer}, {"restore", newer}} {
		_, stderr, code := u.run(args...)
		if code != exit.Failed {
			t.Errorf("%v: exit code %d", args, code)
		}
		mustMatch(t, stderr, `newer.db: the store was written by a newer relay\n.*hint: run the relay that wrote it`)
	}
}
