package wire

import (
	"io"
	"time"
)

// Skip reads and drops a chunk of n octets. It fails for chunks far above most.
func (s *Stream) Skip(n, most int64, wait time.Duration) error {
	if n > most+LingerOctets {
		return io.ErrUnexpectedEOF
	}
	var waste [4 << 10]byte
	for n > 0 {
		m, err := s.Content(waste[:min(n, int64(len(waste)))], wait)
		if n -= int64(m); err != nil && n > 0 {
			return err
		}
	}
	return nil
}
