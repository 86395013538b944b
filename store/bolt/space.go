package bolt

import (
	"math"
	"os"
	"path/filepath"
	"syscall"
)

// room is how many octets new mail may still take: what is free on the disk and in
// the file, without the reserve. It is negative when there is none.
func (db *DB) room() int64 {
	free := db.opt.Free
	if free == nil {
		free = db.diskFree
	}
	return free() + db.freeBytes() - db.opt.Reserve
}

// diskFree is as good as endless where the file system does not say.
func (db *DB) diskFree() int64 {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(db.path), &fs); err != nil {
		return math.MaxInt64 / 2
	}
	return int64(fs.Bavail) * int64(fs.Bsize)
}

// freeBytes are the octets of the file's pages that hold nothing.
func (db *DB) freeBytes() int64 {
	return int64(db.db.Stats().FreePageN) * int64(os.Getpagesize())
}
