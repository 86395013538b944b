package trial

import (
	"context"
	"errors"
	"os"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	"relay/report/api/mail"
)

// Command is relay test.
func Command(e *shell.Env) *cli.Command {
	var in mail.Trial
	var there outside
	return shell.Command(&cli.Command{
		Name: "test", Usage: "send a message through the relay and follow it to the end",
		Description: `The message takes the way of a customer's mail: a listener of the running relay with TLS and a login, the charge to the account, the queue, and the next hop. Each step is shown as it happens. The login is made for the test and revoked afterwards.

Exit code 0 when the message was delivered, 1 when it was refused or bounced, 75 when it is still in the queue after --timeout: relay trace ID --follow then follows it.

With --server it tests a relay elsewhere, from a machine that has none, as a customer's mail program reaches it: the name, each port by IPv4 and IPv6 and what may be in the way of it, TLS and the certificate. With --login it logs in, asking for the password, and sends a message to --to, or to the login where that is an address. Exit code 69 when no port can be reached, 75 when the server says not now, 77 when it refuses login or mail, 1 for anything else.

  relay test --to you@example.net
  relay test --server smtp.example.org
  relay test --server smtp.example.org --login acme --to you@example.net`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "`ADDRESS` to send the message to (with --server: default the login, where it is one)", Destination: &in.Body.To},
			&cli.StringFlag{Name: "account", Usage: "`NAME` of the account that sends; not needed if there is only one", Destination: &in.Body.Account},
			&cli.StringFlag{Name: "from", Usage: "`ADDRESS` of the sender (default the account's contact; with --server: as --to)", Destination: &in.Body.From},
			shell.SpanFlag("timeout", "`TIME` to follow it (default 2m)", &in.Body.Timeout),
		}, there.flags()...),
	}, func(ctx context.Context, _ []string) error {
		b := &in.Body
		switch err := there.unused(); {
		case there.server != "" && (b.Account != "" || b.Timeout != ""):
			return exit.Usage("", "--account and --timeout are for the relay of this machine, not for --server")
		case there.server != "":
			return there.run(ctx, e, b.From, b.To)
		case err != nil:
			return err
		case b.To == "":
			return exit.Usage("relay test --to you@example.net", "relay test needs --to ADDRESS, or --server HOST")
		}
		return show(ctx, e, &in)
	})
}

// show writes each step as it comes. An error that a step has shown is not shown again.
func show(ctx context.Context, e *shell.Env, in *mail.Trial) error {
	steps, err := mail.Test.Open(ctx, e.Running, in)
	if err != nil {
		return err
	}
	a, coloured, shown := term.NewArray(e.Stdout), term.Coloured(e.Stdout, os.Getenv), ""
	err = steps.Each(func(s *act.TrialStep) error {
		if s.Status == act.StepFailed {
			shown = s.Detail
		}
		if e.JSON {
			return a.Add(s)
		}
		f := finding.Finding{Check: s.Step, Status: finding.Status(s.Status), Detail: s.Detail, Advice: s.Advice}
		return f.Write(e.Stdout, len("delivered"), coloured)
	})
	if err != nil && err.Error() == shown {
		err = exit.Code(exit.Of(err).Code)
	}
	if e.JSON && !errors.Is(err, act.ErrBroken) { // then steps are missing, and the array stays open
		err = errors.Join(err, a.End())
	}
	return err
}
