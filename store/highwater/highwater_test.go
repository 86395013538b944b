package highwater

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestRaise(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers")
	is := func(want uint64) {
		t.Helper()
		if n, err := Read(path); n != want || err != nil {
			t.Errorf("Read = %d, %v, want %d", n, err, want)
		}
	}
	is(0)
	for _, n := range []uint64{7, 3, 7, 18446744073709551615} {
		if err := Raise(path, t.TempDir(), n); err != nil {
			t.Fatal(err)
		}
		is(max(n, 7))
	}
	if err := os.WriteFile(path, []byte("00000000000000000008 00000000000000000007\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := Read(path); !errors.Is(err, ErrDamaged) {
		t.Errorf("Read = %d, %v of a damaged file, want ErrDamaged", n, err)
	}
	if err := Writable(path); !errors.Is(err, ErrDamaged) {
		t.Errorf("Writable = %v of a damaged file, want ErrDamaged", err)
	}
	if err := Raise(path, path, 9); err == nil {
		t.Error("Raise writes over a file that it cannot read")
	}
	if err := os.WriteFile(path, []byte("17 17\n"), 0o600); err != nil { // as the hint has it
		t.Fatal(err)
	}
	is(17)
	if err := Raise(path, path, 18); err != nil {
		t.Fatal(err)
	}
	is(18)
	if err := Writable(path); err != nil {
		t.Errorf("Writable = %v", err)
	}
}
