package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"relay/cli/exit"
	"relay/cli/proof"
	"relay/cli/term"
	"relay/cli/wholefile"
	"relay/report/api/host"
	"relay/report/words"
)

// Shelf is the directory of the scheduled copies, and how many it keeps.
//
//  1. A copy is written under a temporary name, synced, read again from the disk and
//     compared with its SHA-256, and proved in a process of its own.
//  2. It gets its name, with the time in it, and then its manifest.
//  3. The oldest ones are removed; files with other names, and copies of a relay with
//     another host name, never are.
//
// A crash before 2 leaves a file under a temporary name, which the next copy removes.
type Shelf struct {
	Dir   string
	Keep  int    // copies
	Owner string // directory whose owner gets the copies: relay runs as that user
}

// shelfName is the name of a copy: names sort by their time, UTC.
const shelfName = "relay-20060102T150405Z.db"

var shelfRE = regexp.MustCompile(`^relay-\d{8}T\d{6}Z\.db$`)

// Put makes a copy and proves it. watch returns what shows the progress of a step.
func (s Shelf) Put(ctx context.Context, from host.Copier, watch func(what string) *term.Progress) (m *Manifest, path string, err error) {
	if err := s.make(); err != nil {
		return nil, "", err
	}
	out, err := wholefile.Begin(s.Dir, "relay-copy")
	if err != nil {
		return nil, "", err
	}
	defer out.Discard()
	out.Rest = wholefile.NewPace()
	m, err = Take(ctx, from, out, watch("copying"), func(size int64) error { return wholefile.Room(s.Dir, size) })
	if err != nil {
		return nil, "", err
	}
	if err := out.Sync(); err != nil {
		return nil, "", err
	}
	if err := proveCopy(ctx, out.Name(), m, watch("proving")); err != nil {
		return nil, "", fmt.Errorf("the copy in %s: %w", s.Dir, err)
	}
	if err := wholefile.Adopt(s.Owner, out.Name()); err != nil {
		return nil, "", err
	}
	path = s.name(m.Created)
	if err := Keep(out, path, m); err != nil {
		return nil, "", err
	}
	return m, path, nil
}

// make makes the directory if it is missing.
func (s Shelf) make() error {
	_, err := os.Stat(s.Dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return exit.Fail(exit.Failed, "make it yourself, for the user that runs the relay, or name another one as dir in [backup]",
			"directory for copies: %w", err)
	}
	return wholefile.Adopt(s.Owner, s.Dir)
}

// name returns the path for a copy of that instant, or of the next second that is free.
func (s Shelf) name(at time.Time) string {
	for ; ; at = at.Add(time.Second) {
		path := filepath.Join(s.Dir, at.UTC().Format(shelfName))
		if _, err := os.Lstat(path); err != nil {
			return path
		}
	}
}

// Prune removes copies older than the newest Keep whole ones, and manifests without a
// copy. It never removes the copy at path, nor files that are not of this relay's series.
func (s Shelf) Prune(path string) (gone []string, err error) {
	list, err := os.ReadDir(s.Dir)
	if err != nil {
		return []string{}, err
	}
	made, err := s.look(path)
	if err != nil {
		return []string{}, err
	}
	gone = []string{}
	kept := 1 // the one at path
	var errs []error
	for _, e := range slices.Backward(list) { // by name, and so by time
		name := filepath.Join(s.Dir, e.Name())
		if !shelfRE.MatchString(e.Name()) || !e.Type().IsRegular() || name == path {
			continue
		}
		if old, err := s.look(name); err != nil || !made.follows(old) {
			continue
		}
		if kept++; kept <= s.Keep {
			continue
		}
		err := removeMissing(name)
		if err == nil {
			gone = append(gone, name)
			err = removeMissing(ManifestOf(name))
		}
		errs = append(errs, err)
	}
	return gone, errors.Join(append(errs, s.pruneManifests(list))...)
}

// pruneManifests removes manifests that a crash left without their copies.
func (s Shelf) pruneManifests(list []fs.DirEntry) error {
	const tail = ".manifest"
	var errs []error
	for _, e := range list {
		copied, isManifest := strings.CutSuffix(e.Name(), tail)
		if !isManifest || !shelfRE.MatchString(copied) {
			continue
		}
		if _, err := os.Lstat(filepath.Join(s.Dir, copied)); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, removeMissing(filepath.Join(s.Dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// removeMissing removes a file that may be gone already.
func removeMissing(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// shelfCopy is a whole copy on the shelf.
type shelfCopy struct {
	host    string // host name of its relay; "": its manifest is missing
	written time.Time
}

// look fails on a copy that is not as long as its manifest says. A copy without a
// manifest is whole: it was proved before it got its name.
func (s Shelf) look(path string) (c shelfCopy, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return c, err
	}
	c.written = info.ModTime()
	m, err := ReadManifest(path)
	if err != nil || m == nil {
		return c, err
	}
	c.host = m.Hostname
	return c, m.CheckSize(info.Size())
}

// follows reports whether old is an earlier copy of the same relay. Copies of another
// relay may lie in the same directory. A file that was written later is another command's
// new copy, even if its name has an earlier time.
func (c shelfCopy) follows(old shelfCopy) bool {
	return (old.host == "" || old.host == c.host) && !old.written.After(c.written)
}

// proveCopy reads a copy from the disk, proves it and compares it with its manifest. The
// file is not changed.
func proveCopy(ctx context.Context, path string, m *Manifest, pr *term.Progress) error {
	defer pr.End()
	found, err := proof.Of(ctx, path, proof.WithSum)
	if err != nil {
		return err
	}
	if found.Stats.Problems > 0 {
		return exit.Fail(exit.Failed, "relay check --store looks at the store itself", "damaged: %s, the first: %s",
			words.Plural(found.Stats.Problems, "problem"), words.Clean(found.Problems[0]))
	}
	return m.check(&found)
}
