package bolt

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// Mapped pages of the file count as this process's memory although they are
// the kernel's cache, and bbolt never gives one back. More than so many octets
// of them are let go; a page that is wanted again comes from the cache.
const residentLimit = 48 << 20

// Trim lets go of the mapped pages. Readers may run meanwhile.
func (f *File) Trim() {
	_ = f.db.View(func(tx *bbolt.Tx) error { f.txn(tx).Trim(); return nil })
}

// Trim is that of the File from within a transaction, which holds the lock on the map: a
// second one might wait for a writer that waits for the first. An advice that is refused
// leaves everything as it was.
func (t *txn) Trim() {
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, t.f.db.Info().Data, uintptr(t.tx.Size()), unix.MADV_DONTNEED)
}

// Rest looks once a second whether too many pages are mapped.
func (f *File) Rest() {
	if now := time.Now(); now.Sub(f.trimmed) > time.Second {
		f.trimmed = now
		if resident() > residentLimit {
			f.Trim()
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
