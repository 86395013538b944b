package align

import (
	"context"
	"sync"
	"time"
)

// Domains asks the DNS about a domain. A domain that does not exist is no error.
type Domains interface {
	Standing(ctx context.Context, domain string) (Standing, error)
}

const (
	mostStandings = 10_000
	standingFor   = time.Hour        // an answer is remembered
	failureFor    = 5 * time.Minute  // as is that there was none
	lookTime      = 10 * time.Second // for all questions about a domain
	mostLooks     = 16               // at the same time
)

// standings remembers answers, a bounded number of them. Several who ask about the same
// domain wait for one answer.
type standings struct {
	ask   Domains
	slots chan struct{}

	ctx   context.Context // of the questions; see close
	stop  context.CancelFunc
	looks sync.WaitGroup

	mu    sync.Mutex
	known map[string]*answer
}

type answer struct {
	done     chan struct{} // closed when the rest is there
	standing Standing
	err      error
	expires  time.Time // zero: it is being asked for
}

func newStandings(ask Domains) *standings {
	s := &standings{ask: ask, slots: make(chan struct{}, mostLooks), known: map[string]*answer{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// close ends the questions under way. Further ones find no answer.
func (s *standings) close() {
	s.stop()
	s.looks.Wait()
}

// of returns a domain's standing. After an error of ctx the question goes on, so that the
// next one who asks has an answer.
func (s *standings) of(ctx context.Context, domain string) (Standing, error) {
	s.mu.Lock()
	a := s.known[domain]
	if a == nil || !a.expires.IsZero() && time.Now().After(a.expires) {
		if ctx.Err() != nil { // nobody would wait for it
			s.mu.Unlock()
			return Standing{}, ctx.Err()
		}
		a = &answer{done: make(chan struct{})}
		s.makeRoom()
		s.known[domain] = a
		s.looks.Go(func() { s.look(domain, a) })
	}
	s.mu.Unlock()
	select {
	case <-a.done:
		return a.standing, a.err
	case <-ctx.Done():
		return Standing{}, ctx.Err()
	}
}

// look asks the DNS and wakes those who wait.
func (s *standings) look(domain string, a *answer) {
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	ctx, cancel := context.WithTimeout(s.ctx, lookTime)
	defer cancel()
	standing, err := s.ask.Standing(ctx, domain)
	s.mu.Lock()
	defer s.mu.Unlock()
	a.standing, a.err, a.expires = standing, err, time.Now().Add(standingFor)
	if err != nil {
		a.expires = time.Now().Add(failureFor)
	}
	close(a.done)
}

// makeRoom forgets some answers when there are too many, in the map's order, which is
// none. Questions under way stay.
func (s *standings) makeRoom() {
	if len(s.known) < mostStandings {
		return
	}
	for domain, a := range s.known {
		if !a.expires.IsZero() {
			delete(s.known, domain)
		}
		if len(s.known) <= mostStandings*7/8 {
			return
		}
	}
}
