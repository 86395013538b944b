package place

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"relay/cli/proof"
	"relay/cli/wholefile"
	"relay/store"
)

// Two processes must not both have a store that was not there when they began.
func TestPlace_claim(t *testing.T) {
	dir := Dir(t.TempDir())
	empty, err := dir.Claim()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Claim(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second claim on an empty directory: %v", err)
	}
	opened := make(chan error)
	go func() { // a relay that starts waits until the restore is over
		st, err := proof.OpenStore(dir.Store(), store.Options{})
		if err == nil {
			_, err = dir.Claim()
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
	lock, err := dir.Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := proof.OpenStore(dir.Store(), store.Options{}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("Open of a store that is claimed: %v", err)
	}
}

// An empty file is no store: the engine puts a new one in its place, and must not
// meanwhile.
func TestPlace_claim_emptyFile(t *testing.T) {
	dir := Dir(t.TempDir())
	put(t, dir.Store(), "")
	lock, err := dir.Claim()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Claim(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second claim: %v", err)
	}
	opened := make(chan error)
	go func() {
		st, err := proof.OpenStore(dir.Store(), store.Options{})
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
	dir := Dir(t.TempDir())
	put(t, dir.Store(), "old")
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
	if err := dir.Install(fresh); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("install of a file that another has locked: %v", err)
	}
	if got, err := os.ReadFile(dir.Store()); string(got) != "old" {
		t.Errorf("the store is %q, %v", got, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := dir.Install(fresh); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dir.Store()); string(got) != "new" {
		t.Errorf("the store is %q, %v", got, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("it stays locked: %v", err)
	}
}

// A claim on a file that lost its name is none.
func TestPlace_claimStore_replaced(t *testing.T) {
	dir := Dir(t.TempDir())
	put(t, dir.Store(), "old")
	f, err := os.OpenFile(dir.Store(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir.Store()+".new", "new")
	if err := os.Rename(dir.Store()+".new", dir.Store()); err != nil {
		t.Fatal(err)
	}
	if _, err := lockIf(f, func() bool { return wholefile.SameFile(dir.Store(), f) }); !errors.Is(err, errReplaced) {
		t.Errorf("claimStore = %v, want errReplaced", err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
