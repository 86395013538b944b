package syncdir

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A file system that cannot sync a directory is no reason to fail.
func TestSync(t *testing.T) {
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("no /proc here")
	}
	if err := Sync("/proc/self"); err != nil {
		t.Error(err)
	}
	if err := Sync(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("syncDir of nothing: %v", err)
	}
}
