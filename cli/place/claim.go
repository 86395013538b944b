package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"relay/cli/exit"
	"relay/store"
	"relay/store/bolt"
)

// StopFirst is the hint for a command that needs the store alone.
const StopFirst = "stop the relay first, and sockets that would start it again: systemctl stop relay 'relay-*.socket'"

// Claim locks the store, so that no relay can take it until the lock is closed. The store is
// not opened, because backups replace damaged ones too.
func (d Dir) Claim() (*bolt.Claim, error) {
	if err := d.NoLink(); err != nil {
		return nil, err
	}
	lock, err := bolt.Take(d.Store())
	if errors.Is(err, store.ErrLocked) {
		return nil, Held()
	}
	return lock, err
}

// Held is the error of a command that needs the store alone while another process has it.
func Held() error { return exit.Fail(exit.TryAgain, StopFirst, "%w", store.ErrLocked) }

// Install gives the file at path the store's name. The caller has the store's lock.
func (d Dir) Install(path string) error { return bolt.Install(path, d.Store()) }

// SetAside gives the present store a second name, which it keeps.
func (d Dir) SetAside(now time.Time) (name string, err error) {
	for n := 1; ; n++ {
		name = d.Store() + now.Format(".before-restore-20060102-150405")
		if n > 1 {
			name = fmt.Sprint(name, "-", n)
		}
		if err = os.Link(d.Store(), name); !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}

// Names of files in the data directory that are to become the store, up to the next dot.
const (
	UnfinishedRestore    = "relay.db.restore"
	UnfinishedCompaction = "relay.db.compact"
)

// RemoveUnfinished removes the files of restores and compactions that were killed. The
// caller has the store's lock, so none is at work.
func (d Dir) RemoveUnfinished() {
	list, err := os.ReadDir(string(d))
	if err != nil {
		return // the caller's own work there will fail and say so
	}
	for _, e := range list {
		for _, base := range []string{UnfinishedRestore, UnfinishedCompaction} {
			if strings.HasPrefix(strings.TrimPrefix(e.Name(), "."), base+".") && e.Type().IsRegular() {
				_ = os.Remove(filepath.Join(string(d), e.Name()))
			}
		}
	}
}
