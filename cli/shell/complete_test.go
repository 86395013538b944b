package shell

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	cli "github.com/urfave/cli/v2"
)

// completion of a few commands, whose names lists answers.
func completion(names Names) *Completion {
	value := func(name, usage string) cli.Flag { return &cli.StringFlag{Name: name, Usage: usage} }
	account := Group("account", "accounts",
		&cli.Command{Name: "add", ArgsUsage: "NAME", Flags: []cli.Flag{value("owner", "`CUSTOMER` who owns it"), value("method", "`METHOD` of payment")}},
		&cli.Command{Name: "show", ArgsUsage: "NAME"},
		&cli.Command{Name: "list", Flags: []cli.Flag{value("state", "`STATE` only these: pending, active (default all)"), value("account", "`NAME` of one")}},
		Group("credential", "logins",
			&cli.Command{Name: "add", ArgsUsage: "NAME", Flags: []cli.Flag{value("login", "`LOGIN` to add")}},
			&cli.Command{Name: "revoke", ArgsUsage: "NAME LOGIN"}),
		Group("network", "networks",
			&cli.Command{Name: "add", ArgsUsage: "NAME CIDR"},
			&cli.Command{Name: "remove", ArgsUsage: "NAME CIDR"}))
	return &Completion{Names: names, Globals: []cli.Flag{value("config", "`FILE` the configuration")}, Commands: []*cli.Command{
		account,
		Group("invoice", "invoices", &cli.Command{Name: "show", ArgsUsage: "NUMBER"}, &cli.Command{Name: "cancel", ArgsUsage: "NUMBER"}),
		Group("job", "jobs", &cli.Command{Name: "run", ArgsUsage: "JOB"}),
		{Name: "init", Flags: []cli.Flag{value("hostname", "`NAME` of this machine"), value("notify", "`LIST` when: never, or success,delay")}},
	}}
}

// offered are the words that complete offers.
func offered(t *testing.T, c *Completion, line string) string {
	t.Helper()
	var out strings.Builder
	if err := c.Complete(t.Context(), &out, strings.Split(line, " ")); err != nil {
		t.Fatal(err)
	}
	var list []string
	for l := range strings.Lines(out.String()) {
		word, _, _ := strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
		list = append(list, word)
	}
	return strings.Join(list, " ")
}

// Names fit the argument, and none is offered where a new one is asked for.
func TestCompletion_names(t *testing.T) {
	of := map[Kind]string{Accounts: "acme", Customers: "verdi", Invoices: "2026-1", OpenInvoices: "2026-2", Jobs: "close", Logins: "printer", Networks: "10.0.0.0/8"}
	c := completion(func(_ context.Context, k Kind, t *Typing, add func(word, text string) error) error {
		if k == Logins || k == Networks {
			if !slices.Equal(t.Args, []string{"acme"}) {
				return errors.New("no account")
			}
		}
		return add(of[k], "")
	})
	for _, test := range []struct{ line, want string }{
		{"account add ", ""},
		{"account add new --owner ", "verdi"},
		{"account add new --owner=", "--owner=verdi"},
		{"account add new --method b", "bank"},
		{"account show ", "acme"},
		{"account show acme ", ""},
		{"account list --state ", "pending active"},
		{"account list --state=p", "--state=pending"},
		{"account list --account ", "acme"},
		{"account credential add ", "acme"},
		{"account credential add acme --login ", ""},
		{"account credential revoke acme ", "printer"},
		{"account network add acme ", ""},
		{"account network remove acme ", "10.0.0.0/8"},
		{"invoice show ", "2026-1"},
		{"invoice cancel ", "2026-2"},
		{"job run ", "close"},
		{"init --hostname ", ""},
		{"init --notify ", "never success delay"},
		{"init --config ", ":file"},
		{"help acc", "account"},
	} {
		if got := offered(t, c, test.line); got != test.want {
			t.Errorf("relay %s: %q, want %q", test.line, got, test.want)
		}
	}
}

// Names that came before an error, or before the time was over, are offered.
func TestCompletion_endsQuickly(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context) error{
		"an error": func(context.Context) error { return errors.New("no relay runs") },
		"the time": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		synctest.Test(t, func(t *testing.T) {
			c := completion(func(ctx context.Context, _ Kind, _ *Typing, add func(word, text string) error) error {
				return cmp.Or(add("acme", "its plan"), end(ctx))
			})
			if got := offered(t, c, "account show "); got != "acme" {
				t.Errorf("%s: %q is offered", name, got)
			}
		})
	}
}

// Of a million names some are offered, and no more are asked for.
func TestCompletion_few(t *testing.T) {
	asked := 0
	c := completion(func(_ context.Context, _ Kind, t *Typing, add func(word, text string) error) error {
		if t.Begun != "acme-" {
			return fmt.Errorf("%q is typed", t.Begun)
		}
		for {
			asked++
			if err := cmp.Or(add(fmt.Sprint("other-", asked), ""), add(fmt.Sprint("acme-", asked), "")); err != nil {
				return err
			}
		}
	})
	for _, line := range []string{"account show acme-", "account list --account=acme-"} {
		asked = 0
		if got := strings.Fields(offered(t, c, line)); len(got) != mostNames || asked != mostNames {
			t.Errorf("%d names are offered of %d, want %d", len(got), asked, mostNames)
		}
	}
}

// A name is put on the command line as it is, and strangers choose some: none is offered that
// a shell, or relay, would take for something else.
func TestCompletion_hostileNames(t *testing.T) {
	good := []string{"acme", "you@example.org", "2001:db8::/48", "jürgen", "Ünï-1_2+x", "R-2026/17"}
	bad := []string{"$(reboot)", "`reboot`", ";reboot", "a;b", "a|b", "a&b", "a>b", "a<b", "a b", "a\tb", "a\nb", "a\x1b[2Jb", "a\u202eb", "a'b", `a"b`, `a\b`,
		"!!", "#", "~", "*", "a?", "[a]", "{a,b}", "^a^b", "%1", "a=b", "--all", "-a", ":file", ":dir", "", "\xff"}
	c := completion(func(_ context.Context, _ Kind, _ *Typing, add func(word, text string) error) error {
		for _, name := range slices.Concat(bad, good) {
			if err := add(name, ""); err != nil {
				return err
			}
		}
		return nil
	})
	for line, lead := range map[string]string{"account show ": "", "account list --account=": "--account="} {
		want := lead + strings.Join(good, " "+lead)
		if got := offered(t, c, line); got != want {
			t.Errorf("relay %s: %q, want %q", line, got, want)
		}
	}
}

// The function that lists names sees the flags before the word.
func TestTyping_given(t *testing.T) {
	want := map[string]string{"config": "x", "owner": "verdi"}
	c := completion(func(_ context.Context, _ Kind, t2 *Typing, _ func(word, text string) error) error {
		if !maps.Equal(t2.Given, want) {
			t.Errorf("given %q, want %q", t2.Given, want)
		}
		return nil
	})
	c.Commands[0].Subcommands[1].Flags = c.Commands[0].Subcommands[0].Flags
	offered(t, c, "--config x account show --owner=verdi ")
}
