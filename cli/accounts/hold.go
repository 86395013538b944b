package accounts

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/report/api/accounts"
	"relay/report/words"
)

func credentialHold(e *shell.Env) *cli.Command {
	in := &accounts.LoginToHold{}
	return shell.Command(&cli.Command{
		Name: "hold", ArgsUsage: "NAME LOGIN", Usage: "refuse mail of one login",
		Description: `For a login that somebody else may use. It cannot log in any more, as if its password were wrong. A program that is logged in hears the reason with its next message. Mail that the login queued in the hour before is held as well, except what is being delivered already. The account's other logins go on.

The account's contact is told by mail. relay holds a login by itself when it looks stolen; see [abuse] in relay.toml.

To end it: relay account credential resume, or revoke the login and add another one.`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "reason", Usage: "`TEXT` what the account is told", Destination: &in.Body.Reason}, shell.DryRunFlag(&in.Body.DryRun)},
	}, func(ctx context.Context, args []string) error {
		in.Account, in.Login = args[0], args[1]
		return shell.Show(ctx, e, accounts.HoldCredential, in, showHeld)
	})
}

func showHeld(e *shell.Env, v *accounts.HeldLogin) error {
	switch {
	case v.Unchanged:
		return e.Say("login %s is held already, by the %s", v.Login, v.Hold.By)
	case v.DryRun:
		return e.Say("dry run: login %s would be held", v.Login)
	}
	return e.Say("login %s is held", v.Login)
}

func credentialResume(e *shell.Env) *cli.Command {
	in := &accounts.LoginToResume{}
	return shell.Command(&cli.Command{
		Name: "resume", ArgsUsage: "NAME LOGIN", Usage: "let a login that is held send again",
		Description: `The mail that was held with it is released. Its password stays as it is: if somebody else knows it, revoke the login and add another one instead.

A hold is ended by the one who holds the login, or by one above: customer, reseller, operator. relay's own hold can be ended by all of them. --dry-run says how much mail would be released.`,
		Flags: []cli.Flag{shell.DryRunFlag(&in.Body.DryRun)},
	}, func(ctx context.Context, args []string) error {
		in.Account, in.Login = args[0], args[1]
		return shell.Show(ctx, e, accounts.ResumeCredential, in, showResumed)
	})
}

func showResumed(e *shell.Env, v *accounts.ResumedLogin) error {
	mail := words.Plural(v.Messages, "message") + " for " + words.Plural(v.Recipients, "recipient")
	switch {
	case v.Was == nil:
		return e.Say("login %s is not held", v.Login)
	case v.DryRun:
		return e.Say("dry run: login %s would send again, and %s would be released", v.Login, mail)
	case v.Messages == 0:
		return e.Say("login %s sends again", v.Login)
	}
	return e.Say("login %s sends again; released: %s", v.Login, mail)
}
