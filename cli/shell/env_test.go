package shell

import (
	"testing"

	cli "github.com/urfave/cli/v2"
)

func TestNameOf(t *testing.T) {
	for _, c := range []struct {
		flags  []string
		args   string
		member string
		want   string
	}{
		{[]string{"at-limit"}, "NAME", "at_limit", "--at-limit"},
		{nil, "DOMAIN", "domain", "DOMAIN"},
		{nil, "NAME ADDRESS...", "addresses", "addresses"},
		{nil, "NAME [RECIPIENT...]", "recipients", "RECIPIENT"},
		{nil, "NAME FILE", "dry_run", "dry run"},
		{[]string{"domain"}, "DOMAIN", "domain", "--domain"},
	} {
		command := &cli.Command{ArgsUsage: c.args}
		for _, f := range c.flags {
			command.Flags = append(command.Flags, &cli.StringFlag{Name: f})
		}
		if got := nameOf(command, c.member); got != c.want {
			t.Errorf("nameOf(%v %s, %q) = %q, want %q", c.flags, c.args, c.member, got, c.want)
		}
	}
}
