package backup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/cli/wholefile"
	"relay/report/api/host"
	"relay/report/words"
)

// Backup is the command backup.
func (c *Commands) Backup() *cli.Command {
	var force bool
	return shell.Command(&cli.Command{
		Name: "backup", ArgsUsage: "[FILE]", Usage: "copy the store, while the relay runs",
		Description: `The copy is consistent and complete: accounts, usage, the queue with its mail, the trace. Mail that was delivered or dropped is not in it, so it is about as large as the live data. FILE appears only when it is complete; FILE.manifest beside it has its size, SHA-256 and contents. relay restore FILE brings it back, and relay restore --dry-run FILE proves it.

FILE - is standard output, for a pipe; there is no manifest then.

Without FILE it makes a copy as the schedule in [backup] of the configuration does: in that directory, named by its time, read again and proved; then the oldest beyond the number to keep are removed.

The configuration and certificates are not in it.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "force", Usage: "replace FILE when it exists", Destination: &force}},
	}, func(ctx context.Context, args []string) error {
		ctx, stop := shell.UntilSignal(ctx, c.Signals)
		defer stop()
		switch {
		case len(args) == 0 && force:
			return exit.Usage("", "--force is for FILE")
		case len(args) == 0:
			return c.backupToShelf(ctx)
		case args[0] == "-":
			return c.backupToPipe(ctx)
		default:
			return c.backupToFile(ctx, args[0], force)
		}
	})
}

// backupView is the result for programs.
type backupView struct {
	File     string    `json:"file"`
	Bytes    int64     `json:"bytes"`
	Proved   bool      `json:"proved"`  // read again and proved
	Removed  []string  `json:"removed"` // older copies
	Manifest *Manifest `json:"manifest"`
}

func (c *Commands) backupToFile(ctx context.Context, file string, force bool) error {
	if _, data, err := c.Where.Home(); err != nil {
		return err
	} else if info, err := os.Stat(file); err == nil && data.IsStore(info) {
		return exit.Usage("", "%s is the store itself", file)
	}
	dir := filepath.Dir(file)
	out, err := wholefile.New(file, force)
	if err != nil {
		return err
	}
	defer out.Discard()
	out.Rest = wholefile.NewPace()
	res := backupView{File: file, Removed: []string{}}
	err = c.backup(func(from host.Copier) error {
		m, err := Take(ctx, from, out, c.watch("copying"), func(size int64) error { return wholefile.Room(dir, size) })
		if err != nil {
			return err
		}
		res.Bytes, res.Manifest = m.Size, m
		if err := Keep(out, file, m); err != nil {
			return err
		}
		c.record(ctx, m)
		return nil
	})
	if err != nil {
		return err
	}
	return c.showBackup(&res)
}

func (c *Commands) backupToPipe(ctx context.Context) error {
	switch {
	case c.Env.JSON:
		return exit.Usage("", "FILE - leaves no room for --json on standard output")
	case term.IsTerminal(c.Env.Stdout):
		return exit.Usage("send it elsewhere: relay backup - | ssh HOST 'cat > relay.copy'", "standard output is a terminal")
	}
	return c.backup(func(from host.Copier) error {
		m, err := Take(ctx, from, c.Env.Stdout, c.watch("copying"), func(int64) error { return nil })
		if err != nil {
			return err
		}
		c.Env.Note("%s written, %s octets, SHA-256 %s", words.Size(m.Size), words.Number(m.Size), m.SHA256)
		return nil
	})
}

func (c *Commands) backupToShelf(ctx context.Context) error {
	cfg, dir, err := c.Where.Home()
	if err != nil {
		return err
	}
	s := ShelfOf(&cfg.Backup, dir)
	res := backupView{Proved: true}
	err = c.backup(func(from host.Copier) error {
		m, path, err := s.Put(ctx, from, c.watch)
		if err != nil {
			return err
		}
		res.File, res.Bytes, res.Manifest = path, m.Size, m
		c.record(ctx, m)
		res.Removed, err = s.Prune(path)
		return err
	})
	if err != nil {
		return err
	}
	return c.showBackup(&res)
}

// backup calls make with the source of the copy.
func (c *Commands) backup(make func(from host.Copier) error) error {
	_, dir, err := c.Where.Home()
	if err != nil {
		return err
	}
	if dir.IsNew() { // copies of an empty store would in time push out the good ones
		return dir.NoStore()
	}
	if err := make(FromRelay(c.Env.Service)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// record tells relay the time of the copy. A failure is only noted, because the copy is
// whole.
func (c *Commands) record(ctx context.Context, m *Manifest) {
	kept := &host.Kept{}
	kept.Body.Created = m.Created
	if _, err := host.RecordCopy.Call(ctx, c.Env.Service, kept); err != nil {
		c.Env.Note("the copy is whole, but relay check will not know of it: %v", err)
	}
}

func (c *Commands) showBackup(res *backupView) error {
	if c.Env.JSON {
		return term.Encode(c.Env.Stdout, res)
	}
	done := "written"
	if res.Proved {
		done = "written and proved"
	}
	m := res.Manifest
	_, err := fmt.Fprintf(c.Env.Stdout, "%s %s, %s\n%s, %s in the queue\n", res.File, done, words.Size(res.Bytes),
		words.Plural(m.Accounts, "account"), words.Plural(m.Totals.Messages, "message"))
	for _, path := range res.Removed {
		c.Env.Note("removed %s", path)
	}
	return err
}
