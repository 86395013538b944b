// Package place is the data directory: where it is, what it holds, and how a command
// gets its store alone.
//
//  1. Flags find the configuration and, by it, the directory.
//  2. Claim locks the store, so that no relay starts.
//  3. Install gives a file the store's name.
//
// A crash before 3 leaves the store as it was, and a file that RemoveUnfinished removes.
// A crash after 3 leaves the new store.
package place

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"relay/cli/exit"
	"relay/cli/wholefile"
	"relay/store/bolt"
)

// System is the data directory of root's relay.
const System = "/var/lib/relay"

// Dir is a data directory.
type Dir string

// Store is the file of the store.
func (d Dir) Store() string { return filepath.Join(string(d), "relay.db") }

// Numbers is the file with the highest number of an invoice.
func (d Dir) Numbers() string { return filepath.Join(string(d), "relay.invoices") }

// Socket is the control socket of the relay that runs there.
func (d Dir) Socket() string { return filepath.Join(string(d), "relay.sock") }

// TLS is a file of the relay's own certificate; TLS("") is the folder of these files.
func (d Dir) TLS(name string) string { return filepath.Join(string(d), "tls", name) }

// DKIM is the folder of the host's own keys.
func (d Dir) DKIM() string { return filepath.Join(string(d), "dkim") }

// Make creates the directory, for its owner only.
func (d Dir) Make() error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return exit.Fail(exit.Failed, "name another one with --data DIR, or run as the user that owns it", "data directory: %w", err)
	}
	return nil
}

// Adopt gives a file that root made to the directory's owner, because the relay runs as
// that user.
func (d Dir) Adopt(path string) error { return wholefile.Adopt(string(d), path) }

// IsNew reports whether there is no store yet.
func (d Dir) IsNew() bool {
	_, err := os.Lstat(d.Store())
	return errors.Is(err, fs.ErrNotExist)
}

// NoStore is the error of a command that needs a store where there is none.
func (d Dir) NoStore() error {
	return exit.Fail(exit.Failed, "name the data directory with --data DIR", "there is no store in %s", d)
}

// HasStore reports whether there is a file that the engine takes for a store.
func (d Dir) HasStore() bool { return bolt.Exists(d.Store()) }

// IsStore reports whether that file is the store.
func (d Dir) IsStore(info fs.FileInfo) bool {
	live, err := os.Stat(d.Store())
	return err == nil && os.SameFile(info, live)
}

// NoLink refuses a store that is a symbolic link: a file that takes its name would
// replace the link and leave the store where it is.
func (d Dir) NoLink() error {
	info, err := os.Lstat(d.Store())
	if err == nil && info.Mode().Type() == fs.ModeSymlink {
		return exit.Fail(exit.Failed, "name the directory that it points to: --data DIR", "%s is a symbolic link", d.Store())
	}
	return nil
}
