package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"relay/store/engine"
	"relay/store/syncdir"
)

// Claim is the lock of a file that nobody has open, or of the folder in which there is none
// yet.
type Claim struct{ file *os.File }

// errReplaced is the error of a lock on a file that is no longer the store.
var errReplaced = errors.New("the store was replaced")

// Take locks the file at path as Open does, so that nobody can open it until the Claim is
// closed. The file is not read, because a damaged one may be replaced too. Without a file, or
// with an empty one, the folder is locked, as Open does to make one. It fails with
// engine.ErrLocked when another has it.
func Take(path string) (*Claim, error) {
	for {
		take := takeFolder
		if Exists(path) {
			take = takeFile
		}
		if c, err := take(path); !errors.Is(err, errReplaced) {
			return c, err
		}
	}
}

// Exists reports whether there is a file that Open does not put a new one in place of.
func Exists(path string) bool {
	info, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist) && (err != nil || info.Size() > 0)
}

func takeFile(path string) (*Claim, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errReplaced
	}
	if err != nil {
		return nil, err
	}
	return takeIf(f, func() bool { is, _ := named(path, f); return is })
}

// takeFolder locks the folder, in which there is no file.
func takeFolder(path string) (*Claim, error) {
	f, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return takeIf(f, func() bool { return !Exists(path) })
}

// takeIf locks the open file, and then asks whether holds is still true. Without the lock
// the file is closed.
func takeIf(f *os.File, holds func() bool) (*Claim, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = engine.ErrLocked
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !holds() {
		return nil, errors.Join(errReplaced, f.Close())
	}
	return &Claim{f}, nil
}

// Share lets others open the file to be read. Nobody can open it for writing until the Claim
// is closed.
func (c *Claim) Share() error {
	if err := unix.Flock(int(c.file.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		return engine.ErrLocked
	}
	return nil
}

// Close lets others open the file.
func (c *Claim) Close() error { return c.file.Close() }

// Install gives the file at fresh the name path, which the caller has claimed or open. The
// new file is locked until its name is on disk: a process that opened it earlier could write
// into a file that a power cut leaves without its name.
func Install(fresh, path string) error {
	f, err := os.OpenFile(fresh, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("lock %s: %w", fresh, err)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncdir.Sync(filepath.Dir(path))
}
