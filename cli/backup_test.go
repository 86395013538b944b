package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"relay/cli/exit"
	"relay/cli/proof"
	"relay/cli/wholefile"
	"relay/store"
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

// The second signal ends a command that the first one cannot.
func TestProgram_untilSignal_onlyTheFirst(t *testing.T) {
	signals, stopped := make(chan os.Signal, 1), make(chan struct{})
	signals <- syscall.SIGINT
	p := &program{App: App{Signals: func() (<-chan os.Signal, func()) { return signals, sync.OnceFunc(func() { close(stopped) }) }}}
	ctx, stop := p.untilSignal(t.Context())
	defer stop()
	<-ctx.Done()
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		t.Error("further signals are caught, and nobody looks at them")
	}
}

// A signal ends a command and takes away what it has half done.
func TestBackup_interrupted(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	dir := t.TempDir()
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGINT
	var stderr strings.Builder
	app := &App{Stdout: &stderr, Stderr: &stderr, Getenv: e.get,
		Signals: func() (<-chan os.Signal, func()) { return signals, func() {} }}
	p := &program{App: *app}
	ctx, stop := p.untilSignal(t.Context())
	defer stop()
	<-ctx.Done()
	if err := p.backupToFile(ctx, filepath.Join(dir, "copy.db"), false); err == nil {
		t.Error("an interrupted backup is done")
	}
	if list, err := os.ReadDir(dir); len(list) > 0 || err != nil {
		t.Errorf("left over: %v, %v", list, err)
	}
}

// Two processes must not both have a store that was not there when they began.
func TestPlace_claim(t *testing.T) {
	dir := place(t.TempDir())
	empty, err := dir.claim()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dir.claim(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second claim on an empty directory: %v", err)
	}
	opened := make(chan error)
	go func() { // a relay that starts waits until the restore is over
		st, err := proof.OpenStore(dir.store(), store.Options{})
		if err == nil {
			_, err = dir.claim()
			err = errors.Join(err, st.Close())
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("a store was made in a directory that is claimed: %v", err)
	case <-time.After(20 * time.Millisecond): // it waits, or has not begun
	}
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; !errors.Is(err, store.ErrLocked) {
		t.Errorf("a claim on an open store: %v", err)
	}
	lock, err := dir.claim()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := proof.OpenStore(dir.store(), store.Options{}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("Open of a store that is claimed: %v", err)
	}
}

// An empty file is no store: the engine puts a new one in its place, and must not
// meanwhile.
func TestPlace_claim_emptyFile(t *testing.T) {
	dir := place(t.TempDir())
	put(t, dir.store(), "")
	lock, err := dir.claim()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dir.claim(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second claim: %v", err)
	}
	opened := make(chan error)
	go func() {
		st, err := proof.OpenStore(dir.store(), store.Options{})
		if err == nil {
			err = st.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("a store was made in a directory that is claimed: %v", err)
	case <-time.After(100 * time.Millisecond): // it waits, or has not begun
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// A file that takes the store's name is locked until the name lasts, and one that
// another has does not get it.
func TestPlace_install(t *testing.T) {
	dir := place(t.TempDir())
	put(t, dir.store(), "old")
	fresh := filepath.Join(string(dir), "fresh")
	put(t, fresh, "new")
	f, err := os.Open(fresh)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	if err := dir.install(fresh); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("install of a file that another has locked: %v", err)
	}
	if got, err := os.ReadFile(dir.store()); string(got) != "old" {
		t.Errorf("the store is %q, %v", got, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := dir.install(fresh); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dir.store()); string(got) != "new" {
		t.Errorf("the store is %q, %v", got, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("it stays locked: %v", err)
	}
}

// A claim on a file that lost its name is none.
func TestPlace_claimStore_replaced(t *testing.T) {
	dir := place(t.TempDir())
	put(t, dir.store(), "old")
	f, err := os.OpenFile(dir.store(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir.store()+".new", "new")
	if err := os.Rename(dir.store()+".new", dir.store()); err != nil {
		t.Fatal(err)
	}
	if _, err := lockIf(f, func() bool { return wholefile.SameFile(dir.store(), f) }); !errors.Is(err, errReplaced) {
		t.Errorf("claimStore = %v, want errReplaced", err)
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
	db, err := bolt.Open(place(e["RELAY_DATA"]).store(), bolt.Options{Buckets: []string{"meta"}})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(0, func(tx *bolt.Tx) error { return tx.Put(0, []byte("schema"), []byte("99")) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(t.TempDir(), "newer.db")
	if err := os.Rename(place(e["RELAY_DATA"]).store(), newer); err != nil {
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
