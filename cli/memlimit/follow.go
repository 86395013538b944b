package memlimit

import (
	"io/fs"
	"runtime/debug"
)

// Follow has Go's collector keep below the limit that holds for the process, with a
// tenth of it left for what Go does not count, such as mapped pages. It returns that
// limit; 0: there is none.
func Follow(root fs.FS) int64 {
	limit, ok := Of(root)
	if !ok {
		return 0
	}
	debug.SetMemoryLimit(limit / 10 * 9)
	return limit
}

// Most and least octets that mail may take in memory while it comes in.
const (
	mostBodies  = 128 << 20
	leastBodies = 16 << 20
)

// Bodies is how much of a limit mail may take in memory while it comes in; without
// a limit it is the most.
func Bodies(limit int64) int64 {
	if limit == 0 {
		return mostBodies
	}
	return min(max(limit/8, leastBodies), mostBodies)
}
