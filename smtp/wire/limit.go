package wire

import (
	"math"
	"time"
)

// Limit puts the default in place of zero and a very large number in place of a
// negative one.
func Limit[T int | int64 | time.Duration](v *T, def T) {
	switch {
	case *v == 0:
		*v = def
	case *v < 0:
		*v = T(NoLimit)
	}
}

// NoLimit is that large number; it may be added to and multiplied a little.
const NoLimit = math.MaxInt >> 3
