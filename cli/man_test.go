package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"relay/cli/shell"
)

// manPageOf the commands, as relay man prints it.
func manPageOf(t *testing.T) string {
	t.Helper()
	return newEnv(t, "").must(t, "man")
}

func TestMan_hasEveryCommandAndFlag(t *testing.T) {
	page := strings.ReplaceAll(manPageOf(t), `\-`, "-")
	p := &program{}
	for _, l := range shell.Leaves(p.commands(), "relay") {
		if want := `.SS "` + shell.Synopsis(l.Name, l.Command); !strings.Contains(page, want) {
			t.Errorf("%q is not there", want)
		}
		for _, f := range l.Flags {
			if want := "-" + f.Names()[0] + `\fR`; !strings.Contains(page, want) {
				t.Errorf("%s: %q is not there", l.Name, want)
			}
		}
	}
	for _, e := range shell.ExitMeanings {
		if want := "\n.TP\n\\fB" + strconv.Itoa(e.Code) + "\\fR\n"; !strings.Contains(page, want) {
			t.Errorf("exit code %d is not there", e.Code)
		}
	}
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "'") || strings.TrimSpace(line) == "" {
			t.Errorf("line %q", line)
		}
	}
}

func TestMan_isTroff(t *testing.T) {
	file := filepath.Join(t.TempDir(), "relay.1")
	if err := os.WriteFile(file, []byte(manPageOf(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tool := range [][]string{
		{"mandoc", "-T", "lint", "-W", "warning", file},
		{"man", "--warnings", "-P", "cat", "-l", file},
		{"groff", "-ww", "-z", "-man", "-Tutf8", "-rLL=80n", file},
	} {
		t.Run(tool[0], func(t *testing.T) {
			if _, err := exec.LookPath(tool[0]); err != nil {
				t.Skipf("%s is not installed", tool[0])
			}
			var out, errs bytes.Buffer
			cmd := exec.Command(tool[0], tool[1:]...)
			cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=80", "MANROFFOPT=")
			cmd.Stdout, cmd.Stderr = &out, &errs
			err := cmd.Run()
			if tool[0] == "mandoc" { // whose words are its result; a page made from the program has no date
				errs.WriteString(regexp.MustCompile(`(?m)^.*missing date.*\n`).ReplaceAllString(out.String(), ""))
				err = nil
			}
			if err != nil || errs.Len() > 0 {
				t.Errorf("%s: %v\n%s", strings.Join(tool, " "), err, &errs)
			}
			if tool[0] == "man" && !strings.Contains(out.String(), "relay account credential add NAME") {
				t.Errorf("not shown:\n%s", &out)
			}
		})
	}
}
