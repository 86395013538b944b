package exit

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"relay/report/api/act"
	"relay/store"
)

// Scripts rely on the code of each type of problem.
func TestCodeOf(t *testing.T) {
	for kind, want := range map[act.Type]int{
		act.Wrong: 64, act.Data: 65, act.Missing: 67, act.Unreachable: 69, act.Busy: 75, act.Version: 75,
		act.Token: 77, act.Forbidden: 77, act.Settings: 78,
		act.NoSuch: 1, act.Refused: 1, act.Internal: 1, "a newer one": 1,
	} {
		if got := CodeOf(kind); got != want {
			t.Errorf("CodeOf(%q) = %d, want %d", kind, got, want)
		}
	}
}

func TestReport(t *testing.T) {
	hinted := act.Fail(act.Missing, "", "no account %q", "acme").(*act.Problem)
	hinted.Hint = &act.Hint{Text: "{0} shows them", Acts: []act.Step{{Act: "account list", Arguments: []act.Argument{{Name: "owner", Value: "verdi"}}}}}
	several := act.Invalid("at_limit", "", ": no").(*act.Problem)
	several.Detail += " and more"
	flag := func(member string) string { return "--" + strings.ReplaceAll(member, "_", "-") }
	for _, c := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"nothing", nil, 0, ""},
		{"written already", fmt.Errorf("run: %w", Code(75)), 75, ""},
		{"an error", errors.New("one\ntwo"), 1, "relay: error: one; two\n"},
		{"for a terminal", errors.New("reply \x1b[31m"), 1, "relay: error: reply \uFFFD[31m\n"},
		{"with a hint", Fail(Config, "set it", "key %s", "x"), 78, "relay: error: key x\nrelay: hint: set it\n"},
		{"wrapped", fmt.Errorf("check: %w", Usage("relay --help", "no flag")), 64, "relay: error: check: no flag\nrelay: hint: relay --help\n"},
		{"a sentinel", fmt.Errorf("read: %w", Sentinel(WrongData, "mend it", "damaged")), 65, "relay: error: read: damaged\nrelay: hint: mend it\n"},
		{"a problem", hinted, 67, "relay: error: no account \"acme\"\nrelay: hint: relay account list --owner verdi shows them\n"},
		{"a member", Naming(act.Invalid("at_limit", "", " %q: suspend or continue", "x"), flag), 64, "relay: error: --at-limit \"x\": suspend or continue\n"},
		{"a member among other things", Naming(several, flag), 64, "relay: error: at_limit: no and more\n"},
		{"a known cause", fmt.Errorf("open: %w", store.ErrLocked), 75, "relay: error: open: " + store.ErrLocked.Error() + "\nrelay: hint: a relay that is starting or stopping, or another command, has it: try again\n"},
		{"a full disk", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, 75, "relay: error: write x: no space left on device\nrelay: hint: make space on the disk and try again\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			if code := Report(&out, c.err); code != c.code || out.String() != c.want {
				t.Errorf("exit code %d, want %d\n%s\nwant\n%s", code, c.code, out.String(), c.want)
			}
		})
	}
}

// The code and the hint come from the first Error, the text from all that wraps it.
func TestOf(t *testing.T) {
	inner := Fail(TryAgain, "wait", "busy")
	err := fmt.Errorf("backup: %w", inner)
	if e := Of(err); e.Code != TryAgain || e.Hint != "wait" || e.Error() != "backup: busy" || !errors.Is(e, inner) {
		t.Errorf("%+v", e)
	}
	if got := Hint(errors.New("plain")); got != "" {
		t.Errorf("hint %q", got)
	}
}
