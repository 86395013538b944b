package smtp

import (
	"sync"
	"time"
)

// rates bounds what an account hands over in a minute. What may be sent at once
// is a minute's share; it comes back evenly over the minute, so that an account
// that goes on at the rate is never refused.
type rates struct {
	mu    sync.Mutex
	of    map[string]*share
	prune int // so many accounts are looked through for what is over
}

// share of an account: when all of what it has taken will have come back.
type share struct{ messages, recipients time.Time }

const sharesKept = 1000 // accounts that are remembered without a look at what is over

func newRates() *rates { return &rates{of: make(map[string]*share), prune: sharesKept} }

// taken is what a message holds of its account's rates until it is accepted.
type taken struct {
	account              string
	messages, recipients hold
}

// hold is a part of a share, as the time that it takes to come back.
type hold struct {
	of    time.Duration
	until time.Time // by when it has come back by itself
}

// left is what has not come back yet.
func (h hold) left(now time.Time) time.Duration { return max(0, min(h.of, h.until.Sub(now))) }

// message takes one for the account and returns zero, or how long to wait for one.
func (r *rates) message(t *taken, limit int) time.Duration {
	return r.take(t.account, limit, &t.messages, func(s *share) *time.Time { return &s.messages })
}

// recipient is message for recipients.
func (r *rates) recipient(t *taken, limit int) time.Duration {
	return r.take(t.account, limit, &t.recipients, func(s *share) *time.Time { return &s.recipients })
}

func (r *rates) take(account string, limit int, h *hold, of func(*share) *time.Time) time.Duration {
	if limit <= 0 {
		return 0
	}
	now, step := time.Now(), time.Minute/time.Duration(limit)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.of[account]
	if s == nil {
		r.makeRoom(now)
		s = &share{}
		r.of[account] = s
	}
	back := of(s)
	if back.Before(now) {
		*back = now
	}
	if wait := back.Add(step).Sub(now) - time.Minute; wait > 0 {
		return wait
	}
	*back = back.Add(step)
	h.of, h.until = h.left(now)+step, *back
	return 0
}

// giveBack returns what was taken for a message that was not accepted, but for
// what has come back by itself: open messages must not save up for a burst.
func (r *rates) giveBack(t *taken) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.of[t.account]; s != nil {
		s.messages = s.messages.Add(-t.messages.left(now))
		s.recipients = s.recipients.Add(-t.recipients.left(now))
	}
	*t = taken{}
}

// makeRoom forgets accounts that have everything back, when there are twice as
// many as the last time.
func (r *rates) makeRoom(now time.Time) {
	if len(r.of) < r.prune {
		return
	}
	for account, s := range r.of {
		if !s.messages.After(now) && !s.recipients.After(now) {
			delete(r.of, account)
		}
	}
	r.prune = max(sharesKept, 2*len(r.of))
}

// takeMessage has the account send a message more in this minute.
func (s *session) takeMessage(account string) error {
	limit := s.c.cfg.MessagesPerMinute
	s.giveBack() // of a message that was never ended
	s.taken.account = account
	if wait := s.c.srv.rates.message(&s.taken, limit); wait > 0 {
		return s.tooFast(account, limit, "messages", wait)
	}
	return nil
}

// takeRecipient has it send to one more.
func (s *session) takeRecipient() error {
	limit := s.c.cfg.RecipientsPerMinute
	if wait := s.c.srv.rates.recipient(&s.taken, limit); wait > 0 {
		return s.tooFast(s.taken.account, limit, "recipients", wait)
	}
	return nil
}

func (s *session) tooFast(account string, limit int, what string, wait time.Duration) *reply {
	r := errTooFast.With("%s: more than %d %s a minute: try again in %d s", account, limit, what, int((wait+time.Second-1)/time.Second))
	s.c.srv.events.tooFast(s.c, account, s.stage(), r)
	return r
}

// giveBack is for a message that is not accepted.
func (s *session) giveBack() {
	if s.taken.account != "" {
		s.c.srv.rates.giveBack(&s.taken)
	}
}
