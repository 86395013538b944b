//go:build !linux

package kernel

import (
	"errors"
	"os"
)

var errNotHere = errors.New("not known on this system")

// SyncData puts on disk what was written to f.
func SyncData(f *os.File) error { return f.Sync() }

// ReadClock does not know whether a time server keeps the clock.
func ReadClock() (ClockState, error) { return ClockState{}, errNotHere }

// FileLimit is not known.
func FileLimit(int) (uint64, error) { return 0, errNotHere }

// PortUsers are not known.
func PortUsers(string) []Process { return nil }
