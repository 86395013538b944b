package quota

import "time"

// Period is one stretch of allowance. Usage is stored under its key.
type Period struct {
	Key   string    // "2026-11" for a calendar month, "2026-11-23" for 30 days from that day
	Start time.Time // UTC, included; of a contract's first period the contract's
	End   time.Time // UTC, excluded
	Last  bool      // the term ends with this period
}
