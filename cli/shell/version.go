package shell

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/build"
)

// VersionCommand says which relay this is.
func VersionCommand(e *Env) *cli.Command {
	return Command(&cli.Command{Name: "version", Usage: "the version of this relay"}, func(context.Context, []string) error {
		b := build.Read()
		return e.Done(b, "%s", b)
	})
}
