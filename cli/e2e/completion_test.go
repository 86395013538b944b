package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// typed are command lines up to the TAB, and what must be offered.
var typed = []struct{ line, want string }{
	{"relay acc", "account"},
	{"relay account credential ", "add list hold resume revoke"},
	{"relay account add new --pl", "--plan"},
	{"relay account add new --plan entry-m", "entry-month"},
	{"relay usage of", "office@home"},
	{"relay usage office@h", "office@home"},
	{"relay account add new --at-limit ", "suspend continue"},
	{"relay restore some-f", "some-file"},
	{"relay nothing ", ""},
}

// shell runs a script of a shell in a folder with one file, where relay is the
// one under test and one of them runs.
func shell(t *testing.T, r *relay, name string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "some-file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, "RELAY_CONFIG="+r.file, "HOME="+dir, "PATH="+filepath.Dir(link(t, "relay"))+":"+os.Getenv("PATH"))
	res := finish(t, cmd)
	if res.code != 0 || res.err != "" {
		t.Fatalf("%s: exit code %d\n%s", name, res.code, res.err)
	}
	return res.out
}

// words offered, in the form that every shell's test prints: one a line.
func offered(out string) string { return strings.Join(strings.Fields(out), " ") }

func TestCompletion(t *testing.T) {
	t.Parallel()
	r := newRelay(t, setup{})
	r.account("office@home")
	r.start()
	t.Run("bash", func(t *testing.T) {
		need(t, "bash")
		script := filepath.Join(t.TempDir(), "relay")
		if err := os.WriteFile(script, []byte(r.cli("completion", "bash")), 0o600); err != nil {
			t.Fatal(err)
		}
		shell(t, r, "bash", "-n", script)
		for _, c := range typed {
			// As bash does at TAB: it parts words at = : @ as well.
			body := fmt.Sprintf(`source %s
COMP_LINE=%q COMP_POINT=${#COMP_LINE}
read -ra COMP_WORDS <<<"$(sed 's/[=:@]/ & /g' <<<"$COMP_LINE")"
[[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_relay
printf '%%s\n' "${COMPREPLY[@]}"`, script, c.line)
			want := c.want
			if _, domain, ok := strings.Cut(c.line, "@"); ok && domain != "" { // bash keeps what is before the @
				_, want, _ = strings.Cut(want, "@")
			}
			if got := offered(shell(t, r, "bash", "-c", body)); got != want {
				t.Errorf("%q: %q, want %q", c.line, got, want)
			}
		}
	})
	t.Run("zsh", func(t *testing.T) {
		need(t, "zsh")
		script := filepath.Join(t.TempDir(), "_relay")
		if err := os.WriteFile(script, []byte(r.cli("completion", "zsh")), 0o600); err != nil {
			t.Fatal(err)
		}
		shell(t, r, "zsh", "-n", script)
		for _, c := range typed {
			// The completion system itself needs a terminal: its two functions are
			// stood in for.
			body := fmt.Sprintf(`compdef() { }
_files() { print -l some-f* }
_describe() { local w; for w in "${(@P)3}"; do print -r -- "${${w//\\:/}%%%%:*}"; done }
source %s
local line=%q
local -a words=("${(@s: :)line}")
local CURRENT=${#words}
_relay`, script, c.line)
			if got := offered(shell(t, r, "zsh", "-f", "-c", body)); got != c.want {
				t.Errorf("%q: %q, want %q", c.line, got, c.want)
			}
		}
	})
	t.Run("fish", func(t *testing.T) {
		need(t, "fish")
		script := filepath.Join(t.TempDir(), "relay.fish")
		if err := os.WriteFile(script, []byte(r.cli("completion", "fish")), 0o600); err != nil {
			t.Fatal(err)
		}
		shell(t, r, "fish", "--no-execute", script)
		for _, c := range typed {
			body := fmt.Sprintf("source %s; complete -C %q | string split -f1 \\t", script, c.line)
			if got := offered(shell(t, r, "fish", "--no-config", "-c", body+"; true")); got != c.want {
				t.Errorf("%q: %q, want %q", c.line, got, c.want)
			}
		}
	})
}
