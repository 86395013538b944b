package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/cli/wholefile"
	"relay/report/words"
	"relay/store"
)

// Restore is the command restore.
func (c *Commands) Restore() *cli.Command {
	var dryRun bool
	return shell.Command(&cli.Command{
		Name: "restore", ArgsUsage: "FILE", Usage: "restore a backup",
		Description: `The backup replaces the store. No relay may be running. Its size and SHA-256 are compared with FILE.manifest, where there is one; then a copy of it is proved. A damaged one changes nothing. The old store is kept beside it, with the date in its name; remove it when all is well. What the old store has and the backup lacks is listed: accounts, invoices, payments, mail in the queue. Invoice numbers that were issued since the backup become void, as relay invoice list shows: no other invoice gets them. If the store is lost, relay.invoices beside it still has the last number.

--dry-run proves the backup and changes nothing, even while a relay runs. While none runs it lists what the store has and the backup lacks.

Mail that was in the queue when the backup was made is sent again, though it may have been delivered since: look at it with relay queue list before relay serve, and drop or hold what must not go out twice.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "prove the backup, and change nothing", Destination: &dryRun}},
	}, func(ctx context.Context, args []string) error {
		ctx, stop := shell.UntilSignal(ctx, c.Signals)
		defer stop()
		return c.restore(ctx, args[0], dryRun)
	})
}

// restoreView is the result for programs.
type restoreView struct {
	File     string            `json:"file"`
	DryRun   bool              `json:"dry_run"`
	Kept     string            `json:"kept"`    // new name of the previous store; "": there was none
	Missing  *store.Gaps       `json:"missing"` // what the previous store has and the backup lacks; null: there was none, or it cannot be read
	Void     *voidNumbers      `json:"void"`    // numbers that no invoice will get; null: none
	Stats    store.VerifyStats `json:"stats"`
	Manifest *Manifest         `json:"manifest"` // null: there is none
}

// restore puts the backup in FILE in the store's place.
//
//  1. The store's lock is taken, so that no relay starts.
//  2. FILE is copied beside the store and compared with its manifest.
//  3. The copy is proved, and brought up to date.
//  4. What the present store has and the copy lacks is listed. Invoice numbers that were
//     issued since the backup become void in the copy, which continues after them.
//  5. The present store gets a second name.
//  6. The copy takes the store's name.
//
// A crash before 6 leaves the store as it was, and a crash after 6 the one from the
// backup; there is always one. The next restore or start removes an unfinished copy.
func (c *Commands) restore(ctx context.Context, file string, dryRun bool) error {
	_, dir, err := c.Where.Home()
	if err != nil {
		return err
	}
	res := restoreView{File: file, DryRun: dryRun}
	from, err := openBackup(file, dir)
	if err != nil {
		return err
	}
	defer from.Close()
	if res.Manifest = from.m; from.m == nil {
		c.Env.Note("there is no %s: size and SHA-256 cannot be compared", ManifestOf(file))
	}
	if dryRun {
		err = c.proveBackup(ctx, dir, from, &res)
	} else {
		err = c.replace(ctx, dir, from, &res)
	}
	if err != nil {
		return err
	}
	return c.showRestored(&res)
}

// proveBackup reads the backup, proves it where it lies, and compares it with the store.
func (c *Commands) proveBackup(ctx context.Context, dir place.Dir, from *source, res *restoreView) error {
	if from.m != nil {
		pr := term.NewProgress(c.Env.Stderr, "reading", from.size)
		err := from.copyTo(ctx, pr, wholefile.NewPace())
		if pr.End(); err != nil {
			return from.wrap(err)
		}
	}
	err := c.proven(ctx, from, from.path, res)
	if err == nil {
		return c.missing(ctx, dir, from.path, res)
	}
	if !errors.Is(err, store.ErrOlder) {
		return err
	}
	// A store of an older relay can only be proved after its upgrade.
	fresh, err := c.copyBackup(ctx, from, os.TempDir(), "relay-restore")
	if err != nil {
		return err
	}
	defer fresh.Discard()
	if err := c.proven(ctx, from, fresh.Name(), res, proof.Upgrade); err != nil {
		return err
	}
	return c.missing(ctx, dir, fresh.Name(), res)
}

// replace proves a copy of the backup and gives it the store's name.
func (c *Commands) replace(ctx context.Context, dir place.Dir, from *source, res *restoreView) error {
	if err := dir.Make(); err != nil {
		return err
	}
	lock, err := dir.Claim()
	if err != nil {
		return err
	}
	defer lock.Close()
	dir.RemoveUnfinished()
	fresh, err := c.copyBackup(ctx, from, string(dir), place.UnfinishedRestore)
	if err != nil {
		return err
	}
	defer fresh.Discard()
	if err := c.proven(ctx, from, fresh.Name(), res, proof.Upgrade); err != nil {
		return err
	}
	if err := dir.Adopt(fresh.Name()); err != nil {
		return err
	}
	if err := c.compareStores(ctx, dir, lock, fresh.Name(), res); err != nil {
		return err
	}
	if dir.HasStore() {
		if res.Kept, err = dir.SetAside(time.Now()); err != nil {
			return fmt.Errorf("keep the present store: %w", err)
		}
	}
	return dir.Install(fresh.Name())
}

// copyBackup copies the backup into a file in dir that has no name yet.
func (c *Commands) copyBackup(ctx context.Context, from *source, dir, base string) (*wholefile.File, error) {
	if err := wholefile.Room(dir, from.size); err != nil {
		return nil, err
	}
	out, err := wholefile.Begin(dir, base)
	if err != nil {
		return nil, err
	}
	out.Unlock() // the process that proves it may upgrade it
	pr := term.NewProgress(c.Env.Stderr, "copying", from.size)
	err = from.copyTo(ctx, io.MultiWriter(out, pr), wholefile.Pace{})
	if pr.End(); err == nil {
		err = out.Sync()
	}
	if err != nil {
		out.Discard()
		return nil, from.wrap(err)
	}
	return out, nil
}

// proven proves the file, which is the backup or a copy of it, and fails when it has a
// problem.
func (c *Commands) proven(ctx context.Context, from *source, path string, res *restoreView, more ...string) error {
	pr := term.NewProgress(c.Env.Stderr, "proving", 0)
	found, err := proof.Of(ctx, path, more...)
	pr.End()
	if err != nil {
		return from.wrap(err)
	}
	res.Stats = found.Stats
	for _, text := range found.Problems {
		c.Env.Note("%s", words.Clean(text))
	}
	if found.Stats.Problems > 0 {
		return from.wrap(exit.Fail(exit.Failed, "take another backup", "damaged: %s", words.Plural(found.Stats.Problems, "problem")))
	}
	if from.m != nil {
		return from.wrap(from.m.CheckProof(&found.Stats))
	}
	return nil
}

func (c *Commands) showRestored(res *restoreView) error {
	if c.Env.JSON {
		return term.Encode(c.Env.Stdout, res)
	}
	done := "restored from"
	if res.DryRun {
		done = "in order:"
	}
	_, err := fmt.Fprintf(c.Env.Stdout, "%s %s: %s, %s in the queue\n", done, res.File,
		words.Plural(res.Stats.Accounts, "account"), words.Plural(res.Stats.Messages, "message"))
	if err != nil {
		return err
	}
	if res.Manifest != nil {
		m := res.Manifest
		_, err = fmt.Fprintf(c.Env.Stdout, "made %s by relay %s on %s\n", m.Created.Format(time.RFC3339), words.Clean(m.Relay), words.Clean(m.Hostname))
	}
	if err == nil {
		err = c.showMissing(res)
	}
	if res.Kept != "" {
		c.Env.Note("the store that was there is kept as %s", filepath.Base(res.Kept))
	}
	if res.Stats.Messages > 0 && !res.DryRun {
		c.Env.Note("what was delivered since the backup is in the queue again: see relay queue list")
	}
	return err
}
