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
	mostLooks     = 64               // at the same time
	mostLooksOf   = 4                // of one account, at the same time
)

// standings remembers answers, a bounded number of them. Several who ask about the same
// domain wait for one answer. A question begins when it has its turn, and those who wait for
// a turn do so themselves: nothing piles up behind a slow DNS. An account has few turns, so
// that its slow domains do not keep others from an answer.
type standings struct {
	ask   Domains
	slots chan struct{}

	ctx   context.Context // of the questions; see close
	stop  context.CancelFunc
	looks sync.WaitGroup

	mu    sync.Mutex
	known map[string]*answer
	turns map[string]*turns // by account; those that ask now
}

// turns are an account's.
type turns struct {
	slots chan struct{}
	users int // who have a turn, or wait for one
}

type answer struct {
	done     chan struct{} // closed when the rest is there
	standing Standing
	err      error
	expires  time.Time // zero: it is being asked for
}

func newStandings(ask Domains) *standings {
	s := &standings{ask: ask, slots: make(chan struct{}, mostLooks), known: map[string]*answer{}, turns: map[string]*turns{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// close ends the questions under way. Further ones find no answer.
func (s *standings) close() {
	s.stop()
	s.looks.Wait()
}

// of returns a domain's standing, for an account. After an error of ctx a question under way
// goes on, so that the next one who asks has an answer.
func (s *standings) of(ctx context.Context, account, domain string) (Standing, error) {
	a := s.kept(domain)
	if a == nil {
		leave, err := s.turn(ctx, account)
		if err != nil {
			return Standing{}, err
		}
		var mine bool
		if a, mine = s.begin(domain, leave); !mine {
			leave()
		}
	}
	select {
	case <-a.done:
		return a.standing, a.err
	default:
	}
	select {
	case <-a.done:
		return a.standing, a.err
	case <-ctx.Done():
		return Standing{}, ctx.Err()
	}
}

// kept is the answer that is remembered, or being asked for; nil: there is none.
func (s *standings) kept(domain string) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current(domain)
}

func (s *standings) current(domain string) *answer {
	a := s.known[domain]
	if a != nil && !a.expires.IsZero() && time.Now().After(a.expires) {
		return nil
	}
	return a
}

// turn waits until an account may ask; leave ends its turn.
func (s *standings) turn(ctx context.Context, account string) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	of := s.turns[account]
	if of == nil {
		of = &turns{slots: make(chan struct{}, mostLooksOf)}
		s.turns[account] = of
	}
	of.users++
	s.mu.Unlock()
	if err := take(ctx, of.slots); err != nil {
		s.forget(account, of)
		return nil, err
	}
	if err := take(ctx, s.slots); err != nil {
		<-of.slots
		s.forget(account, of)
		return nil, err
	}
	return func() {
		<-s.slots
		<-of.slots
		s.forget(account, of)
	}, nil
}

func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// forget drops the turns of an account that asks nothing any more.
func (s *standings) forget(account string, of *turns) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of.users--; of.users == 0 {
		delete(s.turns, account)
	}
}

// begin asks about a domain, and calls leave when it has the answer. It is not mine if
// somebody has asked meanwhile.
func (s *standings) begin(domain string, leave func()) (a *answer, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.current(domain); a != nil {
		return a, false
	}
	a = &answer{done: make(chan struct{})}
	s.makeRoom()
	s.known[domain] = a
	s.looks.Go(func() { defer leave(); s.look(domain, a) })
	return a, true
}

// look asks the DNS and wakes those who wait.
func (s *standings) look(domain string, a *answer) {
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
