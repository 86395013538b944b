package mailer

import (
	"context"
	"time"

	"relay/mailer/dsn"
	"relay/mailer/verdict"
	"relay/store"
)

// The walk sees to messages whose time has come although nobody tries them,
// their site being down: it sends delay DSNs, and gives them up when they
// expire. Messages pass their milestones in the order of acceptance, so a cursor
// at each is enough; what a cursor has missed (held, in flight, accepted while
// relay was down, or with a life of its own) the patrol finds, which goes
// through the whole spool, slowly, now and then. It also sends the DSNs whose
// minute is over.
const (
	walkStep   = 10 * time.Second       // between looks at the milestones
	walkRush   = 100 * time.Millisecond // between batches while there are more
	walkBatch  = 200
	walkPatrol = time.Hour // between two patrols
)

// cursor is how far the walk has come at one milestone.
type cursor struct {
	age   func(*Config) time.Duration // of the messages there; 0: the patrol
	after store.ID
	from  time.Time // not before
}

// walk runs until ctx is done.
func (m *Mailer) walk(ctx context.Context, s *schedule) {
	now := m.store.Past()
	cursors := []*cursor{{age: func(*Config) time.Duration { return 0 }}}
	for _, age := range []func(*Config) time.Duration{
		func(c *Config) time.Duration { return c.DelayAfter },
		func(c *Config) time.Duration { return c.NoticeExpire },
		func(c *Config) time.Duration { return c.Expire },
	} {
		cursors = append(cursors, &cursor{age: age, after: store.FirstID(now.Add(-age(m.config())))})
	}
	timer := time.NewTimer(walkRush)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wait := walkStep
		if chores := m.doChores(); m.sendDSNs() || chores {
			wait = walkRush
		}
		for _, c := range cursors {
			if m.advance(c, s) {
				wait = walkRush
			}
		}
		timer.Reset(max(walkRush, m.config().lasts(wait)))
	}
}

// advance takes a cursor one batch further and reports whether there is more.
func (m *Mailer) advance(c *cursor, s *schedule) bool {
	now := m.store.Past() // a clock that is months ahead gives no mail up
	if now.Before(c.from) {
		return false
	}
	age := c.age(m.config())
	list, err := m.store.Sweep(c.after, now.Add(-age), walkBatch)
	if err != nil {
		m.logStoreError("sweep", err)
		return false
	}
	m.storeWorks("sweep")
	m.pass(list, s, now)
	if n := len(list); n > 0 {
		c.after = list[n-1].ID
	}
	if len(list) == walkBatch {
		return true
	}
	if age == 0 {
		c.after, c.from = store.ID{}, now.Add(walkPatrol)
	}
	return false
}

// passing is a message's recipients at a domain at a milestone.
type passing struct {
	id     store.ID
	lane   store.Lane
	expire bool   // its time is over
	sure   bool   // and the attempts are: the next one would be later
	delay  bool   // a delay DSN is due
	why    string // the site's last failure
}

// pass does what is due for the messages.
func (m *Mailer) pass(list []*store.Message, s *schedule, now time.Time) {
	var due []passing
	for _, msg := range list {
		for _, domain := range msg.Domains() {
			if p := m.passing(msg, domain, now); p.expire || p.delay {
				due = append(due, p)
			}
		}
	}
	if len(due) == 0 {
		return
	}
	answer := make(chan []passing, 1)
	s.tell(func() { answer <- s.inspect(due) })
	mine := <-answer
	for i := 0; i < len(mine); {
		n := 1
		for i+n < len(mine) && mine[i+n].id == mine[i].id {
			n++
		}
		m.settlePassing(mine[i:i+n], now)
		i += n
	}
	s.tell(func() {
		for _, p := range mine {
			s.settled(flight{p.id, p.lane.Domain})
		}
	})
}

