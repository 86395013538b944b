package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	cli "github.com/urfave/cli/v2"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/cli/wholefile"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/report/words"
	"relay/store"
)

// Compact is the command compact.
func (c *Commands) Compact() *cli.Command {
	var dryRun bool
	return shell.Command(&cli.Command{
		Name: "compact", Usage: "give free space in the store back to the disk",
		Description: `The store's file never becomes smaller by itself: what a backlog left free is used for later mail. This writes all that is in it into a new file, compares the two record by record, proves the new one, and puts it in the place of the old one. The relay must not run meanwhile, and the disk needs room for what is in use:

  systemctl stop relay 'relay-*.socket'
  relay compact
  systemctl start relay relay-submission.socket relay-submissions.socket

If it fails or is killed, the store stays as it was. --dry-run says how much space it would free, even while the relay runs.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "only say how much space it would free", Destination: &dryRun}},
	}, func(ctx context.Context, _ []string) error {
		ctx, stop := shell.UntilSignal(ctx, c.Signals)
		defer stop()
		cfg, dir, err := c.Where.Home()
		switch {
		case err != nil:
			return err
		case dir.IsNew():
			return dir.NoStore()
		case dryRun:
			return c.compactDry(ctx)
		default:
			return c.compact(ctx, &cfg, dir)
		}
	})
}

// compactDry asks the service, which answers while the relay runs too.
func (c *Commands) compactDry(ctx context.Context) error {
	found, err := host.ShowCompaction.Call(ctx, c.Env.Service, &act.None{})
	if err != nil {
		return err
	}
	return c.showCompacted(found)
}

// compact replaces the store's file with a smaller one.
//
//  1. The store is opened, and so locked until the end: no relay can start.
//  2. All its records are written into a new file beside it, and compared.
//  3. The new file is proved in a process of its own.
//  4. It is synced and takes the store's name, locked until the directory is synced.
//  5. The old file has no name any more; it is closed and so removed.
//
// A crash before 4 leaves the store as it was, and a file that the next compaction
// or start removes; a crash after 4 leaves the new store. A process that waited for
// the lock finds after 5 that its file has lost the name, and opens the new one.
func (c *Commands) compact(ctx context.Context, cfg *config.Config, dir place.Dir) error {
	if err := dir.NoLink(); err != nil {
		return err
	}
	st, err := proof.OpenStore(dir.Store(), store.Options{Zone: cfg.Zone(), Log: proof.OnlyErrors(c.Env.Stderr), Billing: cfg.Billing.Store()})
	if errors.Is(err, store.ErrLocked) {
		return exit.Fail(exit.TryAgain, place.StopFirst+"; relay compact; and start them again", "%w", err)
	}
	if err != nil {
		return err
	}
	res := host.NewCompaction(st.Size())
	err = proof.Use(dir.Store(), st, func(st *store.Store) error { return c.compactInto(ctx, dir, st, res) })
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	return c.showCompacted(res)
}

func (c *Commands) compactInto(ctx context.Context, dir place.Dir, st *store.Store, res *host.Compaction) error {
	dir.RemoveUnfinished()
	if err := wholefile.Room(string(dir), res.Before-res.Free); err != nil {
		return err
	}
	fresh := filepath.Join(string(dir), place.UnfinishedCompaction+"."+strconv.Itoa(os.Getpid()))
	installed := false
	defer func() { // also after a panic over a damaged page
		if !installed {
			dir.RemoveUnfinished()
		}
	}()
	if err := c.compactTo(ctx, dir, st, fresh, res); err != nil {
		return err
	}
	err := dir.Install(fresh)
	installed = err == nil
	return err
}

// compactTo makes the new file and proves it.
func (c *Commands) compactTo(ctx context.Context, dir place.Dir, st *store.Store, fresh string, res *host.Compaction) error {
	pr := term.NewProgress(c.Env.Stderr, "copying", res.Before-res.Free)
	err := st.Compact(fresh, func(n int64) error { pr.Add(n); return ctx.Err() })
	if pr.End(); err != nil {
		return err
	}
	if err := c.proveCompacted(ctx, fresh, st); err != nil {
		return err
	}
	res.After, err = settle(fresh, dir.Store())
	return err
}

// proveCompacted fails if the new file has a problem, or other totals than the store.
func (c *Commands) proveCompacted(ctx context.Context, fresh string, st *store.Store) error {
	pr := term.NewProgress(c.Env.Stderr, "proving", 0)
	found, err := proof.Of(ctx, fresh)
	pr.End()
	if err != nil {
		return err
	}
	if n := found.Stats.Problems; n > 0 {
		return exit.Fail(exit.Failed, "nothing was changed; relay check --store tells more, and relay restore FILE brings back a backup",
			"the store has %s, the first: %s", words.Plural(n, "problem"), words.Clean(found.Problems[0]))
	}
	sum, err := st.Spool.Totals()
	if err == nil && sum != found.Stats.Totals {
		err = exit.Fail(exit.Failed, "nothing was changed; relay check --store tells more", "the new file holds %+v, the store %+v", found.Stats.Totals, sum)
	}
	return err
}

// settle gives the file at path the owner and mode of the one that it replaces, and
// returns its length.
func settle(path, old string) (size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := wholefile.KeepOwner(old, f); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (c *Commands) showCompacted(res *host.Compaction) error {
	if c.Env.JSON {
		return term.Encode(c.Env.Stdout, res)
	}
	gain := max(res.Before-res.After, 0)
	if !res.DryRun {
		_, err := fmt.Fprintf(c.Env.Stdout, "%s before, %s now: %s given back\n", words.Size(res.Before), words.Size(res.After), words.Size(gain))
		return err
	}
	advice := "that does not pay: later mail uses it"
	if res.Pays {
		advice = "that pays: stop the relay, then relay compact"
	}
	_, err := fmt.Fprintf(c.Env.Stdout, "%s, of which about %s can be given back\n%s\n", words.Size(res.Before), words.Size(gain), advice)
	return err
}
