package memory

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"relay/store/engine"
	"relay/store/engine/enginetest"
)

// The second driver keeps the contract of every driver.
func TestDriver(t *testing.T) {
	var disk Disk
	enginetest.Run(t, func(path string, buckets []string) (engine.Driver, error) {
		return disk.Open(path, Options{Buckets: buckets})
	})
}

func open(t *testing.T, d *Disk, path string, o Options) *Driver {
	t.Helper()
	o.Buckets = []string{"a"}
	f, err := d.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func put(t *testing.T, d *Driver, key, value string) {
	t.Helper()
	txn, err := d.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(txn.Put(0, []byte(key), []byte(value)), txn.Commit()); err != nil {
		t.Fatal(err)
	}
}

func TestDisk_Open(t *testing.T) {
	var disk Disk
	if _, err := disk.Open("x", Options{ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("to be read, and not there: %v", err)
	}
	d := open(t, &disk, "x", Options{})
	put(t, d, "k", "v")
	if _, err := disk.Open("x", Options{ReadOnly: true}); !errors.Is(err, engine.ErrLocked) {
		t.Errorf("to be read while another writes: %v", err)
	}
	if err := disk.Copy("y", "x"); err != nil {
		t.Fatal(err)
	}
	put(t, d, "k", "a new value")
	if err := d.Close(true); err != nil {
		t.Error(err)
	}
	if used, _ := open(t, &disk, "y", Options{}).Size(); used != 2 {
		t.Errorf("the copy has %d octets, want what was committed before", used)
	}
	one, two := open(t, &disk, "x", Options{ReadOnly: true}), open(t, &disk, "x", Options{ReadOnly: true})
	if _, err := disk.Open("x", Options{}); !errors.Is(err, engine.ErrLocked) {
		t.Errorf("to be written while others read: %v", err)
	}
	if _, err := disk.Open("x", Options{ReadOnly: true, Buckets: []string{"a", "b"}}); !errors.Is(err, engine.ErrOlder) {
		t.Errorf("to be read for a bucket that is not there: %v", err)
	}
	if _, err := one.Begin(true); err == nil {
		t.Error("a transaction that writes, of one that only reads")
	}
	if err := errors.Join(one.Close(true), two.Close(true)); err != nil {
		t.Error(err)
	}
	disk.Forget("x")
	if used, _ := open(t, &disk, "x", Options{}).Size(); used != 0 {
		t.Errorf("%d octets are left", used)
	}
}

// What is not a whole copy is refused.
func TestDisk_Open_damaged(t *testing.T) {
	var disk Disk
	d := open(t, &disk, "x", Options{})
	put(t, d, "key", "value")
	path := filepath.Join(t.TempDir(), "copy")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	n, err := d.Export(f, func(engine.Txn, int64) error { return nil })
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	for size := range n {
		if err := os.Truncate(path, n-1-size); err != nil {
			t.Fatal(err)
		}
		if _, err := disk.Open(path, Options{}); !errors.Is(err, engine.ErrDamaged) {
			t.Errorf("without %d octets: %v", 1+size, err)
		}
	}
	if _, err := d.Export(io.Discard, func(engine.Txn, int64) error { return os.ErrClosed }); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Export that is not begun: %v", err)
	}
}

// What comes out of a transaction dies with it, and a cursor with a change.
func TestDriver_strict(t *testing.T) {
	var disk Disk
	d := open(t, &disk, "x", Options{})
	put(t, d, "k", "value")
	txn, err := d.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	v, c := txn.Get(0, []byte("k")), txn.Cursor(0)
	k, _ := c.First()
	if err := txn.Put(0, []byte("l"), nil); err != nil {
		t.Fatal(err)
	}
	if !panics(func() { c.Next() }) {
		t.Error("a cursor goes on after a change")
	}
	if err := txn.Put(0, nil, []byte("v")); err == nil {
		t.Error("an empty key was stored")
	}
	if err := txn.Rollback(); err != nil {
		t.Fatal(err)
	}
	if string(v) == "value" || string(k) == "k" {
		t.Errorf("%q and %q are left after the end", k, v)
	}
	if !panics(func() { c.First() }) {
		t.Error("a cursor goes on after the end")
	}
	if errors.Join(txn.Commit(), txn.Rollback(), txn.Put(0, []byte("k"), nil)) == nil {
		t.Error("a transaction that has ended goes on")
	}
}

func panics(fn func()) (did bool) {
	defer func() { did = recover() != nil }()
	fn()
	return false
}

func TestDriver_Room(t *testing.T) {
	var disk Disk
	if got := open(t, &disk, "x", Options{Free: func() int64 { return 10 }, Reserve: 20}).Room(); got != -10 {
		t.Errorf("Room = %d, want -10", got)
	}
	if got := open(t, &disk, "y", Options{}).Room(); got < 1<<60 {
		t.Errorf("Room = %d, want no end of it", got)
	}
}
