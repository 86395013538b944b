package spooled

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// IDs makes IDs that grow, also within one millisecond and when the clock
// is set back. The zero value is ready for use.
type IDs struct {
	Entropy *ulid.MonotonicEntropy // nil: the system's

	mu   sync.Mutex
	last uint64
}

// Next is an ID of that time, or the one after the last ID where that is later.
func (s *IDs) Next(now time.Time) ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Entropy == nil {
		s.Entropy = ulid.Monotonic(rand.Reader, 0)
	}
	s.last = max(s.last, ulid.Timestamp(now))
	id, err := ulid.New(s.last, s.Entropy)
	if err != nil { // 2^80 IDs in this millisecond: take the next one
		s.last++
		id = ulid.MustNew(s.last, s.Entropy)
	}
	return id
}
