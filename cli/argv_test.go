package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"account list", "account list"},
		{"account add acme --plan p", "account add --plan=p -- acme"},
		{"account add acme --plan p --json", "--json account add --plan=p -- acme"},
		{"--json account add --plan p acme", "--json account add --plan=p -- acme"},
		{"account --json add -plan=p acme", "--json account add --plan=p -- acme"},
		{"account add acme --plan p --data /d --config /c", "--data=/d --config=/c account add --plan=p -- acme"},
		{"account add --plan p -- --acme --json", "account add --plan=p -- --acme --json"},
		{"account add acme --plan=--odd", "account add --plan=--odd -- acme"},
		{"account add acme --plan -odd", "account add --plan=-odd -- acme"},
		{"queue drop - --account a", "queue drop --account=a -- -"},
		{"queue hold A B --held --json C", "--json queue hold --held -- A B C"},
	} {
		p := &program{}
		l, err := shell.Parse(&cli.Command{Name: "relay", Subcommands: p.commands()}, p.globals(), strings.Fields(c.in))
		if err != nil {
			t.Errorf("parse(%q): %v", c.in, err)
			continue
		}
		if got := strings.Join(l.Sorted(), " "); got != c.want {
			t.Errorf("parse(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestParse_refuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"nonsense", `no command "nonsense" in relay`},
		{"account ad", `did you mean "add"?`},
		{"account add x --plam y", `did you mean "--plan"?`},
		{"account add x --plan", "--plan needs a value"},
		{"account add x --plan --json", "--plan needs a value"},
		{"account add x --plan=", "--plan has an empty value"},
		{"--plan x account add", "no flag --plan in relay"},
		{"account list --password", "no flag --password in relay account list"},
	} {
		p := &program{}
		_, err := shell.Parse(&cli.Command{Name: "relay", Subcommands: p.commands()}, p.globals(), strings.Fields(c.in))
		f, ok := errors.AsType[*exit.Error](err)
		if !ok || f.Code != exit.WrongUsage || f.Hint == "" || !strings.Contains(f.Error(), c.want) {
			t.Errorf("parse(%q) = %v, want exit code 64 with %q and a hint", c.in, err, c.want)
		}
	}
}

// What was sorted once is sorted: a running relay understands what it is sent.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"account add acme --plan p --json", "queue drop - --account a", "account show -- --json x", "--data=/d plan add p --emails -1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p := &program{}
		root := &cli.Command{Name: "relay", Subcommands: p.commands()}
		l, err := shell.Parse(root, p.globals(), strings.Fields(in))
		if err != nil || l.Help {
			return
		}
		again, err := shell.Parse(root, p.globals(), l.Sorted())
		if err != nil {
			t.Fatalf("%q is sorted to %q: %v", in, l.Sorted(), err)
		}
		if !slices.Equal(l.Sorted(), again.Sorted()) || !slices.Equal(l.Args, again.Args) {
			t.Errorf("%q: %q, then %q", in, l.Sorted(), again.Sorted())
		}
	})
}

// Every command is on the help page, says what it is for and what its flags
// mean, on no line wider than a screen.
func TestHelp(t *testing.T) {
	e := env{}
	page, _, _ := e.run("", "--help")
	checkWidth(t, "relay --help", page)
	var walk func(all []*cli.Command, path []string)
	walk = func(all []*cli.Command, path []string) {
		for _, c := range all {
			full := append(slices.Clone(path), c.Name)
			if len(c.Subcommands) > 0 {
				walk(c.Subcommands, full)
				continue
			}
			name := strings.Join(full, " ")
			if !strings.Contains(page, "\n  "+strings.TrimSpace(name+" "+c.ArgsUsage)+" ") || c.Usage == "" {
				t.Errorf("relay --help does not tell of %q", name)
			}
			text, _, code := e.run("", append(full, "--help")...)
			checkWidth(t, name, text)
			if code != exit.Done || !strings.Contains(text, "Usage: relay "+name) {
				t.Errorf("relay %s --help: exit code %d\n%s", name, code, text)
			}
			for _, f := range c.Flags {
				if _, about := shell.FlagText(f); about == "" {
					t.Errorf("relay %s --help says nothing about --%s", name, f.Names()[0])
				}
			}
		}
	}
	walk((&program{}).commands(), nil)
}

// relay alone shows one screen that names every command once.
func TestOverview(t *testing.T) {
	out, page, code := env{}.run("")
	if code != exit.WrongUsage || out != "" {
		t.Errorf("exit code %d, standard output %q", code, out)
	}
	checkWidth(t, "relay", page)
	if n := strings.Count(page, "\n"); n > 24 {
		t.Errorf("%d lines:\n%s", n, page)
	}
	var named []string
	for _, c := range chapters {
		named = append(named, strings.Fields(c.Commands)...)
		if !strings.Contains(page, strings.ReplaceAll(c.Commands, " ", ", ")+"\n") {
			t.Errorf("%q is not there:\n%s", c.Commands, page)
		}
	}
	all := shell.CommandNames((&program{}).commands())
	slices.Sort(named)
	slices.Sort(all)
	if !slices.Equal(named, all) {
		t.Errorf("the screen names %q, want %q", named, all)
	}
}

func checkWidth(t *testing.T, what, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > term.Columns {
			t.Errorf("%s: %d characters: %s", what, n, line)
		}
	}
}
