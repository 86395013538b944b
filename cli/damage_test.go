package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relay/cli/exit"
	"relay/cli/place"
)

// putDamaged puts a store with an overwritten page in the place of path. It is a
// new file each time: one that made the engine panic stays locked in this process.
func putDamaged(t *testing.T, path string, store []byte, page int) {
	t.Helper()
	bad := bytes.Clone(store)
	copy(bad[page*4096:], bytes.Repeat([]byte{0xA7}, 4096))
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whatever page is damaged: nothing panics, restore refuses a damaged backup
// without a change, and replaces a damaged store.
func TestRestore_damage(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	dir := place.Dir(e["RELAY_DATA"])
	good := filepath.Join(filepath.Dir(e["RELAY_CONFIG"]), "good.db")
	bad := filepath.Join(filepath.Dir(good), "bad.db")
	e.must(t, "backup", good)
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for page := range len(text) / 4096 {
		putDamaged(t, bad, text, page)
		_, stderr, code := e.run("", "restore", bad)
		if code != exit.Done {
			refused++
			mustMatch(t, "stderr", stderr, "relay: error: backup .*bad.db: ")
		}
		e.must(t, "account", "show", "acme")
		for _, line := range []string{"account list", "check --store", "usage", "backup " + bad + " --force"} {
			putDamaged(t, dir.Store(), text, page)
			_, stderr, code := e.run("", strings.Fields(line)...)
			if code != exit.Done && code != exit.Failed {
				t.Errorf("page %d: relay %s: exit code %d: %s", page, line, code, stderr)
			}
		}
		putDamaged(t, dir.Store(), text, page)
		e.must(t, "restore", good)
		e.must(t, "account", "show", "acme")
	}
	if refused < 2 {
		t.Errorf("%d of %d damaged backups refused", refused, len(text)/4096)
	}
}
