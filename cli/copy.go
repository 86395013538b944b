package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/term"
	"relay/cli/wholefile"
	"relay/store"
)

// copier writes a copy of a store. It calls begin before the first octet.
type copier func(ctx context.Context, w io.Writer, begin func(*manifest) error) error

// fromStore copies the open store.
func fromStore(st *store.Store, by origin) copier {
	return func(ctx context.Context, w io.Writer, begin func(*manifest) error) error {
		_, err := st.Copy(while{ctx, w}, func(i store.Image) error { return begin(newManifest(by, st.Now(), i)) })
		return err
	}
}

// fromRelay has the running relay copy its store.
func fromRelay(c *control.Client) copier {
	return func(ctx context.Context, w io.Writer, begin func(*manifest) error) error {
		_, err := c.Backup(ctx, w, func(about []byte) error {
			m := &manifest{}
			if err := json.Unmarshal(about, m); err != nil {
				return exit.Fail(exit.Unreachable, "restart the relay: it is another version than this command",
					"the running relay does not say what the copy holds: %w", err)
			}
			return begin(m)
		})
		return err
	}
}

// while writes as long as its context lasts.
type while struct {
	ctx context.Context
	io.Writer
}

func (w while) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// takeCopy writes a copy and describes it. ready is told how long it will be.
func takeCopy(ctx context.Context, from copier, w io.Writer, pr *term.Progress, ready func(size int64) error) (m *manifest, err error) {
	defer pr.End()
	sum := sha256.New()
	err = from(ctx, io.MultiWriter(w, sum, pr), func(head *manifest) error {
		m = head
		pr.Restart(head.Size)
		return ready(head.Size)
	})
	if err != nil {
		return nil, err
	}
	m.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return m, nil
}

// keepCopy gives a copy its name, and then its manifest.
func keepCopy(out *wholefile.File, path string, m *manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := wholefile.Free(path, out.Force); err != nil {
		return err
	}
	switch err := os.Remove(manifestOf(path)); {
	case err == nil:
		if err := wholefile.SyncDir(filepath.Dir(path)); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := out.KeepAs(path); err != nil {
		return err
	}
	if err := writeManifest(path, append(text, '\n')); err != nil {
		return fmt.Errorf("%s is whole, but its manifest is missing: %w", path, err)
	}
	return nil
}

// writeManifest writes that of the copy at path, whose owner and mode it has.
func writeManifest(path string, text []byte) error {
	w, err := wholefile.New(manifestOf(path), true)
	if err != nil {
		return err
	}
	defer w.Discard()
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := wholefile.KeepOwner(path, w.File); err != nil {
		return err
	}
	return w.Keep()
}
