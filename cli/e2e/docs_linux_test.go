package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocs runs the commands of the README and of the operating guide as they
// are written: every block marked sh, in order, in a network and in folders of
// their own. Blocks that change the host are marked console; they are only
// parsed, by a test beside the commands.
func TestDocs(t *testing.T) {
	t.Parallel()
	if os.Getenv(insideNet) == "" {
		if !ownNetwork(t) {
			t.Skip("the ports and mail of these commands need a network of their own")
		}
		return
	}
	for _, page := range []struct {
		file   string
		blocks int // at least
	}{{"../../README.md", 1}, {"../../docs/guide.md", 15}} {
		t.Run(filepath.Base(page.file), func(t *testing.T) {
			text, err := os.ReadFile(page.file)
			if err != nil {
				t.Fatal(err)
			}
			blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
			if len(blocks) < page.blocks {
				t.Fatalf("only %d blocks of %s are marked sh", len(blocks), page.file)
			}
			runBlocks(t, blocks)
		})
	}
}

// runBlocks runs them in one shell, which ends at the first command that fails.
// What still runs at the end is stopped, and must end well.
func runBlocks(t *testing.T, blocks [][]string) {
	dir := shortDir(t)
	if err := os.Symlink(binary, filepath.Join(dir, "relay")); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString("set -e\nend() { code=$?; trap - EXIT; kill $! 2>/dev/null; wait; exit $code; }\ntrap end EXIT\n")
	for _, tool := range []string{"curl", "swaks"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("%s is not installed: what calls it is skipped", tool)
			fmt.Fprintf(&script, "%s() { cat >/dev/null; }\n", tool)
		}
	}
	for i, b := range blocks {
		fmt.Fprintf(&script, "echo '== block %d'\nset -x\n%s{ set +x; } 2>/dev/null\n", i+1, b[1])
	}
	script.WriteString("kill -TERM $!\nwait $!\ntrap - EXIT\necho '== the end'\n")
	cmd := exec.Command("/bin/sh", "-c", script.String())
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=" + dir + ":" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(),
		"RELAY_CONFIG=" + filepath.Join(dir, "relay.toml"), "RELAY_DATA=" + filepath.Join(dir, "data")}
	if !strings.Contains(script.String(), "relay init") { // which writes it
		if err := os.WriteFile(filepath.Join(dir, "relay.toml"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res := finish(t, cmd)
	if res.code != 0 || !strings.HasSuffix(res.out, "== the end\n") {
		t.Errorf("exit code %d\n%s\n%s", res.code, res.out, res.err)
	}
	for _, line := range regexp.MustCompile(`(?m)^relay: (error|hint).*$`).FindAllString(res.err, -1) {
		t.Errorf("%s", line)
	}
	for line := range strings.Lines(res.out) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 && !strings.HasPrefix(line, "{") && !strings.HasPrefix(line, " {") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	t.Logf("%s\n%s", res.out, res.err)
}
