package bolt

import (
	"math"
	"os"
	"path/filepath"
	"syscall"
)

// Room is how many octets new mail may still take: what is free on the disk and in
// the file, without the reserve. It is negative when there is none.
func (f *File) Room() int64 {
	free := f.opt.Free
	if free == nil {
		free = f.diskFree
	}
	return free() + f.freeBytes() - f.opt.Reserve
}

// diskFree is as good as endless where the file system does not say.
func (f *File) diskFree() int64 {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(f.path), &fs); err != nil {
		return math.MaxInt64 / 2
	}
	return int64(fs.Bavail) * int64(fs.Bsize)
}

// freeBytes are the octets of the file's pages that hold nothing.
func (f *File) freeBytes() int64 {
	return int64(f.db.Stats().FreePageN) * int64(os.Getpagesize())
}
