package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"relay/cli/exit"
	"relay/cli/wholefile"
	"relay/store"
)

// stopFirst is the next step of who wants the store for himself.
const stopFirst = "stop the relay first, and sockets that would start it again: systemctl stop relay 'relay-*.socket'"

// noStore is the failure of what wants one that is there.
func noStore(dir place) error {
	return exit.Fail(exit.Failed, "name the data directory with --data DIR", "there is no store in %s", dir)
}

// claim locks the store that is there as the engine does, so that no relay can
// take it until the lock is closed. It is not opened: a damaged one is what backups
// are for. Where there is none, or an empty file, the directory is locked, as the
// engine does to make one.
func (d place) claim() (lock *os.File, err error) {
	if err := d.noLink(); err != nil {
		return nil, err
	}
	for {
		if d.hasStore() {
			lock, err = d.claimStore()
		} else {
			lock, err = d.claimEmpty()
		}
		if !errors.Is(err, errReplaced) {
			return lock, err
		}
	}
}

// noLink refuses a store that is elsewhere: the file that replaces it would take
// the place of the link, and the store would stay.
func (d place) noLink() error {
	info, err := os.Lstat(d.store())
	if err == nil && info.Mode().Type() == fs.ModeSymlink {
		return exit.Fail(exit.Failed, "name the directory that it points to: --data DIR", "%s is a symbolic link", d.store())
	}
	return nil
}

// errReplaced is a lock on what is the store no more.
var errReplaced = errors.New("the store was replaced")

// hasStore reports whether there is a file that the engine takes for a store.
func (d place) hasStore() bool {
	info, err := os.Lstat(d.store())
	return !errors.Is(err, fs.ErrNotExist) && (err != nil || info.Size() > 0)
}

// isStore reports whether that file is the store.
func (d place) isStore(info fs.FileInfo) bool {
	live, err := os.Stat(d.store())
	return err == nil && os.SameFile(info, live)
}

// claimStore locks the store.
func (d place) claimStore() (*os.File, error) {
	f, err := os.OpenFile(d.store(), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errReplaced
	}
	if err != nil {
		return nil, err
	}
	return lockIf(f, func() bool { return wholefile.SameFile(d.store(), f) })
}

// lockIf locks the open file, and wants something to hold after that. The file is
// closed when it has no lock.
func lockIf(f *os.File, holds func() bool) (*os.File, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = exit.Fail(exit.TryAgain, stopFirst, "%w", store.ErrLocked)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !holds() {
		return nil, errors.Join(errReplaced, f.Close())
	}
	return f, nil
}

// claimEmpty locks the directory, in which there is no store.
func (d place) claimEmpty() (*os.File, error) {
	f, err := os.Open(string(d))
	if err != nil {
		return nil, err
	}
	return lockIf(f, func() bool { return !d.hasStore() })
}

// install gives the file at path the store's name, for who has the store's lock. A
// relay that comes in this moment gets it when the name lasts, and not before: what
// it accepted would be in a file that a power cut takes the name from.
func (d place) install(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(path, d.store()); err != nil {
		return err
	}
	return wholefile.SyncDir(string(d))
}

// Files in the data directory on the way to become the store, less what stands
// behind the next dot.
const (
	unfinishedRestore    = "relay.db.restore"
	unfinishedCompaction = "relay.db.compact"
)

// removeUnfinished removes what a restore or a compaction left that was killed. The
// caller has the store's lock, so none is at work.
func (d place) removeUnfinished() {
	list, err := os.ReadDir(string(d))
	if err != nil {
		return // whoever works there will say so
	}
	for _, e := range list {
		for _, base := range []string{unfinishedRestore, unfinishedCompaction} {
			if strings.HasPrefix(strings.TrimPrefix(e.Name(), "."), base+".") && e.Type().IsRegular() {
				_ = os.Remove(filepath.Join(string(d), e.Name()))
			}
		}
	}
}
