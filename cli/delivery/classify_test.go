package delivery

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cli "github.com/urfave/cli/v2"

	"relay/cli/place"
	"relay/cli/shell"
)

// run gives a command below relay delivery, with a configuration that names rules.
func run(t *testing.T, rules, stdin string, args ...string) (stdout string, err error) {
	t.Helper()
	dir := t.TempDir()
	config, own := filepath.Join(dir, "relay.toml"), filepath.Join(dir, "rules.toml")
	for file, text := range map[string]string{config: fmt.Sprintf("[delivery]\nrules = %q\n", own), own: rules} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	e := &shell.Env{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &out}
	where := &place.Flags{Config: config, Getenv: func(string) string { return "" }}
	app := &cli.App{Commands: []*cli.Command{Command(e, where)}, ExitErrHandler: func(*cli.Context, error) {}}
	err = app.Run(append([]string{"relay", "delivery"}, args...))
	return out.String(), err
}

const unknownUser = "gmail-smtp-in.l.google.com\tRCPT\t550 5.1.1 The account that you tried to reach does not exist\n"

func TestClassify_own(t *testing.T) {
	out, err := run(t, "[[rule]]\nid = \"mine\"\nprovider = \"google\"\ntext = [\"does not exist\"]\ncategory = \"PolicyRelated\"\n", unknownUser, "classify")
	if err != nil || !strings.Contains(out, "failed  PolicyRelated  unknown  mine") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestClassify_refused(t *testing.T) {
	_, err := run(t, "[[rule]]\nid = \"first\"\ntext = [\"blocked\"]\ncategory = \"SpamBlock\"\n\n[[rule]]\nid = \"second\"\ntext = [\"is blocked by\"]\ncategory = \"PolicyRelated\"\n", unknownUser, "classify")
	if err == nil || !strings.Contains(err.Error(), "line 6: rule second: never matches: rule first on line 1 takes all its replies") {
		t.Error(err)
	}
}
