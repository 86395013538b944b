// Package lists has the command list: it takes addresses that no longer work off a
// customer's mailing list.
//
//  1. The addresses come from the account's list of errors: from the service, or from a
//     file that relay errors wrote.
//  2. The list goes by once; what stays and what goes are written beside it, into files
//     without names of their own.
//  3. Both are put on disk, then they get their names.
//
// So a full disk, a list that breaks off or a signal before 3 leaves nothing, and a crash
// files that the next run in that directory removes. Between the two names it leaves the
// file of what goes. The list itself is only read.
package lists

import (
	"context"
	"io"
	"os"
	"syscall"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
)

// Command is relay list. signals are those that end the program; nil: none.
func Command(e *shell.Env, signals func() (<-chan os.Signal, func())) *cli.Command {
	return shell.Group("list", "mailing lists of customers", cleanList(e, signals))
}

func cleanList(e *shell.Env, signals func() (<-chan os.Signal, func())) *cli.Command {
	c := &cleaning{e: e}
	return shell.Command(&cli.Command{
		Name: "clean", ArgsUsage: "FILE", Usage: "take addresses that no longer work off a mailing list",
		Description: `FILE is CSV, with commas, semicolons, tabs or bars between the fields, or a plain list of one address a line, "Jo <jo@example.net>" and comments behind # among them. The rows that stay are written to NAME.clean.EXT beside it, octet for octet, and the rows that go to NAME.removed.csv, with line, address, reason and date. FILE itself is left as it is.

The addresses that go are those of the account's list of errors with the advice remove. They compare without regard to case. A row that names several addresses goes when all of them go.

The column with the addresses is found by the first rows; --column names another one, by its name or its number. UTF-8 and Latin-1 stay what they are; UTF-16 is written as UTF-8.

FILE - is standard input; the list then goes to standard output, or to --output.

Without access to the relay, with the errors that it wrote or sent:

  relay list clean customers.csv --errors errors.csv`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` whose list of errors says what goes", Destination: &c.account},
			&cli.StringFlag{Name: "errors", Usage: "`FILE` a list of errors as relay errors NAME --csv writes it, in place of --account", Destination: &c.errors},
			&cli.StringFlag{Name: "column", Usage: "`NAME|N` the column with the addresses (default: found by the first rows)", Destination: &c.column},
			&cli.BoolFlag{Name: "dedupe", Usage: "drop rows whose addresses all stand in rows before, too", Destination: &c.dedupe},
			&cli.StringFlag{Name: "output", Usage: "`FILE` for what stays (default NAME.clean.EXT; - is standard output)", Destination: &c.output},
			&cli.StringFlag{Name: "removed", Usage: "`FILE` for what goes (default NAME.removed.csv)", Destination: &c.removed},
			&cli.BoolFlag{Name: "force", Usage: "replace these files when they exist", Destination: &c.force},
			shell.DryRunFlag(&c.dryRun),
		},
	}, func(ctx context.Context, args []string) error {
		ctx, stop := shell.UntilSignal(ctx, signals)
		defer stop()
		c.file = args[0]
		return c.run(ctx)
	})
}

// input opens the list.
func (c *cleaning) input() (in io.ReadCloser, size int64, err error) {
	if c.file == "-" {
		return io.NopCloser(c.e.Stdin), 0, nil
	}
	f, err := os.OpenFile(c.file, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe is refused, and not waited for
	if err != nil {
		return nil, 0, exit.Fail(exit.Failed, "see that the name is right, and that the file is there", "%w", err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = exit.Fail(exit.Failed, "name a file in it", "%s is a directory", c.file)
	case !info.Mode().IsRegular():
		err = exit.Fail(exit.Failed, "send it to standard input: relay list clean - <"+c.file, "%s is not a file", c.file)
	default:
		return f, info.Size(), nil
	}
	_ = f.Close() // nothing was written
	return nil, 0, err
}

// openUntil opens a file, which may be a pipe that nobody writes to yet, until ctx ends.
func openUntil(ctx context.Context, name string) (*os.File, error) {
	type result struct {
		f   *os.File
		err error
	}
	opened := make(chan result, 1)
	go func() {
		f, err := os.Open(name)
		opened <- result{f, err}
	}()
	select {
	case r := <-opened:
		return r.f, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// until reads in until ctx ends, even while in waits.
func until(ctx context.Context, in io.Reader) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, in)
		_ = w.CloseWithError(err) // it never fails
	}()
	context.AfterFunc(ctx, func() { _ = w.CloseWithError(ctx.Err()) })
	return r
}
