package bolt

import (
	"os"
	"path/filepath"
	"syscall"
)

// full reports whether new mail has no room: the disk is below the reserve,
// and the file has no reserve of its own either.
func (db *DB) full() bool {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(db.path), &fs); err != nil {
		return false
	}
	free := int64(fs.Bavail) * int64(fs.Bsize)
	return free < db.opt.Reserve && free+db.freeBytes() < db.opt.Reserve
}

// freeBytes are the octets of the file's pages that hold nothing.
func (db *DB) freeBytes() int64 {
	return int64(db.db.Stats().FreePageN) * int64(os.Getpagesize())
}
