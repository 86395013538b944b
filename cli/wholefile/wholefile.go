// Package wholefile writes large files beside a relay that works on the same disk.
//
//  1. Begin makes a file without a name of its own, locked while it is written.
//  2. Write sends it to the disk piece by piece and drops the pieces from the cache.
//  3. Keep syncs it, gives it its name, and syncs the directory.
//
// So a file is whole or not there. After a crash before 3 the file is unlocked, and
// the next Begin in that directory removes it.
package wholefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"relay/cli/exit"
	"relay/report/words"
	"relay/store/syncdir"
)

// File is written beside its final name and gets it when it is complete and on disk.
// Each piece goes to the disk at once and leaves the cache, so that a sync of another
// file waits for two pieces at most.
type File struct {
	*os.File
	path  string // "": its name comes at the end
	Force bool   // another file of that name is replaced
	Rest  Pace   // after each piece

	at      int64 // octets written
	sent    int64 // of these, on their way to the disk
	settled int64 // of these, there
}

// piece is how much is on its way to the disk at once.
const piece = 1 << 20

// New begins a file that is to be path.
func New(path string, force bool) (*File, error) {
	if err := Free(path, force); err != nil {
		return nil, err
	}
	w, err := Begin(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return nil, err
	}
	w.path, w.Force = path, force
	return w, nil
}

// Begin begins a file in dir under a temporary name made from base. Found unlocked, the
// file is abandoned and may be removed.
func Begin(dir, base string) (*File, error) {
	removeAbandoned(dir, "."+base+".")
	for {
		f, err := os.CreateTemp(dir, "."+base+".*") // mode 0600
		if err != nil {
			return nil, err
		}
		_ = unix.Flock(int(f.Fd()), unix.LOCK_SH) // shared, so that it can be proved; not every file system has locks
		if SameFile(f.Name(), f) {
			return &File{File: f}, nil
		}
		_ = f.Close() // another found it before it was locked
	}
}

// Write implements io.Writer.
func (w *File) Write(p []byte) (int, error) {
	n, err := w.File.Write(p)
	if w.at += int64(n); err == nil && w.at-w.sent >= piece {
		err = errors.Join(sendOut(w.File, w.sent, w.at-w.sent), await(w.File, w.settled, w.sent-w.settled))
		forget(w.File, w.settled, w.sent-w.settled)
		w.settled, w.sent = w.sent, w.at
		w.Rest.take()
	}
	return n, err
}

// Pace rests after each piece of work for as long as the work took, to leave disk and
// processor to others.
type Pace struct{ since time.Time } // zero: it takes none

// NewPace returns a Pace whose first piece of work begins now.
func NewPace() Pace { return Pace{time.Now()} }

func (p *Pace) take() {
	if !p.since.IsZero() {
		time.Sleep(min(time.Since(p.since), time.Second))
		p.since = time.Now()
	}
}

// Unlock lets others lock the file, such as a process that upgrades it. From then on
// nothing shows whether it is abandoned.
func (w *File) Unlock() { _ = unix.Flock(int(w.File.Fd()), unix.LOCK_UN) }

// Free fails when path is taken; with force, when it is no regular file.
func Free(path string, force bool) error {
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
		return exit.Fail(exit.Failed, "choose another name", "%s is not a file", path)
	}
	return nil
}

// Sync puts all of the file on disk.
func (w *File) Sync() error {
	err := w.File.Sync()
	forget(w.File, 0, w.at)
	return err
}

// Keep gives the file its name.
func (w *File) Keep() error { return w.KeepAs(w.path) }

// KeepAs gives the file that name. Without force it never replaces another: where
// the file system has links, not even one that was made in this moment.
func (w *File) KeepAs(path string) error {
	if err := errors.Join(w.Sync(), w.File.Close()); err != nil {
		return err
	}
	if !w.Force {
		if err := os.Link(w.File.Name(), path); err == nil {
			return syncdir.Sync(filepath.Dir(path))
		}
		if err := Free(path, false); err != nil {
			return err
		}
	}
	if err := os.Rename(w.File.Name(), path); err != nil {
		return err
	}
	return syncdir.Sync(filepath.Dir(path))
}

// Discard removes the temporary name. After Keep it does nothing.
func (w *File) Discard() {
	_ = w.File.Close()           // again, as a rule
	_ = os.Remove(w.File.Name()) // gone, as a rule
}

// abandonedAfter is when a file is taken to be abandoned where there are no locks.
const abandonedAfter = 24 * time.Hour

// removeAbandoned removes files in dir that killed processes left under names of prefix
// and digits.
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

// removeUnlocked removes the file under its lock. Begin checks under its own lock that
// its file is still there.
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

// Room fails when dir has no room for so many octets and some to spare.
func Room(dir string, need int64) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return nil // it will be seen when it is written
	}
	if has := int64(fs.Bavail) * int64(fs.Bsize); has < need+spare {
		return exit.Fail(exit.TryAgain, "make space there, or choose another place", "no room in %s: it needs %s, and %s to spare; %s are free",
			dir, words.Size(need), words.Size(spare), words.Size(has))
	}
	return nil
}

// Write makes a small file, and replaces another one.
func Write(path string, content []byte) error {
	w, err := New(path, true)
	if err != nil {
		return err
	}
	defer w.Discard()
	if _, err := w.Write(content); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return w.Keep()
}

// SameFile reports whether path is still the name of the open file.
func SameFile(path string, f *os.File) bool {
	now, err := os.Stat(path)
	if err != nil {
		return false
	}
	is, err := f.Stat()
	return err == nil && os.SameFile(now, is)
}

// ReadThrough copies f a piece at a time and drops from the cache what was read.
func ReadThrough(ctx context.Context, f *os.File, w io.Writer, rest Pace) (all int64, err error) {
	b := make([]byte, piece)
	for ; ; rest.take() {
		if err := ctx.Err(); err != nil {
			return all, err
		}
		n, err := f.Read(b)
		if _, werr := w.Write(b[:n]); werr != nil {
			return all, werr
		}
		forget(f, all, int64(n))
		all += int64(n)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// KeepOwner gives the file the owner and the mode of the one at path.
func KeepOwner(path string, f *os.File) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	is, err := f.Stat()
	if err != nil {
		return err
	}
	was, ok := info.Sys().(*syscall.Stat_t)
	now, same := is.Sys().(*syscall.Stat_t)
	if ok && same && (was.Uid != now.Uid || was.Gid != now.Gid) {
		if err := f.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return fmt.Errorf("give the new file to the store's owner: %w", err)
		}
	}
	return f.Chmod(info.Mode().Perm())
}

// Adopt gives a file that root made to the owner of dir, as whom relay will run.
func Adopt(dir, path string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || owner.Uid == 0 {
		return nil
	}
	if err := os.Lchown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("give %s to the directory's owner: %w", path, err)
	}
	return nil
}
