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

// putDamaged writes a store with an overwritten page to path. It makes a new file each time,
// because one that made the engine panic stays locked in this process.
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

// With any page damaged, nothing panics. Restore refuses a damaged backup without a change,
// and replaces a damaged store.
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

// A compaction neither replaces nor changes a damaged store.
func TestCompact_damage(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	dir := place.Dir(e["RELAY_DATA"])
	good := filepath.Join(filepath.Dir(e["RELAY_CONFIG"]), "good.db") // shorter than the store
	e.must(t, "backup", good)
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for page := range len(text) / 4096 {
		putDamaged(t, dir.Store(), text, page)
		before, err := os.ReadFile(dir.Store())
		if err != nil {
			t.Fatal(err)
		}
		_, stderr, code := e.run("", "compact")
		if code == exit.Done {
			continue // it was a page that holds nothing
		}
		refused++
		mustMatch(t, "stderr", stderr, "^relay: error: ")
		after, err := os.ReadFile(dir.Store())
		if err != nil {
			t.Fatal(err)
		}
		if string(before[2*4096:]) != string(after[2*4096:len(before)]) {
			t.Errorf("page %d: the damaged file was changed", page)
		}
		if list, err := os.ReadDir(string(dir)); len(list) != 1 {
			t.Errorf("page %d: left over: %v, %v", page, list, err)
		}
	}
	if refused < 2 {
		t.Errorf("%d of %d damaged stores refused", refused, len(text)/4096)
	}
}
