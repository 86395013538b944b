package bodies

import (
	"errors"
	"sync"
	"sync/atomic"

	"relay/store/room"
)

// What is staged is on disk before it is charged to anybody. Four things bound it:
//
//  1. Sender.Ask refuses content that the allowance has no room for, as it grows.
//  2. The staged octets of an account have a cap: ErrStaged.
//  3. Below Options.Shared octets of free disk, an account may have as much in the queue and staged as is
//     left free: ErrShare. So the account that has most is refused first, and the others go on.
//  4. Below the engine's reserve nobody's mail is taken: engine.ErrFull.
//
// Staged octets of a body that was given up count until they are removed. The counts are in memory: after
// a crash nothing is staged.

// Errors of a body and of ShareAlike. Both are temporary: nothing was stored or charged.
var (
	ErrStaged = errors.New("too much mail of the account is coming in at once")
	ErrShare  = errors.New("the disk is nearly full, and the account has most in the queue")
)

// Sender is the account whose content a body collects, and its bounds. The zero value is relay itself,
// which only the disk bounds.
type Sender struct {
	Account string
	Service bool         // the account asks for a signature of the operator's domain
	Staged  int64        // octets of the account that may be staged at the same time; 0: any number
	Ask     func() error // asked before more is staged, refuses content that may not grow further; nil: it may
}

func (f *Sender) ask() error {
	if f.Ask == nil {
		return nil
	}
	return f.Ask()
}

// staging counts the staged octets of each account.
type staging struct {
	mu sync.Mutex
	of map[string]int64
}

// take counts n octets more, unless they would be more than most.
func (s *staging) take(account string, n, most int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if most > 0 && s.of[account]+n > most {
		return false
	}
	if s.of == nil {
		s.of = make(map[string]int64)
	}
	s.of[account] += n
	return true
}

// give takes back n octets, which were accepted or removed.
func (s *staging) give(account string, n int64) {
	if n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[account] -= n; s.of[account] <= 0 {
		delete(s.of, account)
	}
}

func (s *staging) octets(account string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[account]
}

// ShareAlike refuses more octets of an account with ErrShare where the disk has little room left and the
// account would hold more than that room.
func (s *Bodies) ShareAlike(t *room.Tx, account string, more int64) error {
	left := t.Room()
	if left >= s.o.Shared || account == "" {
		return nil
	}
	held, err := s.o.Held(t, account)
	if err == nil && held+s.staged.octets(account)+more > left {
		err = ErrShare
	}
	return err
}

// memory counts the octets of all bodies in memory, by chunks.
type memory struct {
	used atomic.Int64
	most int64
}

func (m *memory) full() bool { return m.used.Load() >= m.most }
