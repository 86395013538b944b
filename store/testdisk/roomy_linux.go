package testdisk

import "golang.org/x/sys/unix"

// roomy reports whether a folder has room, and programs in it may be executed, as some
// tests do.
func roomy(dir string) bool {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return false
	}
	return fs.Flags&unix.ST_NOEXEC == 0 && unix.Access(dir, unix.W_OK) == nil && int64(fs.Bavail)*fs.Bsize >= room
}
