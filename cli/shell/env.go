package shell

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/report/api/act"
)

// Env is what a command is given.
type Env struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	JSON   bool // --json: the result is for programs

	Service Service
}

// Service does the acts, wherever it is.
type Service interface {
	act.Caller
	Zone() *time.Location // of the operator, once an act was answered
	Close() error
}

// Note tells the operator something that is not the result.
func (e *Env) Note(format string, args ...any) {
	fmt.Fprintf(e.Stderr, "relay: note: "+format+"\n", args...)
}

// Say writes a line of the result for people.
func (e *Env) Say(format string, args ...any) error {
	_, err := fmt.Fprintf(e.Stdout, format+"\n", args...)
	return err
}

// Zone is the operator's.
func (e *Env) Zone() *time.Location { return e.Service.Zone() }

// Command completes a command that asks the service.
func Command(c *cli.Command, run func(ctx context.Context, args []string) error) *cli.Command {
	c.HideHelp = true
	c.Action = func(cc *cli.Context) error { return run(cc.Context, cc.Args().Slice()) }
	return c
}

// Group is a command of commands.
func Group(name, usage string, subs ...*cli.Command) *cli.Command {
	return &cli.Command{Name: name, Usage: usage, Subcommands: subs, HideHelp: true}
}

// Done shows the result of a command that has nothing to show: what it did, or what
// there is now, for programs.
func (e *Env) Done(v any, format string, args ...any) error {
	if e.JSON {
		enc := json.NewEncoder(e.Stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	return e.Say(format, args...)
}
