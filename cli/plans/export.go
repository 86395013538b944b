package plans

import (
	"context"
	"io"
	"net/http"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/report/api/plans"
)

func planExport(e *shell.Env) *cli.Command {
	var force bool
	return shell.Command(&cli.Command{
		Name: "export", ArgsUsage: "[FILE]", Usage: "write all plans as TOML",
		Description: `FILE -, or no FILE, is standard output. relay plan import reads the result, and finds no change in it.

  relay plan export plans.toml`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "force", Usage: "replace FILE", Destination: &force}},
	}, func(ctx context.Context, args []string) error {
		write := func(w io.Writer) error {
			_, err := plans.Export.Copy(ctx, e.Service, &plans.Everything{}, func(http.Header) (io.Writer, error) { return w, nil })
			return err
		}
		switch toFile := len(args) > 0 && args[0] != "" && args[0] != "-"; {
		case e.JSON && toFile:
			return exit.Usage("relay plan list --all --json", "a FILE is TOML: --json goes to standard output")
		case e.JSON:
			return list(ctx, e, true)
		case toFile:
			return e.IntoFile(ctx, args[0], force, write)
		}
		return write(e.Stdout)
	})
}
