package logline

import (
	"io"
	"os"
	"strconv"
	"syscall"
)

// IsJournal reports whether w is the stream that the variable JOURNAL_STREAM names
// by device and inode: then what is written goes into the journal. A service that
// was started by another one inherits the variable, but not the stream.
func IsJournal(w io.Writer, variable string) bool {
	f, ok := w.(*os.File)
	if !ok || variable == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && variable == strconv.FormatUint(uint64(st.Dev), 10)+":"+strconv.FormatUint(st.Ino, 10)
}
