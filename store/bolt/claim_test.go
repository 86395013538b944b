package bolt

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"relay/store/engine"
)

func take(t *testing.T, path string) *Claim {
	t.Helper()
	c, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An empty file is no store: Open puts a new one in its place, and must not while the folder
// is claimed.
func TestTake_emptyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	write(t, path, "")
	claim := take(t, path)
	if _, err := Take(path); !errors.Is(err, engine.ErrLocked) {
		t.Errorf("a second claim: %v", err)
	}
	made := make(chan error)
	go func() {
		f, err := Open(path, Options{})
		if err == nil {
			_, err = Take(path)
			err = errors.Join(err, f.Close(true))
		}
		made <- err
	}()
	select {
	case err := <-made:
		t.Fatalf("a file was made in a folder that is claimed: %v", err)
	case <-time.After(20 * time.Millisecond): // it waits, or has not begun
	}
	if err := claim.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-made; !errors.Is(err, engine.ErrLocked) {
		t.Errorf("a claim on an open file: %v", err)
	}
}

func TestClaim_Share(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	f, err := Open(path, Options{Buckets: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(true); err != nil {
		t.Fatal(err)
	}
	claim := take(t, path)
	defer claim.Close()
	if _, err := Open(path, Options{ReadOnly: true}); !errors.Is(err, engine.ErrLocked) {
		t.Errorf("a file that is claimed is read: %v", err)
	}
	if err := claim.Share(); err != nil {
		t.Fatal(err)
	}
	if f, err = Open(path, Options{ReadOnly: true, Buckets: []string{"a"}}); err != nil {
		t.Fatalf("a file whose claim is shared: %v", err)
	}
	if _, err := Take(path); !errors.Is(err, engine.ErrLocked) {
		t.Errorf("it is claimed by another: %v", err)
	}
	if err := f.Close(true); err != nil {
		t.Error(err)
	}
}

// A file that takes the name is locked until the name lasts, and one that another has does
// not get it.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	path, fresh := filepath.Join(dir, "x.db"), filepath.Join(dir, "fresh")
	write(t, path, "old")
	write(t, fresh, "new")
	f, err := os.Open(fresh)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	if err := Install(fresh, path); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("install of a file that another has locked: %v", err)
	}
	if got, err := os.ReadFile(path); string(got) != "old" {
		t.Errorf("the file is %q, %v", got, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := Install(fresh, path); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); string(got) != "new" {
		t.Errorf("the file is %q, %v", got, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("it stays locked: %v", err)
	}
}

// A claim on a file that lost its name is none.
func TestTake_replaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	write(t, path, "old")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path+".new", "new")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	if _, err := takeIf(f, func() bool { is, _ := named(path, f); return is }); !errors.Is(err, errReplaced) {
		t.Errorf("takeIf = %v, want errReplaced", err)
	}
}

// A fault under the hands of a reader is an error, and so is a panic.
func TestGuard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	write(t, path, "text")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page, err := unix.Mmap(int(f.Fd()), 0, 2*os.Getpagesize(), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(page) }()
	for what, fn := range map[string]func() error{
		"a page that is not there": func() error { return errors.New(string(page[os.Getpagesize():][:1])) },
		"a panic":                  func() error { panic("page 7 is no leaf") },
	} {
		err := Guard(fn)
		if fault, ok := errors.AsType[*Fault](err); !ok || fault.Value == nil || !errors.Is(err, engine.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	plain := errors.New("plain")
	if err := Guard(func() error { return plain }); err != plain {
		t.Errorf("Guard = %v, want the error as it is", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
