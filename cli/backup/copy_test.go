package backup

import (
	"os"
	"path/filepath"
	"testing"

	"relay/cli/wholefile"
)

// A crash may leave a copy without its manifest, never with that of another.
func TestKeepCopy_removesTheManifestOfAnEarlierOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy.db")
	lay(t, path, "old")
	lay(t, ManifestOf(path), "old")
	out, err := wholefile.New(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Discard()
	if err := out.Close(); err != nil { // so that it cannot be synced
		t.Fatal(err)
	}
	if err := Keep(out, path, &Manifest{}); err == nil {
		t.Fatal("a file that could not be synced got its name")
	}
	if got, err := os.ReadFile(path); string(got) != "old" {
		t.Errorf("the copy is %q, %v, want the earlier one", got, err)
	}
	if _, err := os.Stat(ManifestOf(path)); !os.IsNotExist(err) {
		t.Errorf("a manifest is there that need not be of this copy: %v", err)
	}
}

// Who comes second to a name that is taken leaves the first one's manifest alone.
func TestKeepCopy_leavesAnothersManifest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy.db")
	out, err := wholefile.New(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Discard()
	lay(t, path, "another's")
	lay(t, ManifestOf(path), "another's")
	if err := Keep(out, path, &Manifest{}); err == nil {
		t.Error("it took a name that was taken")
	}
	if got, err := os.ReadFile(ManifestOf(path)); string(got) != "another's" {
		t.Errorf("the other's manifest is %q, %v", got, err)
	}
}
