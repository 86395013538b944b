// Package highwater keeps the highest number that was given out, in a small file of its
// own: where the store is lost, or a copy takes its place, no number is given out again.
//
// Raise returns when the number is on disk. The file is written in place: its one line is
// far shorter than a sector of a disk, so that a crash leaves the old line or the new one.
package highwater

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"relay/store/syncdir"
)

// ErrDamaged is a file that does not hold a number. What it held is nowhere else where
// the store is lost too, so that a person has to say it.
var ErrDamaged = errors.New("does not hold a number twice")

// line holds the number twice, so that a damaged one is noticed.
const line = "%020d %020d\n"

// Read the number at path; 0: there is no file yet.
func Read(path string) (uint64, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var n, again uint64
	if _, err := fmt.Sscanf(string(text), line, &n, &again); err != nil || n != again {
		return 0, fmt.Errorf("%s %w: %.60q", path, ErrDamaged, text)
	}
	return n, nil
}

// Raise writes n at path, where that is higher than what is there. The file belongs to
// the owner of the file at like or, if the store is no file, of the folder that like is in.
func Raise(path, like string, n uint64) error {
	was, err := Read(path)
	if err != nil || n <= was {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(fmt.Appendf(nil, line, n, n), 0)
	err = errors.Join(err, own(f, like), f.Sync(), f.Close())
	if err == nil && was == 0 {
		err = syncdir.Sync(filepath.Dir(path))
	}
	return err
}

// own gives a file that root made to the owner of another one.
func own(f *os.File, like string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(like)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(like))
	}
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
		return f.Chown(int(owner.Uid), int(owner.Gid))
	}
	return nil
}

// Writable fails where Raise would for the file itself: one that is damaged, or that
// may not be written.
func Writable(path string) error {
	if _, err := Read(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // Raise makes it
	}
	if err != nil {
		return err
	}
	return f.Close()
}
