package mailer

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Pool is how the connections to next hops are used at a moment.
type Pool struct {
	Limit   int       `json:"limit"`   // Config.Connections
	Used    int       `json:"used"`    // open, or being made; with those that wait for a message
	Busy    bool      `json:"busy"`    // an account waits because there is none for it
	Held    []Holding `json:"held"`    // by accounts, the most first
	Waiting []string  `json:"waiting"` // accounts that wait because there is none for them, sorted
}

// Holding is what an account has of the connections.
type Holding struct {
	Account     string        `json:"account"` // "": relay's own mail
	Connections int           `json:"connections"`
	Oldest      time.Duration `json:"oldest"` // how long the first of its attempts has lasted
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
	p.Busy = len(p.Waiting) > 0
	return p
}
