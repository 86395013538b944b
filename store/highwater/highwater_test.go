package highwater

import (
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
	if n, err := Read(path); err == nil {
		t.Errorf("Read = %d of a damaged file, want an error", n)
	}
	if err := Raise(path, path, 9); err == nil {
		t.Error("Raise writes over a file that it cannot read")
	}
}
