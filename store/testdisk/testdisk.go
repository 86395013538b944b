// Package testdisk lets the tests of a package keep their stores in memory. A test
// commits thousands of times, and what it proves is seldom that the disk syncs: most of
// its time would be spent waiting for that. Tests of the file itself (store/bolt) and
// those with the built binary (cli/e2e) stay on the disk.
package testdisk

import (
	"os"
	"testing"
)

// Run is TestMain for a package whose temporary files may lie in memory.
func Run(m *testing.M) {
	Use()
	os.Exit(m.Run())
}

// Use has temporary files made in memory from now on, where the system has room for
// them there and TMPDIR says nothing else.
func Use() {
	if os.Getenv("TMPDIR") != "" || !roomy(folder) {
		return
	}
	if err := os.Setenv("TMPDIR", folder); err != nil {
		panic(err)
	}
}

// Dir is t.TempDir, in memory where Use would have it there: for one test of a package whose
// others stay on the disk.
func Dir(t testing.TB) string {
	if !roomy(folder) {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(folder, "relay-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// folder is where Linux keeps shared memory, as files.
const folder = "/dev/shm"

// room is the least that must be free there. Containers often have 64 MB.
const room = 1 << 30
