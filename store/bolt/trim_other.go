//go:build !linux

package bolt

// Trim does nothing here.
func (db *DB) Trim() {}

func (db *DB) keepTrim() {}

// Trim does nothing here.
func (tx *Tx) Trim() {}
