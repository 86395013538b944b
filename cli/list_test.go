package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relay/cli/exit"
)

// A reseller cleans lists against the errors of accounts below it, over the socket and over
// the API, and learns nothing of others.
func TestListClean_reseller(t *testing.T) {
	m := newMarket(t)
	file := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(file, []byte("email\njo@example.net\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{nil, {"--api", m.base}} {
		clean := func(account string) (string, string, int) {
			return m.as("webco", append([]string{"list", "clean", file, "--force", "--account", account}, more...)...)
		}
		if out, stderr, code := clean("webco.shop"); code != exit.Done || !strings.Contains(out, "removed    0") {
			t.Errorf("its own: %d %s%s", code, out, stderr)
		}
		for _, account := range []string{"rival.shop", "alone", "nobody"} {
			if _, stderr, code := clean(account); code != exit.NoAccount || !strings.Contains(stderr, "error: not found") {
				t.Errorf("%s: %d %s", account, code, stderr)
			}
		}
	}
}
