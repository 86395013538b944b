// Package delivery has the commands about how mail goes out.
package delivery

import (
	cli "github.com/urfave/cli/v2"

	"relay/cli/place"
	"relay/cli/shell"
)

// Command is relay delivery.
func Command(e *shell.Env, where *place.Flags) *cli.Command {
	return shell.Group("delivery", "how mail goes out", classify(e, where), unclassified(e), replay(e), sites(e), explain(e), probe(e), override(e))
}
