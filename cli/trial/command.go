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
	return shell.Command(&cli.Command{
		Name: "test", Usage: "send a message through the relay and follow it to the end",
		Description: `The message takes the way of a customer's mail: a listener of the running relay with TLS and a login, the charge to the account, the queue, and the next hop. Each step is shown as it happens. The login is made for the test and revoked afterwards.

Exit code 0 when the message was delivered, 1 when it was refused or bounced, 75 when it is still in the queue after --timeout: relay trace ID --follow then follows it.

  relay test --to you@example.net`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "`ADDRESS` to send the message to", Required: true, Destination: &in.Body.To},
			&cli.StringFlag{Name: "account", Usage: "`NAME` of the account that sends; not needed if there is only one", Destination: &in.Body.Account},
			&cli.StringFlag{Name: "from", Usage: "`ADDRESS` of the sender (default the account's contact)", Destination: &in.Body.From},
			shell.SpanFlag("timeout", "`TIME` to follow it (default 2m)", &in.Body.Timeout),
		},
	}, func(ctx context.Context, _ []string) error {
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
