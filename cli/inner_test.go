package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/serve"
)

// A running relay opens no files for a command line that is sent to it: a client of the
// service asks for acts.
func TestProgram_run_filesOfOthers(t *testing.T) {
	e := newEnv(t, testConfig)
	s := serveTest(t, e)
	t.Cleanup(func() { s.stop() })
	out := filepath.Join(t.TempDir(), "plans.toml")
	c := control.NewClient(s.dir.Socket())
	defer c.Close()
	for _, line := range []string{"plan import /etc/passwd", "plan export " + out} {
		var errs strings.Builder
		code, err := c.Run(context.Background(), control.Request{Args: strings.Fields(line)}, strings.NewReader(""), io.Discard, &errs)
		if err != nil || code != exit.WrongUsage || strings.Contains(errs.String(), "root") {
			t.Errorf("relay %s: code %d, %v, %s", line, code, err, &errs)
		}
	}
	if _, err := os.Lstat(out); err == nil {
		t.Error("a file was written")
	}
}

// Commands that take long, or touch the caller's files, never run in a running relay.
func TestProgram_onlyHere(t *testing.T) {
	for _, line := range []string{"backup", "backup -", "restore x", "restore --dry-run x", "compact", "compact --dry-run"} {
		p := &program{App: App{Stdout: io.Discard, Stderr: io.Discard}, inner: &serve.Relay{}}
		err := p.run(t.Context(), strings.Fields(line))
		if f := exit.Of(err); f.Code != exit.WrongUsage || !strings.Contains(f.Error(), "cannot be sent to a running relay") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
