package backup

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A copy that cannot be removed keeps its manifest.
func TestShelf_prune_fails(t *testing.T) {
	s := Shelf{Dir: t.TempDir(), Keep: 1}
	stuck, newest := filepath.Join(s.Dir, "relay-20261122T030000Z.db"), filepath.Join(s.Dir, "relay-20261123T030000Z.db")
	lay(t, stuck, "abc")
	lay(t, ManifestOf(stuck), `{"format": 1, "size": 3}`)
	lay(t, newest, "abc")
	f, err := os.Open(stuck)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const immutable = 0x10
	if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, immutable); err != nil {
		t.Skipf("nothing can be kept from being removed here: %v", err)
	}
	defer func() { _ = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, 0) }()
	if gone, err := s.Prune(newest); err == nil || len(gone) > 0 {
		t.Errorf("prune = %v, %v", gone, err)
	}
	if m, err := ReadManifest(stuck); m == nil || err != nil {
		t.Errorf("its manifest: %v, %v", m, err)
	}
}
