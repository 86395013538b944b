package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"relay/cli/exit"
	"relay/report/words"
)

// wholeFile is written beside its final name and gets it when it is complete and
// on disk. What it writes goes to the disk at once, a piece behind the other, and
// leaves the cache: other files on that disk are never synced behind more than
// two pieces of it.
type wholeFile struct {
	f     *os.File
	path  string // "": its name comes at the end
	force bool
	rest  pace

	at      int64 // octets written
	sent    int64 // of these, on their way to the disk
	settled int64 // of these, there
}

// piece is how much is on its way to the disk at once.
const piece = 1 << 20

// newWholeFile begins a file that is to be path.
func newWholeFile(path string, force bool) (*wholeFile, error) {
	if err := free(path, force); err != nil {
		return nil, err
	}
	w, err := beginFile(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return nil, err
	}
	w.path, w.force = path, force
	return w, nil
}

// beginFile begins a file in dir that has no name yet, but one like base. Whoever
// finds it unlocked may remove it.
func beginFile(dir, base string) (*wholeFile, error) {
	removeAbandoned(dir, "."+base+".")
	for {
		f, err := os.CreateTemp(dir, "."+base+".*") // mode 0600
		if err != nil {
			return nil, err
		}
		_ = unix.Flock(int(f.Fd()), unix.LOCK_SH) // shared, so that it can be proved; not every file system has locks
		if sameFile(f.Name(), f) {
			return &wholeFile{f: f}, nil
		}
		_ = f.Close() // another found it before it was locked
	}
}

// Write implements io.Writer.
func (w *wholeFile) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if w.at += int64(n); err == nil && w.at-w.sent >= piece {
		err = errors.Join(sendOut(w.f, w.sent, w.at-w.sent), await(w.f, w.settled, w.sent-w.settled))
		forget(w.f, w.settled, w.sent-w.settled)
		w.settled, w.sent = w.sent, w.at
		w.rest.take()
	}
	return n, err
}

// pace takes a rest after each piece of work, as long as the work took: others come
// to their turn at disk and processor.
type pace struct{ since time.Time } // zero: it takes none

func newPace() pace { return pace{time.Now()} }

func (p *pace) take() {
	if !p.since.IsZero() {
		time.Sleep(min(time.Since(p.since), time.Second))
		p.since = time.Now()
	}
}

// unlock lets others lock the file: now only its owner knows when it is abandoned.
func (w *wholeFile) unlock() { _ = unix.Flock(int(w.f.Fd()), unix.LOCK_UN) }

// free reports why path cannot be had.
func free(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return exit.Fail(exit.Failed, "name a file in it", "%s is a directory", path)
	case !force:
		return exit.Fail(exit.Failed, "choose another name, or replace it with --force", "%s exists", path)
	case !info.Mode().IsRegular():
		return exit.Fail(exit.Failed, "choose another name", "%s is no file", path)
	}
	return nil
}

// sync makes what was written last.
func (w *wholeFile) sync() error {
	err := w.f.Sync()
	forget(w.f, 0, w.at)
	return err
}

// keep gives the file its name.
func (w *wholeFile) keep() error { return w.keepAs(w.path) }

// keepAs gives the file that name. Without force it never replaces another: where
// the file system has links, not even one that was made in this moment.
func (w *wholeFile) keepAs(path string) error {
	if err := errors.Join(w.sync(), w.f.Close()); err != nil {
		return err
	}
	if !w.force {
		if err := os.Link(w.f.Name(), path); err == nil {
			return syncDir(filepath.Dir(path))
		}
		if err := free(path, false); err != nil {
			return err
		}
	}
	if err := os.Rename(w.f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// discard removes what has not got its name, or has two.
func (w *wholeFile) discard() {
	_ = w.f.Close()           // again, as a rule
	_ = os.Remove(w.f.Name()) // gone, as a rule
}

// syncDir makes names last, where the file system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// abandonedAfter is when a file is taken to be abandoned where there are no locks.
const abandonedAfter = 24 * time.Hour

// removeAbandoned removes what was killed left in dir under names of prefix and
// digits.
func removeAbandoned(dir, prefix string) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return // it will be said when a file is made there
	}
	for _, e := range list {
		digits, ok := strings.CutPrefix(e.Name(), prefix)
		if ok && e.Type().IsRegular() && digits != "" && strings.Trim(digits, "0123456789") == "" {
			removeUnlocked(filepath.Join(dir, e.Name()))
		}
	}
}

// removeUnlocked removes the file under its lock: who begins one looks whether it is
// still there when he has got his.
func removeUnlocked(path string) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return
	}
	if info, e := f.Stat(); err == nil || e == nil && time.Since(info.ModTime()) > abandonedAfter {
		_ = os.Remove(path)
	}
}

// spare is the room that a copy leaves to the relay on its disk.
const spare = 64_000_000

// room fails when dir has no room for so many octets.
func room(dir string, need int64) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return nil // it will be seen when it is written
	}
	if has := int64(fs.Bavail) * int64(fs.Bsize); has < need+spare {
		return exit.Fail(exit.TryAgain, "make space there, or choose another place", "no room in %s: it takes %s, and %s to spare; %s are free",
			dir, words.Size(need), words.Size(spare), words.Size(has))
	}
	return nil
}

// writeWhole makes a small file that is whole or not there, and replaces another.
func writeWhole(path string, content []byte) error {
	w, err := newWholeFile(path, true)
	if err != nil {
		return err
	}
	defer w.discard()
	if _, err := w.Write(content); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return w.keep()
}
