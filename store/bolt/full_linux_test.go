package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"relay/store/engine"
)

func TestDB_FullDiskRefusesAndGoesOn(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("a tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	db := openTest(t, filepath.Join(dir, "x.db"), Options{Reserve: 1}) // so that bbolt meets the full disk
	defer db.Close()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 1<<20)
	stored := 0
	for ; ; stored++ {
		if stored > 24 {
			t.Fatal("24 MB hold more than 24 values of 1 MiB")
		}
		err := db.grow(func(tx *engine.Tx) error { return tx.Put(0, fmt.Append(nil, stored), value) })
		if errors.Is(err, engine.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Err(); err != nil {
		t.Fatalf("a full disk is not fatal: %v", err)
	}
	// The file's free pages may be some that the disk has no room for yet: then a little is made.
	try := func(do func(fn func(*engine.Tx) error) error, fn func(*engine.Tx) error) error {
		err := do(fn)
		if errors.Is(err, engine.ErrFull) {
			_ = os.Remove(ballast)
			err = do(fn)
		}
		return err
	}
	if err := try(db.do, func(tx *engine.Tx) error { return tx.Delete(0, []byte("0")) }); err != nil {
		t.Fatalf("delete on a full disk: %v", err)
	}
	if err := try(db.grow, func(tx *engine.Tx) error { return tx.Put(0, []byte("small"), []byte("v")) }); err != nil {
		t.Errorf("put after space was made: %v", err)
	}
	if err := db.Check(func(err error) { t.Errorf("Check: %v", err) }); err != nil {
		t.Error(err)
	}
	if get(t, db, "1") != string(value) || get(t, db, "0") != "" {
		t.Error("the file does not hold what was acknowledged")
	}
}
