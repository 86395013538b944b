package mailer

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Pool is how the connections to next hops are used at a moment.
type Pool struct {
	Limit   int       // Config.Connections
	Used    int       // open, or being made; with those that wait for a message
	Held    []Holding // by accounts, the most first
	Waiting []string  // accounts with mail for which only a connection is missing, sorted
}

// Holding is what an account has of the connections.
type Holding struct {
	Account     string // "": relay's own mail
	Connections int
	Oldest      time.Duration // how long the first of its attempts has lasted
}

// Pool says how the connections are used. It fails when the schedule does not answer
// before ctx ends.
func (m *Mailer) Pool(ctx context.Context) (p Pool, err error) {
	err = m.ask(ctx, func(s *schedule) { p = s.pool() })
	return p, err
}

func (s *schedule) pool() Pool {
	now := s.m.store.Now()
	p := Pool{Limit: s.m.config().Connections, Used: s.conns, Held: []Holding{}, Waiting: []string{}}
	held := map[string]*Holding{}
	for w := range s.team {
		if w.job == nil {
			continue
		}
		h := held[w.job.message.Account]
		if h == nil {
			h = &Holding{Account: w.job.message.Account}
			held[h.Account] = h
		}
		h.Connections++
		h.Oldest = max(h.Oldest, time.Since(w.since))
	}
	for _, h := range held {
		p.Held = append(p.Held, *h)
	}
	slices.SortFunc(p.Held, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(b.Connections, a.Connections), cmp.Compare(a.Account, b.Account))
	})
	for account := range s.waiting.items {
		if s.waits(account, now) {
			p.Waiting = append(p.Waiting, account)
		}
	}
	slices.Sort(p.Waiting)
	return p
}
