package place

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
	"relay/cli/wholefile"
	"relay/store"
)

// StopFirst is the hint for a command that needs the store alone.
const StopFirst = "stop the relay first, and sockets that would start it again: systemctl stop relay 'relay-*.socket'"

// errReplaced is the error of a lock on a file that is no longer the store.
var errReplaced = errors.New("the store was replaced")

// Claim locks the store as the engine does, so that no relay can take it until the lock
// is closed. The store is not opened, because backups replace damaged ones too. Without
// a store, or with an empty file, the directory is locked, as the engine does to make
// one.
func (d Dir) Claim() (lock *os.File, err error) {
	if err := d.NoLink(); err != nil {
		return nil, err
	}
	for {
		if d.HasStore() {
			lock, err = d.claimStore()
		} else {
			lock, err = d.claimEmpty()
		}
		if !errors.Is(err, errReplaced) {
			return lock, err
		}
	}
}

// claimStore locks the store.
func (d Dir) claimStore() (*os.File, error) {
	f, err := os.OpenFile(d.Store(), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errReplaced
	}
	if err != nil {
		return nil, err
	}
	return lockIf(f, func() bool { return wholefile.SameFile(d.Store(), f) })
}

// claimEmpty locks the directory, in which there is no store.
func (d Dir) claimEmpty() (*os.File, error) {
	f, err := os.Open(string(d))
	if err != nil {
		return nil, err
	}
	return lockIf(f, func() bool { return !d.HasStore() })
}

// lockIf locks the open file, and then asks whether holds is still true. Without the lock
// the file is closed.
func lockIf(f *os.File, holds func() bool) (*os.File, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = exit.Fail(exit.TryAgain, StopFirst, "%w", store.ErrLocked)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !holds() {
		return nil, errors.Join(errReplaced, f.Close())
	}
	return f, nil
}

// Install gives the file at path the store's name. The caller has the store's lock. The
// new file is locked until its name is on disk: a relay that opened it earlier could
// accept mail into a file that a power cut leaves without its name.
func (d Dir) Install(path string) error {
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
	if err := os.Rename(path, d.Store()); err != nil {
		return err
	}
	return wholefile.SyncDir(string(d))
}

// SetAside gives the present store a second name, which it keeps.
func (d Dir) SetAside(now time.Time) (name string, err error) {
	for n := 1; ; n++ {
		name = d.Store() + now.Format(".before-restore-20060102-150405")
		if n > 1 {
			name = fmt.Sprint(name, "-", n)
		}
		if err = os.Link(d.Store(), name); !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}

// Names of files in the data directory that are to become the store, up to the next dot.
const (
	UnfinishedRestore    = "relay.db.restore"
	UnfinishedCompaction = "relay.db.compact"
)

// RemoveUnfinished removes the files of restores and compactions that were killed. The
// caller has the store's lock, so none is at work.
func (d Dir) RemoveUnfinished() {
	list, err := os.ReadDir(string(d))
	if err != nil {
		return // the caller's own work there will fail and say so
	}
	for _, e := range list {
		for _, base := range []string{UnfinishedRestore, UnfinishedCompaction} {
			if strings.HasPrefix(strings.TrimPrefix(e.Name(), "."), base+".") && e.Type().IsRegular() {
				_ = os.Remove(filepath.Join(string(d), e.Name()))
			}
		}
	}
}
