package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	cli "github.com/urfave/cli/v2"

	"relay/cli/control"
	"relay/store"
)

func (p *program) backupCommand() *cli.Command {
	var force bool
	return p.here(&cli.Command{
		Name: "backup", ArgsUsage: "FILE", Usage: "copy the store, while the relay runs",
		Description: `The copy is consistent, and holds everything: accounts, usage, the queue with its mail, the trace. FILE is whole or not there. relay restore FILE brings it back.

The configuration and certificates are not in it.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "force", Usage: "replace FILE when it exists", Destination: &force}},
	}, func(ctx context.Context, args []string) error { return p.backup(ctx, args[0], force) })
}

func (p *program) backup(ctx context.Context, file string, force bool) error {
	cfg, dir, err := p.home()
	if err != nil {
		return err
	}
	out, err := newWholeFile(file, force)
	if err != nil {
		return err
	}
	defer out.discard()
	client := control.NewClient(dir.socket())
	defer client.Close()
	var n int64
	remote := func() error { n, err = client.Backup(ctx, out.f); return err }
	local := func(st *store.Store) error { n, err = copyStore(st, out.f); return err }
	if err := p.eitherWay(ctx, &cfg, dir, remote, local); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := out.keep(); err != nil {
		return err
	}
	if p.json {
		return encode(p.Stdout, struct {
			File  string `json:"file"`
			Bytes int64  `json:"bytes"`
		}{file, n})
	}
	_, err = fmt.Fprintf(p.Stdout, "%s written, %s\n", file, size(n))
	return err
}

// copyStore writes a consistent copy of the open store.
func copyStore(st *store.Store, w io.Writer) (int64, error) {
	return st.Copy(w, func(store.Image) error { return nil })
}

// wholeFile is written beside its final name and gets it when it is complete and
// on disk.
type wholeFile struct {
	f     *os.File
	path  string
	force bool
}

func newWholeFile(path string, force bool) (*wholeFile, error) {
	w := &wholeFile{path: path, force: force}
	if err := w.free(); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	w.f = f
	return w, nil
}

func (w *wholeFile) free() error {
	info, err := os.Lstat(w.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fail(exitFailed, "name a file in it", "%s is a directory", w.path)
	case !w.force:
		return fail(exitFailed, "choose another name, or replace it with --force", "%s exists", w.path)
	}
	return nil
}

// keep gives the file its name. Without force it never replaces another: where
// the file system has links, not even one that was made in this moment.
func (w *wholeFile) keep() error {
	if err := errors.Join(w.f.Sync(), w.f.Close()); err != nil {
		return err
	}
	if w.force {
		if err := os.Rename(w.f.Name(), w.path); err != nil {
			return err
		}
		return syncDir(filepath.Dir(w.path))
	}
	err := os.Link(w.f.Name(), w.path)
	if err != nil {
		if err := w.free(); err != nil {
			return err
		}
		if err := os.Rename(w.f.Name(), w.path); err != nil {
			return err
		}
	}
	return syncDir(filepath.Dir(w.path))
}

// discard removes what has not got its name, or has two.
func (w *wholeFile) discard() {
	_ = w.f.Close()           // again, as a rule
	_ = os.Remove(w.f.Name()) // gone, as a rule
}

// syncDir makes names last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// copyFile copies into a new file of the directory, and returns its name.
func copyFile(from io.Reader, dir, pattern string) (name string, err error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}
