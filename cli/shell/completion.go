package shell

import (
	"context"
	_ "embed"
	"io"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
)

// The scripts name no commands and flags: at each TAB they run the hidden command
// complete, see CompleteVerb. It knows the commands of the installed relay, and asks
// the running one for names.
var (
	//go:embed completion/relay.bash
	bashCompletion string
	//go:embed completion/relay.zsh
	zshCompletion string
	//go:embed completion/relay.fish
	fishCompletion string
)

// CompletionCommand prints the scripts.
func CompletionCommand(e *Env) *cli.Command {
	return Command(&cli.Command{
		Name: "completion", ArgsUsage: "bash|zsh|fish", Usage: "print the completion script of a shell",
		Description: `With it TAB completes commands, flags, files and, while a relay runs, the names it knows: accounts, plans, invoices, bans, messages in the queue and more. Of many it offers 500.

  relay completion bash > /etc/bash_completion.d/relay
  relay completion zsh > /usr/local/share/zsh/site-functions/_relay
  relay completion fish > /etc/fish/completions/relay.fish`,
	}, func(_ context.Context, args []string) error {
		script, ok := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[args[0]]
		if !ok {
			return exit.Usage("relay completion --help", "no completion for %q: bash, zsh or fish", args[0])
		}
		_, err := io.WriteString(e.Stdout, script)
		return err
	})
}