// passing says what may be due for the recipients of msg at domain.
func (m *Mailer) passing(msg *store.Message, domain string, now time.Time) passing {
	p := passing{id: msg.ID, lane: store.Lane{Domain: domain, Account: msg.Account}}
	p.sure = true
	for _, i := range msg.Pending(domain) {
		r := &msg.Recipients[i]
		if r.Held {
			continue
		}
		p.delay = p.delay || m.delayDue(msg, r, now)
		if r.Waits() {
			continue // it does not age
		}
		p.expire = !now.Before(msg.Expires)
		p.sure = p.sure && r.Tries > 0 && r.Next.After(msg.Expires)
	}
	return p
}

func (m *Mailer) delayDue(msg *store.Message, r *store.Recipient, now time.Time) bool {
	return msg.Sender != "" && !r.Delayed && r.Notify&store.NotifyDelay != 0 &&
		now.Sub(msg.Accepted) >= m.config().DelayAfter
}

// inspect leaves those that are not in flight, and takes them up for the walk. A
// message whose time is over is given up without a further attempt only if there
// will be none soon: its site is down, or the attempt is due later.
func (s *schedule) inspect(due []passing) []passing {
	now := s.m.store.Now()
	var mine []passing
	for _, p := range due {
		f := flight{p.id, p.lane.Domain}
		if _, busy := s.flights[f]; busy {
			continue
		}
		down := false
		if t := s.home(p.lane, now); t != nil {
			down = t.down(now)
			p.why = t.why
			if s.heldAt(t, p.lane.Account, now) {
				p.why = "the account's mail is held at this provider" // it is tried afterwards, and expires no earlier
			}
		}
		if s.paused(p.lane, now) {
			down, p.why = true, s.pauses[p.lane].why
		}
		if o := s.override(store.OverrideStop, p.lane, s.placeFor(p.lane), now); o != nil {
			p.expire, p.why = false, "stopped by the operator: "+o.Reason
		}
		p.expire = p.expire && (p.sure || down)
		if p.expire || p.delay {
			s.flights[f] = byWalk
			mine = append(mine, p)
		}
	}
	return mine
}

// settlePassing settles what is due for one message, as it is now.
func (m *Mailer) settlePassing(due []passing, now time.Time) {
	msg, err := m.store.QueueMessage(due[0].id)
	if err != nil {
		return // gone meanwhile
	}
	results := make([]store.Result, 0, len(due))
	for _, p := range due {
		r := store.Result{ID: p.id, Domain: p.lane.Domain}
		for _, i := range msg.Pending(p.lane.Domain) {
			rcpt := &msg.Recipients[i]
			reply := reason(rcpt, p.why)
			switch {
			case rcpt.Held:
			case p.expire && !rcpt.Waits():
				o := store.Outcome{Rcpt: i, State: store.Expired, Reply: reply, Suppress: m.suppresses(verdict.Category(rcpt.Verdict.Category))}
				if msg.Sender != "" && rcpt.WantsFailure() {
					o.DSN = &store.DSN{Action: string(dsn.Failed), Reply: reply, Expired: true}
				}
				r.Event.Kind = store.EventExpired
				r.Outcomes = append(r.Outcomes, o)
				m.logExpired(msg, rcpt, reply)
			case m.delayDue(msg, rcpt, now):
				r.Outcomes = append(r.Outcomes, store.Outcome{Rcpt: i, State: store.Queued, Delayed: true,
					DSN: &store.DSN{Action: string(dsn.Delayed), Reply: reply}})
			}
		}
		if len(r.Outcomes) > 0 {
			results = append(results, r)
		}
	}
	if len(results) == 0 {
		return
	}
	if m.commit(results) {
		m.logSettled(results)
	}
}

// reason is why a recipient has not got the message yet.
func reason(r *store.Recipient, why string) string {
	switch {
	case r.Waits():
		return "451 4.7.1 it waits for the account's daily limit of recipients that it never wrote to"
	case r.Reply != "":
		return r.Reply
	case why != "":
		return "451 4.4.1 " + why
	}
	return "451 4.4.1 the next hop could not be reached"
}
