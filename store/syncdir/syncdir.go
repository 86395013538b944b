// Package syncdir puts the names in a folder on disk, where its file system can: a new name
// lasts through a power cut only after that.
package syncdir

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Sync puts the names in dir on disk.
func Sync(dir string) error {
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
