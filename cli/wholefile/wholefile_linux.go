package wholefile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// sendOut begins to write a part of the file to the disk.
func sendOut(f *os.File, at, n int64) error {
	return syncRange(f, at, n, unix.SYNC_FILE_RANGE_WRITE)
}

// await waits until a part that was sent out is there. An error of the disk is
// told here or by Sync, only once.
func await(f *os.File, at, n int64) error {
	return syncRange(f, at, n, unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER)
}

func syncRange(f *os.File, at, n int64, how int) error {
	if n == 0 { // to the kernel that is everything
		return nil
	}
	err := unix.SyncFileRange(int(f.Fd()), at, n, how)
	if err == nil || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ESPIPE) {
		return nil // where it is not to be had, Sync does it all
	}
	return fmt.Errorf("write %s: %w", f.Name(), err)
}

// forget takes a part that is on the disk, or was only read, out of the cache.
func forget(f *os.File, at, n int64) {
	if n > 0 {
		_ = unix.Fadvise(int(f.Fd()), at, n, unix.FADV_DONTNEED)
	}
}
