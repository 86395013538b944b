// Package walk sees to messages whose time has come although nobody tries them, because their
// site is down: it sends delay DSNs, and gives messages up when they expire.
//
//  1. sweep: messages pass their milestones in the order of acceptance, so a cursor at each of
//     them is enough. What a cursor has missed (held, in flight, accepted while relay was down,
//     or with a life of its own) the patrol finds, which goes slowly through the whole spool
//     once an hour;
//  2. take up: the schedule leaves out what is in flight, and what will be tried soon;
//  3. settle: marks and outcomes of a message, with the DSNs about them, in one transaction.
//
// A crash between 1 and 3 loses nothing: the patrol of the next start finds these messages. The
// walk also sends the DSNs whose minute is over, and does what the store has left to be done
// for accounts.
package walk

import (
	"context"
	"sync/atomic"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/settings"
	"relay/store/spool"
	"relay/store/spooled"
)

const (
	step   = 10 * time.Second       // between looks at the milestones
	rush   = 100 * time.Millisecond // between batches while there are more
	batch  = 200
	patrol = time.Hour // between two patrols
)

// Walk goes through the spool in order of acceptance.
type Walk struct {
	spool *spool.Spool
	cfg   *atomic.Pointer[settings.Config]
	out   *attempt.Sender
	owner Owner
}

// Owner is the schedule, which knows what is in flight.
type Owner struct {
	TakeUp func(due []Passing) []Passing // those that the walk may settle, with Why; nobody else takes them up
	Done   func(mine []Passing)          // these are settled
}

// New prepares a walk; Run starts it.
func New(sp *spool.Spool, cfg *atomic.Pointer[settings.Config], out *attempt.Sender, owner Owner) *Walk {
	return &Walk{spool: sp, cfg: cfg, out: out, owner: owner}
}

func (w *Walk) config() *settings.Config { return w.cfg.Load() }

// cursor is how far the walk has come at one milestone.
type cursor struct {
	age   func(*settings.Config) time.Duration // of the messages there; 0: the patrol
	after spooled.ID
	from  time.Time // not before
}

// Run walks until ctx is done.
func (w *Walk) Run(ctx context.Context) {
	now := w.spool.Past()
	cursors := []*cursor{{age: func(*settings.Config) time.Duration { return 0 }}}
	for _, age := range []func(*settings.Config) time.Duration{
		func(c *settings.Config) time.Duration { return c.DelayAfter },
		func(c *settings.Config) time.Duration { return c.NoticeExpire },
		func(c *settings.Config) time.Duration { return c.Expire },
	} {
		cursors = append(cursors, &cursor{age: age, after: spooled.FirstID(now.Add(-age(w.config())))})
	}
	timer := time.NewTimer(rush)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wait := step
		if chores := w.doChores(); w.sendDSNs() || chores {
			wait = rush
		}
		for _, c := range cursors {
			if w.advance(c) {
				wait = rush
			}
		}
		timer.Reset(max(rush, w.config().Lasts(wait)))
	}
}

// advance takes a cursor one batch further and reports whether there is more.
func (w *Walk) advance(c *cursor) bool {
	now := w.spool.Past() // a clock that is months ahead gives no mail up
	if now.Before(c.from) {
		return false
	}
	age := c.age(w.config())
	list, err := w.spool.Sweep(c.after, now.Add(-age), batch)
	if err != nil {
		w.out.StoreFails("sweep", err)
		return false
	}
	w.out.StoreWorks("sweep")
	w.pass(list, now)
	if n := len(list); n > 0 {
		c.after = list[n-1].ID
	}
	if len(list) == batch {
		return true
	}
	if age == 0 {
		c.after, c.from = spooled.ID{}, now.Add(patrol)
	}
	return false
}

// sendDSNs sends those that are due, and reports whether there may be more.
func (w *Walk) sendDSNs() bool {
	sent, more, err := w.spool.SendDSNs()
	if err != nil {
		w.out.StoreFails("DSNs", err)
		return false
	}
	w.out.StoreWorks("DSNs")
	w.spool.LogDSNs(sent...)
	return more
}

// doChores does what the store has left to be done for accounts, and reports whether there
// is more.
func (w *Walk) doChores() bool {
	more, err := w.spool.Chores.Do()
	if err != nil {
		w.out.StoreFails("chores", err)
		return false
	}
	w.out.StoreWorks("chores")
	return more
}
