package cli

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"relay/cli/exit"
	"relay/cli/place"
	"relay/store/bolt"
)

// A pipe has no size, and opening it waits for who is at its other end.
func TestBackup_pipeInItsPlace(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"pipe exists":       {"backup", pipe},
		"pipe is no file":   {"backup", "--force", pipe},
		"pipe is no backup": {"restore", pipe},
	} {
		done := make(chan string, 1)
		go func() { _, stderr, _ := e.run("", args...); done <- stderr }()
		select {
		case stderr := <-done:
			mustMatch(t, "stderr", stderr, want)
		case <-time.After(10 * time.Second):
			t.Fatalf("%v waits for the pipe", args)
		}
	}
}

// A directory with no store in it, not mounted perhaps, must not cost good copies.
func TestBackup_noStore(t *testing.T) {
	e := newEnv(t, testConfig)
	for _, args := range [][]string{{"backup"}, {"backup", filepath.Join(t.TempDir(), "copy.db")}, {"backup", "-"}} {
		_, stderr, code := e.run("", args...)
		if code != exit.Failed {
			t.Errorf("%v: exit code %d", args, code)
		}
		mustMatch(t, "stderr", stderr, `error: there is no store in .*\n.*hint: name the data directory`)
	}
	if list, err := os.ReadDir(e["RELAY_DATA"]); len(list) > 0 {
		t.Errorf("made: %v, %v", list, err)
	}
}

// A backup of an older relay is proved as what it becomes; it is not changed.
func TestRestore_olderSchema(t *testing.T) {
	e := newEnv(t, testConfig)
	old := filepath.Join(filepath.Dir(e["RELAY_CONFIG"]), "old.db")
	db, err := bolt.Open(old, bolt.Options{Buckets: []string{"accounts"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	out := e.must(t, "restore", "--dry-run", old)
	mustMatch(t, "stdout", out, `^in order: .*old.db: 0 accounts`)
	if after, err := os.ReadFile(old); string(after) != string(before) || err != nil {
		t.Errorf("the backup was changed, %v", err)
	}
	e.must(t, "restore", old)
	mustMatch(t, "plans", e.must(t, "plan", "list"), "standard")
	if after, err := os.ReadFile(old); string(after) != string(before) || err != nil {
		t.Errorf("the backup was changed, %v", err)
	}
}

// One of a newer relay is not damaged, and it is said who can read it.
func TestRestore_newerSchema(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	db, err := bolt.Open(place.Dir(e["RELAY_DATA"]).Store(), bolt.Options{Buckets: []string{"meta"}})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(0, func(tx *bolt.Tx) error { return tx.Put(0, []byte("schema"), []byte("99")) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(t.TempDir(), "newer.db")
	if err := os.Rename(place.Dir(e["RELAY_DATA"]).Store(), newer); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"restore", "--dry-run", newer}, {"restore", newer}} {
		_, stderr, code := e.run("", args...)
		if code != exit.Failed {
			t.Errorf("%v: exit code %d", args, code)
		}
		mustMatch(t, "stderr", stderr, `newer.db: the store was written by a newer relay\n.*hint: run the relay that wrote it`)
	}
}
