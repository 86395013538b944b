package accounts

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/accounts"
	"relay/report/words"
	"relay/store"
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
		n, err := accounts.AddNetwork.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		return e.Done(n, "%s sends as %s", n.Prefix, n.Account)
	})
}

func networkList(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{Name: "list", ArgsUsage: "[NAME]", Usage: "the networks of an account, or of all"}, func(ctx context.Context, args []string) error {
		in := &accounts.NetworkList{}
		if len(args) > 0 {
			in.Account = args[0]
		}
		s := term.NewStream(ctx, e.Output(), 0, term.Column{Head: "NETWORK"}, term.Column{Head: "ACCOUNT", Least: 12}, term.Column{Head: "CREATED"})
		err := accounts.ListNetworks.Each(ctx, e.Service, in, 0, func(n *store.Network) error {
			return s.Add(n, n.Prefix.String(), n.Account, words.Stamp(n.Created, e.Zone()))
		})
		if err != nil {
			return err
		}
		return s.End(nil)
	})
}

func networkRemove(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{Name: "remove", ArgsUsage: "NAME CIDR", Usage: "remove a network"}, func(ctx context.Context, args []string) error {
		v, err := accounts.RemoveNetwork.Call(ctx, e.Service, &accounts.NetworkName{Account: args[0], Network: args[1]})
		if err != nil {
			return err
		}
		return e.Done(v, "%s no longer sends as %s", v.Removed, v.Account)
	})
}
