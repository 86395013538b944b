package accounts

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/accounts"
	"relay/report/words"
	"relay/store/people"
)

func network(e *shell.Env) *cli.Command {
	return shell.Group("network", "addresses that send without a login", networkAdd(e), networkList(e), networkRemove(e))
}

func networkAdd(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "add", ArgsUsage: "NAME CIDR", Usage: "let a network send without a login",
		Description: `For printers and old devices. Any program that can send from there sends at the account's expense.

  relay account network add acme 192.0.2.0/28`,
	}, func(ctx context.Context, args []string) error {
		in := &accounts.NewNetwork{Account: args[0]}
		in.Body.Network = args[1]
		return shell.Show(ctx, e, accounts.AddNetwork, in, func(e *shell.Env, n *people.Network) error {
			return e.Say("%s sends as %s", n.Prefix, n.Account)
		})
	})
}

func networkList(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{Name: "list", ArgsUsage: "[NAME]", Usage: "the networks of an account, or of all"}, func(ctx context.Context, args []string) error {
		in := &accounts.NetworkList{}
		if len(args) > 0 {
			in.Account = args[0]
		}
		return shell.List(ctx, e, accounts.ListNetworks, in, shell.Rows[people.Network]{
			Columns: []term.Column{{Head: "NETWORK"}, {Head: "ACCOUNT", Least: 12}, {Head: "CREATED"}},
			Cells: func(n *people.Network) []string {
				return []string{n.Prefix.String(), n.Account, words.Stamp(n.Created, e.Zone())}
			},
		})
	})
}

func networkRemove(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{Name: "remove", ArgsUsage: "NAME CIDR", Usage: "remove a network"}, func(ctx context.Context, args []string) error {
		in := &accounts.NetworkName{Account: args[0], Network: args[1]}
		return shell.Show(ctx, e, accounts.RemoveNetwork, in, func(e *shell.Env, v *accounts.RemovedNetwork) error {
			return e.Say("%s no longer sends as %s", v.Removed, v.Account)
		})
	})
}
