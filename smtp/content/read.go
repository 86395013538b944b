package content

import (
	"os"
	"time"

	"relay/smtp/wire"
)

// ReadDots reads the content of DATA from s up to its final dot, and waits at most so long
// for each piece. Octets beyond the dot are put back. A client that does not stop has its
// connection ended with the content's fault.
func (p *Pass) ReadDots(s *wire.Stream, wait time.Duration) error {
	for done := false; !done; {
		n, err := s.Content(p.Space(), p.patience(wait))
		if n > 0 {
			done = p.Filled(n)
		}
		if err != nil && !done {
			return err
		}
		if p.Size > 2*p.Max+wire.LingerOctets {
			s.Dead = true
			return p.Fault
		}
	}
	s.Unread(p.Rest())
	return nil
}

// patience is the longest wait for the next octets. It is short for a message that is refused
// already: perhaps the end that the client wrote is the fault, and no other end comes.
func (p *Pass) patience(wait time.Duration) time.Duration {
	if p.Fault != nil {
		return min(wire.FaultTime, wait)
	}
	return wait
}

// ReadChunk reads a chunk of exactly n octets from s: fewer are not a message (RFC 3030 §2).
func (p *Pass) ReadChunk(s *wire.Stream, n int64, wait time.Duration) error {
	if p.Size+n > p.Max {
		p.Refuse(wire.ErrTooLarge)
		if n > p.Max+wire.LingerOctets {
			return os.ErrDeadlineExceeded // as if it never came
		}
	}
	for n > 0 {
		b := p.Space()
		if int64(len(b)) > n {
			b = b[:n]
		}
		m, err := s.Content(b, p.patience(wait))
		p.Filled(m)
		if n -= int64(m); err != nil && n > 0 {
			return err
		}
	}
	return nil
}
