package owners

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/field"
	"relay/report/api/owners"
	"relay/report/words"
)

// ResellerCommand is the group reseller.
func ResellerCommand(e *shell.Env) *cli.Command {
	return shell.Group("reseller", "who manages accounts below their own, by a token",
		resellerAdd(e), resellerList(e), resellerShow(e), resellerToken(e), resellerRemove(e))
}

// showToken shows what is shown only once.
func showToken(e *shell.Env, t *owners.Token) error {
	defer e.Note("the token is shown only this once")
	return term.WriteFields(e.Stdout, []term.Field{{"reseller", t.Reseller}, {"token", t.Token}})
}

func resellerAdd(e *shell.Env) *cli.Command {
	in := &owners.NewReseller{}
	return shell.Command(&cli.Command{
		Name: "add", ArgsUsage: "RESELLER", Usage: "add a reseller, and show its token",
		Description: `With the token it manages the accounts below it and sees no others: relay --token-file FILE account add and so on, on this machine or over the API, see [api] in relay.toml. It may add, list, show, suspend and resume accounts, manage their logins, and see usage, statements and invoices. Everything else is not found.

RESELLER has up to 32 characters of a-z 0-9 _ -. What it adds is named RESELLER.something, so that names tell it nothing about others.

The token is shown only this once.

  relay reseller add webco --contact boss@webco.example
  relay account add webco.shop1 --plan standard --token-file webco.token`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "contact", Usage: "`ADDRESS` of the reseller", Destination: &in.Body.Contact}},
	}, func(ctx context.Context, args []string) error {
		in.Body.Reseller = args[0]
		return shell.Show(ctx, e, owners.AddReseller, in, showToken)
	})
}

func resellerToken(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "token", ArgsUsage: "RESELLER", Usage: "a new token; the old one stops at once",
		Description: "The token is shown only this once.",
	}, func(ctx context.Context, args []string) error {
		return shell.Show(ctx, e, owners.NewToken, &owners.ResellerName{Reseller: args[0]}, showToken)
	})
}

func resellerRemove(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "remove", ArgsUsage: "RESELLER", Usage: "delete a reseller that manages nothing; its token stops at once",
	}, func(ctx context.Context, args []string) error {
		return shell.Show(ctx, e, owners.RemoveReseller, &owners.ResellerName{Reseller: args[0]}, func(e *shell.Env, done *owners.Removed) error {
			return e.Say("reseller %s is removed", done.Removed)
		})
	})
}

func resellerList(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{Name: "list", Usage: "all resellers"}, func(ctx context.Context, _ []string) error {
		return shell.List(ctx, e, owners.ListResellers, &owners.All{}, shell.Rows[owners.Reseller]{
			Columns: []term.Column{{Head: "RESELLER", Least: 20}, {Head: "ACCOUNTS", Right: true}, {Head: "CREATED"}, {Head: "CONTACT", Least: 7, First: true}},
			Cells: func(r *owners.Reseller) []string {
				return []string{r.Reseller, words.Number(int64(r.Accounts)), words.Day(r.Created, e.Zone()), field.Or0(r.Contact)}
			},
		})
	})
}

func resellerShow(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "show", ArgsUsage: "RESELLER", Usage: "one reseller: use and money of the accounts below it",
		Description: rollUpText,
	}, func(ctx context.Context, args []string) error {
		return shell.Show(ctx, e, owners.ShowReseller, &owners.ResellerName{Reseller: args[0]}, func(e *shell.Env, r *owners.ResellerSum) error {
			return showRollUp(e, []term.Field{{"reseller", r.Reseller.Reseller}, {"contact", field.Or0(r.Contact)}, {"created", words.Stamp(r.Created, e.Zone())}}, &r.RollUp)
		})
	})
}
