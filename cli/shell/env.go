package shell

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/report/api/act"
)

// Env is what a command is given.
type Env struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	JSON   bool // --json: the result is for programs

	Service Service
	Running Service // that of a relay which runs on this machine; without one its requests fail
}

// Service answers acts: over the socket, over HTTPS or in this process.
type Service interface {
	act.Caller
	Zone() *time.Location // the operator's, known once an act was answered
	Currency() string     // of the operator's prices, likewise
	Operator() bool       // whether the operator asks; otherwise the holder of a token does
	Now() time.Time       // by relay's wall clock, when it answered last
	Close() error
}

// Note writes a line to standard error, beside the result.
func (e *Env) Note(format string, args ...any) {
	term.Message(e.Stderr, "relay: note: ", fmt.Sprintf(format, args...))
}

// Say writes a line of the result for people.
func (e *Env) Say(format string, args ...any) error {
	_, err := fmt.Fprintf(e.Stdout, format+"\n", args...)
	return err
}

// Operator reports whether the operator gave the command.
func (e *Env) Operator() bool { return e.Service.Operator() }

// Output is where a list goes.
func (e *Env) Output() term.Output { return term.Output{W: e.Stdout, JSON: e.JSON, Note: e.Note} }

// Zone is the operator's time zone.
func (e *Env) Zone() *time.Location { return e.Service.Zone() }

// Currency is that of the operator's prices.
func (e *Env) Currency() string { return e.Service.Currency() }

// OfRunning is e with the relay that runs on this machine as its service.
func (e *Env) OfRunning() *Env {
	there := *e
	there.Service = e.Running
	return &there
}

// Now is the time by relay's wall clock.
func (e *Env) Now() time.Time { return e.Service.Now() }

// Command sets the action of a command.
func Command(c *cli.Command, run func(ctx context.Context, args []string) error) *cli.Command {
	c.HideHelp = true
	c.Action = func(cc *cli.Context) error {
		return exit.Naming(run(cc.Context, cc.Args().Slice()), func(member string) string { return nameOf(c, member) })
	}
	return c
}

// nameOf is what a user of the command knows a member of its request by: a flag, or an
// argument without one.
func nameOf(c *cli.Command, member string) string {
	flag := strings.ReplaceAll(member, "_", "-")
	if slices.Contains(flagNames(c.Flags), flag) {
		return "--" + flag
	}
	one := strings.ToUpper(strings.TrimSuffix(flag, "s"))
	for _, word := range strings.FieldsFunc(c.ArgsUsage, func(r rune) bool { return !unicode.IsUpper(r) && r != '-' }) {
		if word == one {
			return word
		}
	}
	return strings.ReplaceAll(member, "_", " ")
}

// Group is a command that only holds other commands.
func Group(name, usage string, subs ...*cli.Command) *cli.Command {
	return &cli.Command{Name: name, Usage: usage, Subcommands: subs, HideHelp: true}
}

// GroupOr is a group of which one command is meant where the next word names none: that word
// is its first argument.
func GroupOr(name, usage, meant string, subs ...*cli.Command) *cli.Command {
	g := Group(name, usage, subs...)
	g.ArgsUsage = meant
	return g
}
