package bolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
)

func TestDB_FullDiskRefusesAndGoesOn(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("a tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	db := openTest(t, filepath.Join(dir, "x.db"), Options{Reserve: 1}) // so that bbolt meets the full disk
	defer db.Close()
	value := make([]byte, 1<<20)
	stored := 0
	for ; ; stored++ {
		if stored > 24 {
			t.Fatal("24 MB hold more than 24 values of 1 MiB")
		}
		err := db.Grow(len(value), func(tx *Tx) error { return tx.Put(0, fmt.Append(nil, stored), value) })
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Err(); err != nil {
		t.Fatalf("a full disk is not fatal: %v", err)
	}
	if err := db.Update(0, func(tx *Tx) error { return tx.Delete(0, []byte("0")) }); err != nil {
		t.Fatalf("delete on a full disk: %v", err)
	}
	if err := db.Grow(1, func(tx *Tx) error { return tx.Put(0, []byte("small"), []byte("v")) }); err != nil {
		t.Errorf("put after space was made: %v", err)
	}
	if err := db.Check(func(err error) { t.Errorf("Check: %v", err) }); err != nil {
		t.Error(err)
	}
	if get(t, db, "1") != string(value) || get(t, db, "0") != "" {
		t.Error("the file does not hold what was acknowledged")
	}
}
