package bolt

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Mapped pages of the file count as this process's memory although they are
// the kernel's cache, and bbolt never gives one back. More than so many octets
// of them are let go; a page that is wanted again comes from the cache.
const residentLimit = 48 << 20

// Trim lets go of the mapped pages. Readers may run meanwhile.
func (db *DB) Trim() {
	_ = db.View(func(tx *Tx) error { tx.Trim(); return nil })
}

// Trim is DB.Trim from within a transaction, which holds the lock on the map.
// An advice that is refused leaves everything as it was.
func (tx *Tx) Trim() {
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, tx.db.db.Info().Data, uintptr(tx.tx.Size()), unix.MADV_DONTNEED)
}

// keepTrim is called by the writer after a commit and looks once a second.
func (db *DB) keepTrim() {
	if now := time.Now(); now.Sub(db.trimmed) > time.Second {
		db.trimmed = now
		if resident() > residentLimit {
			db.Trim()
		}
	}
}

// resident are the octets of file pages mapped into this process: the third
// field of statm (proc(5)).
func resident() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := bytes.Fields(b)
	if len(f) < 3 {
		return 0
	}
	n, _ := strconv.ParseInt(string(f[2]), 10, 64)
	return n * int64(os.Getpagesize())
}
