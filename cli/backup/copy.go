// Package backup makes copies of the store, keeps them on this machine and brings them
// back. It holds the commands backup, restore and compact.
//
//  1. The service writes a consistent copy, and says first what is in it (host.Copier).
//  2. Keep gives the copy its name, and then its Manifest: what it holds, its size and
//     its SHA-256.
//  3. A Shelf does both in a directory, proves the copy before it gets its name, and
//     removes the oldest ones.
//
// A crash leaves no unfinished copy under the name of a copy. Commands.restore and
// Commands.compact say what a crash leaves in their steps.
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/cli/wholefile"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/store/syncdir"
)

// FromRelay copies the store of the service: the running relay's, or if none runs the one
// that this process opens.
func FromRelay(c act.Caller) host.Copier {
	return func(ctx context.Context, w io.Writer, begin func(*host.Copy) error) error {
		_, err := host.ReadCopy.Copy(ctx, c, &act.None{}, func(h http.Header) (io.Writer, error) {
			about := &host.Copy{}
			if err := json.Unmarshal([]byte(h.Get(host.AboutHeader)), about); err != nil {
				return nil, exit.Fail(exit.Unreachable, "restart the relay: it is another version than this command",
					"the running relay does not say what the copy holds: %w", err)
			}
			return w, begin(about)
		})
		return err
	}
}

// Take writes a copy and returns its manifest. ready gets the size of the copy before the
// first octet, and may refuse it.
func Take(ctx context.Context, from host.Copier, w io.Writer, pr *term.Progress, ready func(size int64) error) (m *Manifest, err error) {
	defer pr.End()
	sum := sha256.New()
	err = from(ctx, io.MultiWriter(w, sum, pr), func(about *host.Copy) error {
		m = &Manifest{Copy: *about}
		pr.Restart(about.Size)
		return ready(about.Size)
	})
	if err != nil {
		return nil, err
	}
	m.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return m, nil
}

// Keep gives a copy its name, and then its manifest: see Manifest for the order.
func Keep(out *wholefile.File, path string, m *Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := wholefile.Free(path, out.Force); err != nil {
		return err
	}
	switch err := os.Remove(ManifestOf(path)); {
	case err == nil:
		if err := syncdir.Sync(filepath.Dir(path)); err != nil {
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

// writeManifest writes the manifest of the copy at path, with the copy's owner and mode.
func writeManifest(path string, text []byte) error {
	w, err := wholefile.New(ManifestOf(path), true)
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
