package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	cli "github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"relay/store"
)

func (p *program) restoreCommand() *cli.Command {
	var dryRun bool
	return p.here(&cli.Command{
		Name: "restore", ArgsUsage: "FILE", Usage: "bring a backup back",
		Description: `The backup takes the place of the store, while no relay runs. It is copied and proved first; a damaged one changes nothing. The store that was there is kept beside it, with the date in its name.

Mail that was in the queue when the backup was made is sent again, though it may have been delivered since: look at it with relay queue list before relay serve, and drop or hold what must not go out twice.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "only prove the backup", Destination: &dryRun}},
	}, func(ctx context.Context, args []string) error { return p.restore(ctx, args[0], dryRun) })
}

// restored is the result for programs.
type restored struct {
	File   string            `json:"file"`
	DryRun bool              `json:"dry_run"`
	Kept   string            `json:"kept"` // where the store is that was there; "": there was none
	Stats  store.VerifyStats `json:"stats"`
}

func (p *program) restore(ctx context.Context, file string, dryRun bool) error {
	_, dir, err := p.home()
	if err != nil {
		return err
	}
	if err := dir.make(); err != nil {
		return err
	}
	release := func() error { return nil }
	if !dryRun {
		if release, err = p.claim(dir); err != nil {
			return err
		}
	}
	res := restored{File: file, DryRun: dryRun}
	err = p.replace(ctx, dir, &res)
	if err = errors.Join(err, release()); err != nil {
		return err
	}
	return p.showRestored(&res)
}

// claim locks the store that is there as the engine does, so that no relay can
// take it until release. It is not opened: a damaged one is what backups are for.
func (p *program) claim(dir place) (release func() error, err error) {
	f, err := os.OpenFile(dir.store(), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fail(exitTryAgain, "stop the relay first", "%w", store.ErrLocked), f.Close())
	}
	return f.Close, nil
}

// replace proves a copy of the backup and, unless it is a dry run, gives it the
// store's name.
func (p *program) replace(ctx context.Context, dir place, res *restored) error {
	fresh, err := p.copyBackup(res.File, dir)
	if err != nil {
		return err
	}
	defer os.Remove(fresh)
	if res.Stats, err = p.proven(ctx, fresh); err != nil {
		return fmt.Errorf("backup %s: %w", res.File, err)
	}
	if res.DryRun {
		return nil
	}
	if !dir.isNew() {
		if res.Kept, err = dir.setAside(time.Now()); err != nil {
			return fmt.Errorf("keep the present store: %w", err)
		}
	}
	if err := errors.Join(dir.adopt(fresh), os.Rename(fresh, dir.store())); err != nil {
		return err
	}
	return syncDir(string(dir))
}

// setAside gives the store that is there a second name, which it keeps.
func (d place) setAside(now time.Time) (name string, err error) {
	for n := 1; ; n++ {
		name = d.store() + now.Format(".before-restore-20060102-150405")
		if n > 1 {
			name = fmt.Sprint(name, "-", n)
		}
		if err = os.Link(d.store(), name); !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}

func (p *program) copyBackup(file string, dir place) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.Size() == 0 || !info.Mode().IsRegular() {
		return "", fail(exitFailed, "", "%s is no backup", file)
	}
	if live, err := os.Stat(dir.store()); err == nil && os.SameFile(info, live) {
		return "", usage("", "%s is the store itself", file)
	}
	return copyFile(f, string(dir), "relay.db.restore-*")
}

// proven is prove for a file that must be without fault.
func (p *program) proven(ctx context.Context, path string) (store.VerifyStats, error) {
	found, err := p.prove(ctx, path)
	if err != nil {
		return found.Stats, err
	}
	for _, text := range found.Problems {
		p.note("%s", clean(text))
	}
	if found.Stats.Problems > 0 {
		return found.Stats, fail(exitFailed, "take another backup", "damaged: %s", plural(found.Stats.Problems, "problem"))
	}
	return found.Stats, nil
}

// quiet is a log for a store that is only looked at.
func (p *program) quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

func (p *program) showRestored(res *restored) error {
	if p.json {
		return encode(p.Stdout, res)
	}
	done := "restored from"
	if res.DryRun {
		done = "in order:"
	}
	_, err := fmt.Fprintf(p.Stdout, "%s %s: %s, %s in the queue\n", done, res.File,
		plural(res.Stats.Accounts, "account"), plural(res.Stats.Messages, "message"))
	if err != nil {
		return err
	}
	if res.Kept != "" {
		p.note("the store that was there is kept as %s", res.Kept)
	}
	if res.Stats.Messages > 0 && !res.DryRun {
		p.note("what was delivered since the backup is in the queue again: see relay queue list")
	}
	return nil
}
