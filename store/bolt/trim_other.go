//go:build !linux

package bolt

// Trim does nothing here.
func (f *File) Trim() {}

// Rest does nothing here.
func (f *File) Rest() {}

// Trim does nothing here.
func (t *txn) Trim() {}
