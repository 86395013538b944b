package accounts

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/accounts"
	"relay/report/words"
)

func credential(e *shell.Env) *cli.Command {
	return shell.Group("credential", "logins of an account", credentialAdd(e), credentialList(e), credentialHold(e), credentialResume(e), credentialRevoke(e))
}

func credentialAdd(e *shell.Env) *cli.Command {
	in := &accounts.NewLogin{}
	var stdin bool
	return shell.Command(&cli.Command{
		Name: "add", ArgsUsage: "NAME", Usage: "add a login to an account",
		Description: "Each device or program can have its own login, so that it can be revoked alone. The password is shown only once.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "login", Usage: "`LOGIN` (default the account's name and a number)", Destination: &in.Body.Login},
			&cli.StringFlag{Name: "note", Usage: "`TEXT` that tells logins apart", Destination: &in.Body.Note},
			shell.PasswordFlag(&stdin),
		},
	}, func(ctx context.Context, args []string) (err error) {
		in.Account = args[0]
		if in.Body.Password, err = chosen(e, stdin); err != nil {
			return err
		}
		return shell.Show(ctx, e, accounts.AddCredential, in, showLogin)
	})
}

// showLogin shows what a mail program has to be told. A password that was brought along
// is not repeated.
func showLogin(e *shell.Env, v *accounts.Login) error {
	password := "as given"
	if v.Password != nil {
		password = *v.Password
		defer e.Note("the password is shown only this once")
	}
	return term.WriteFields(e.Stdout, []term.Field{{"account", v.Account}, {"login", v.Login}, {"password", password}})
}

func credentialList(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{Name: "list", ArgsUsage: "NAME", Usage: "the logins of an account"}, func(ctx context.Context, args []string) error {
		return shell.List(ctx, e, accounts.ListCredentials, &accounts.LoginList{Account: args[0]}, shell.Rows[accounts.Credential]{
			Columns: []term.Column{{Head: "LOGIN", Least: 20}, {Head: "KIND"}, {Head: "CREATED"}, {Head: "LAST USED"}, {Head: "STATE"}, {Head: "NOTE", Least: 10}},
			Cells: func(c *accounts.Credential) []string {
				return []string{c.Login, c.Kind, words.Day(c.Created, e.Zone()), lastUsed(e, c), words.If(c.Hold != nil, "held"), c.Note}
			},
		})
	})
}

// lastUsed is the day on which a login was used last; account show says from where.
func lastUsed(e *shell.Env, c *accounts.Credential) string {
	if c.Last == nil {
		return ""
	}
	return words.Day(*c.Last, e.Zone())
}

func credentialRevoke(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "revoke", ArgsUsage: "NAME LOGIN", Usage: "delete a login: it stops at once",
	}, func(ctx context.Context, args []string) error {
		in := &accounts.LoginName{Account: args[0], Login: args[1]}
		return shell.Show(ctx, e, accounts.RevokeCredential, in, func(e *shell.Env, v *accounts.RevokedLogin) error {
			return e.Say("login %s is revoked", v.Revoked)
		})
	})
}
