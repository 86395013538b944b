package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/backup"
	"relay/cli/build"
	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/term"
	"relay/cli/wholefile"
	"relay/report/jobs"
	"relay/report/words"
	"relay/store"
)

func (p *program) backupCommand() *cli.Command {
	var force bool
	return p.here(&cli.Command{
		Name: "backup", ArgsUsage: "[FILE]", Usage: "copy the store, while the relay runs",
		Description: `The copy is consistent, and holds everything: accounts, usage, the queue with its mail, the trace. What was delivered or dropped is not in it, so that it is about as large as what is live. FILE is whole or not there; what it holds, its size and SHA-256 stand in FILE.manifest beside it. relay restore FILE brings it back, and relay restore --dry-run FILE proves it.

FILE - is standard output, for a pipe; there is no manifest then.

Without FILE it is a copy as [backup] of the configuration makes them by the calendar: in that directory, under a name with its time, read again and proved; then older ones than are to be kept are removed.

The configuration and certificates are not in it.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "force", Usage: "replace FILE when it exists", Destination: &force}},
	}, func(ctx context.Context, args []string) error {
		ctx, stop := p.untilSignal(ctx)
		defer stop()
		switch {
		case len(args) == 0 && force:
			return exit.Usage("", "--force is for FILE")
		case len(args) == 0:
			return p.backupToShelf(ctx)
		case args[0] == "-":
			return p.backupToPipe(ctx)
		default:
			return p.backupToFile(ctx, args[0], force)
		}
	})
}

// untilSignal is a context that the first signal ends, so that a command can take
// away what it has half done. The second one ends the program.
func (p *program) untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if p.Signals == nil {
		return ctx, cancel
	}
	signals, stop := p.Signals()
	go func() {
		select {
		case <-signals:
			stop()
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); stop() }
}

// backedUp is the result for programs.
type backedUp struct {
	File     string           `json:"file"`
	Bytes    int64            `json:"bytes"`
	Proved   bool             `json:"proved"`  // read again and proved
	Removed  []string         `json:"removed"` // older ones
	Manifest *backup.Manifest `json:"manifest"`
}

func (p *program) backupToFile(ctx context.Context, file string, force bool) error {
	if _, data, err := p.where.Home(); err != nil {
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
	res := backedUp{File: file, Removed: []string{}}
	err = p.backup(ctx, func(from backup.Copier, keep func(time.Time) error) error {
		m, err := backup.Take(ctx, from, out, p.watch("copying"), func(size int64) error { return wholefile.Room(dir, size) })
		if err != nil {
			return err
		}
		res.Bytes, res.Manifest = m.Size, m
		if err := backup.Keep(out, file, m); err != nil {
			return err
		}
		p.record(keep, m)
		return nil
	})
	if err != nil {
		return err
	}
	return p.showBackup(&res)
}

func (p *program) backupToPipe(ctx context.Context) error {
	switch {
	case p.json:
		return exit.Usage("", "FILE - leaves no room for --json on standard output")
	case term.IsTerminal(p.Stdout):
		return exit.Usage("send it elsewhere: relay backup - | ssh HOST 'cat > relay.copy'", "standard output is a terminal")
	}
	return p.backup(ctx, func(from backup.Copier, _ func(time.Time) error) error {
		m, err := backup.Take(ctx, from, p.Stdout, p.watch("copying"), func(int64) error { return nil })
		if err != nil {
			return err
		}
		p.note("%s written, %s octets, SHA-256 %s", words.Size(m.Size), words.Number(m.Size), m.SHA256)
		return nil
	})
}

func (p *program) backupToShelf(ctx context.Context) error {
	cfg, dir, err := p.where.Home()
	if err != nil {
		return err
	}
	s := shelfOf(&cfg.Backup, dir)
	res := backedUp{Proved: true}
	err = p.backup(ctx, func(from backup.Copier, keep func(time.Time) error) error {
		m, path, err := s.Put(ctx, from, p.watch)
		if err != nil {
			return err
		}
		res.File, res.Bytes, res.Manifest = path, m.Size, m
		p.record(keep, m)
		res.Removed, err = s.Prune(path)
		return err
	})
	if err != nil {
		return err
	}
	return p.showBackup(&res)
}

// backup calls make with where the copy comes from, and whom to tell that it is
// kept.
func (p *program) backup(ctx context.Context, make func(from backup.Copier, keep func(time.Time) error) error) error {
	cfg, dir, err := p.where.Home()
	if err != nil {
		return err
	}
	if dir.IsNew() { // a copy of nothing would in time push out those of what was there
		return dir.NoStore()
	}
	client := control.NewClient(dir.Socket())
	defer client.Close()
	remote := func() error {
		return make(backup.FromRelay(client), func(at time.Time) error { return client.Keep(ctx, at) })
	}
	local := func(st *store.Store) error {
		return make(backup.FromStore(st, originOf(cfg.Host())), func(at time.Time) error { return jobs.RecordBackup(st, at) })
	}
	if err := p.eitherWay(ctx, &cfg, dir, remote, local); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// record notes when the copy was made. It is whole in any case.
func (p *program) record(keep func(time.Time) error, m *backup.Manifest) {
	if err := keep(m.Created); err != nil {
		p.note("the copy is whole, but relay check will not know of it: %v", err)
	}
}

func (p *program) showBackup(res *backedUp) error {
	if p.json {
		return term.Encode(p.Stdout, res)
	}
	done := "written"
	if res.Proved {
		done = "written and proved"
	}
	m := res.Manifest
	_, err := fmt.Fprintf(p.Stdout, "%s %s, %s\n%s, %s in the queue\n", res.File, done, words.Size(res.Bytes),
		words.Plural(m.Accounts, "account"), words.Plural(m.Totals.Messages, "message"))
	for _, path := range res.Removed {
		p.note("removed %s", path)
	}
	return err
}

// shelfOf is the configured one.
func shelfOf(b *config.Backup, data place.Dir) backup.Shelf {
	dir := b.Dir
	if dir == "" {
		dir = filepath.Join(string(data), "backup")
	}
	return backup.Shelf{Dir: dir, Keep: b.Keep, Owner: string(data)}
}

// originOf is what manifests say of this relay.
func originOf(host string) backup.Origin {
	return backup.Origin{Host: host, Version: build.Read().Version}
}

// watch shows on standard error how far a copy has come.
func (p *program) watch(what string) *term.Progress { return term.NewProgress(p.Stderr, what, 0) }
