package cli

import (
	"errors"
	"fmt"
	"net/netip"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/words"
	"relay/store"
	"relay/store/netblock"
)

func (p *program) networkCommand() *cli.Command {
	return shell.Group("network", "addresses that send without a login", p.networkAdd(), p.networkList(), p.networkRemove())
}

func (p *program) networkAdd() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "add", ArgsUsage: "NAME CIDR", Usage: "let a network send without a login",
		Description: `For printers and old devices. Any program that can send from there sends at the account's expense.

  relay account network add acme 192.0.2.0/28`,
	}, work{run: func(c *call) error {
		name := c.args[0]
		prefix, err := parseNetwork(c.args[1])
		if err != nil {
			return err
		}
		n := store.Network{Prefix: prefix, Account: name, Created: c.wall()}
		switch err := c.st.AddNetwork(n); {
		case errors.Is(err, store.ErrExists):
			return c.networkTaken(prefix)
		case err != nil:
			return c.noAccount(name, err)
		}
		return c.done(n, "%s sends as %s", prefix, name)
	}})
}

func (c *call) networkTaken(prefix netip.Prefix) error {
	list, err := c.st.Networks("")
	if err != nil {
		return err
	}
	for _, n := range list {
		if n.Prefix == prefix {
			return exit.Fail(exit.Failed, fmt.Sprintf("take it away there first: relay account network remove %s %s", n.Account, prefix), "network %s belongs to account %s already", prefix, n.Account)
		}
	}
	return exit.Fail(exit.TryAgain, "try again", "network %s was removed in this moment", prefix)
}

// parseNetwork is netblock.Parse for a command line.
func parseNetwork(s string) (netip.Prefix, error) {
	p, err := netblock.Parse(s)
	switch {
	case errors.Is(err, netblock.ErrWide):
		err = exit.Usage("name the networks that need it", "%w", err)
	case err != nil:
		err = exit.Usage("", "%w", err)
	}
	return p, err
}

func (p *program) networkList() *cli.Command {
	return p.onStore(&cli.Command{Name: "list", ArgsUsage: "[NAME]", Usage: "the networks of an account, or of all"}, work{run: func(c *call) error {
		name := ""
		if len(c.args) > 0 {
			name = c.args[0]
			if _, err := c.account(name); err != nil {
				return err
			}
		}
		list, err := c.st.Networks(name)
		if err != nil {
			return err
		}
		if c.json {
			return term.EncodeAll(c.Stdout, list)
		}
		t := term.NewTable(term.Column{Head: "NETWORK"}, term.Column{Head: "ACCOUNT", Least: 12}, term.Column{Head: "CREATED"})
		for _, n := range list {
			t.Add(n.Prefix.String(), n.Account, words.Stamp(n.Created, c.st.Zone()))
		}
		return t.Print(c.Stdout)
	}})
}

func (p *program) networkRemove() *cli.Command {
	return p.onStore(&cli.Command{Name: "remove", ArgsUsage: "NAME CIDR", Usage: "take a network away again"}, work{run: func(c *call) error {
		name := c.args[0]
		if _, err := c.account(name); err != nil {
			return err
		}
		prefix, err := parseNetwork(c.args[1])
		if err != nil {
			return err
		}
		if err := c.st.RemoveNetwork(name, prefix); errors.Is(err, store.ErrNotFound) {
			return exit.Fail(exit.Failed, "relay account network list "+name, "account %s has no network %s", name, prefix)
		} else if err != nil {
			return err
		}
		return c.done(map[string]string{"account": name, "removed": prefix.String()}, "%s no longer sends as %s", prefix, name)
	}})
}
