package delivery

import (
	"context"
	"errors"
	"fmt"
	"os"

	cli "github.com/urfave/cli/v2"

	"relay/cli/finding"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/delivery"
	"relay/report/words"
)

func probe(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "probe", ArgsUsage: "ADDRESS", Usage: "look at the way to an address or a domain, and send nothing",
		Description: `Goes the way of mail to ADDRESS, which may be a domain too, as far as it goes without a message: the route, the domain's MTA-STS policy, TLSA records (DANE), and at each host the connection, EHLO and TLS beside what the domain asks for. With an address each host is asked for the recipient too (MAIL with the empty sender, RCPT), and then left with RSET and QUIT. Each step is shown as it happens.

Exit code 0 when a host would take mail, 1 when all refuse it, 75 when none would now but may later.

  relay delivery probe jo@example.net`,
	}, func(ctx context.Context, args []string) error {
		in := &api.Aim{}
		in.Body.Address = args[0]
		return showProbe(ctx, e, in)
	})
}

// showProbe writes each step as it comes, those of a host below its name.
func showProbe(ctx context.Context, e *shell.Env, in *api.Aim) error {
	steps, err := api.Probe.Open(ctx, e.Running, in)
	if err != nil {
		return err
	}
	a, coloured, host := term.NewArray(e.Stdout), term.Coloured(e.Stdout, os.Getenv), ""
	err = steps.Each(func(s *act.ProbeStep) error {
		if e.JSON {
			return a.Add(s)
		}
		if s.Host != host {
			host = s.Host
			if _, err := fmt.Fprintln(e.Stdout, words.Clean(host)); err != nil {
				return err
			}
		}
		f := finding.Finding{Check: s.Step, Status: finding.Status(s.Status), Detail: s.Detail}
		return f.Write(e.Stdout, len("handshake"), coloured)
	})
	if e.JSON && !errors.Is(err, act.ErrBroken) { // then steps are missing, and the array stays open
		err = errors.Join(err, a.End())
	}
	return err
}
