// Command relay is an outgoing mail relay: see relay --help and README.md.
package main

import (
	"context"
	"os"

	"relay/cli"
)

func main() { os.Exit(cli.System().Run(context.Background(), os.Args[1:])) }
