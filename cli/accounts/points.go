package accounts

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/accounts"
	"relay/report/words"
)

// points shows what providers demand of an account with an address of its own.
func points(e *shell.Env) *cli.Command {
	in := &accounts.Pointed{}
	return shell.Command(&cli.Command{
		Name: "points", ArgsUsage: "NAME", Usage: "what providers demand of an account with an address of its own",
		Description: `An account whose plan has dedicated gets a pool of sources with relay account set NAME --pool POOL, once all points are met: mail of the last 7 days was signed for its From fields; 1,000 e-mails were delivered on seven clean days; and bulk mail of the last 7 days had List-Unsubscribe and List-Unsubscribe-Post.`,
	}, func(ctx context.Context, args []string) error {
		in.Account = args[0]
		list, err := accounts.Points.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		if e.JSON {
			return term.EncodeAll(e.Stdout, *list)
		}
		var fields []term.Field
		for _, p := range *list {
			met := "met: "
			if !p.Met {
				met = "not met: "
			}
			fields = append(fields, term.Field{p.Point, met + words.Clean(p.Detail)})
		}
		return term.WriteFields(e.Stdout, fields)
	})
}
