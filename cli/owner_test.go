package cli

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What root does in the data directory of another user is that user's.
func TestRoot_worksForTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	const nobody = 65534
	e := newEnv(t, testConfig)
	data := e["RELAY_DATA"]
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, nobody, nobody); err != nil {
		t.Skipf("there is no other user here: %v", err)
	}
	wantOwner := func(when string) {
		t.Helper()
		n := 0
		err := filepath.Walk(data, func(path string, info os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			if n++; info.Sys().(*syscall.Stat_t).Uid != nobody {
				t.Errorf("%s: %s is not its owner's", when, path)
			}
			return nil
		})
		if err != nil || n < 2 {
			t.Errorf("%s: %d files, %v", when, n, err)
		}
	}
	copied := filepath.Join(filepath.Dir(data), "copy.db")
	e.must(t, "account", "add", "acme", "--plan", "entry")
	wantOwner("account add")
	e.must(t, "backup")
	wantOwner("backup")
	e.must(t, "backup", copied)
	e.must(t, "restore", copied)
	wantOwner("restore")
	e.must(t, "compact")
	wantOwner("compact")
	if info, err := os.Stat(copied); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("the copy elsewhere: %v, %v; want it to be root's", info, err)
	}
}
