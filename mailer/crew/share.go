package crew

import (
	"cmp"
	"slices"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/site"
)

const (
	fewConnections = 4
	slowAttempt    = 5 * time.Second // by then a host that is well has said something
	lookEvery      = time.Second     // between looks for what is slow
)

// Full reports whether all connections are in use.
func (c *Crew) Full() bool { return c.conns >= c.most() }

// Within reports whether an account's share allows it one more of the connections that are
// free.
func (c *Crew) Within(account string) bool { return !c.Full() && c.Modest(account) }

// Modest is Within for a connection that is there already.
func (c *Crew) Modest(account string) bool {
	mine := c.held[account]
	return mine < fewConnections || mine < 3*(c.most()-c.conns)
}

// crowded reports whether an account might have used up its share.
func (c *Crew) crowded() bool {
	most := c.most()
	return c.conns >= min(fewConnections, most) && c.conns >= 3*(most-c.conns)
}

// Stuck tells the accounts whose jobs wait at a site for a share of the connections; nil: there
// is none. At a site that has connections, jobs come to their turn.
func (c *Crew) Stuck(t *site.Site) func(account string) bool {
	if t.Workers > 0 || !c.crowded() {
		return nil
	}
	return func(account string) bool { return t.Queue.Has(account) && !c.Within(account) }
}

// Pick takes the next job of a site for a connection that it has: of an account within its share
// if there is one. There must be one.
func (c *Crew) Pick(t *site.Site) *attempt.Job {
	if c.crowded() {
		if _, j, ok := t.Queue.PopIf(c.Modest); ok {
			return j
		}
	}
	_, j := t.Queue.Pop()
	return j
}

// Await has a site wait for a connection, in the turns of the accounts that have mail there, and
// ends a connection that is idle where none is free.
func (c *Crew) Await(t *site.Site) {
	if t.Waiting == nil {
		t.Waiting = map[string]bool{}
	}
	added := false
	for account := range t.Queue.Accounts() {
		if !t.Waiting[account] {
			t.Waiting[account], added = true, true
			c.waiting.Push(account, t)
		}
	}
	if !added || !c.Full() {
		return
	}
	for w := range c.parked {
		c.Dismiss(w)
		return
	}
}

// NextWaiting takes the site that has waited longest in the turn of an account that is within its
// share, of those that have no connection at all if there are any; nil: no connection is free, or
// none waits.
func (c *Crew) NextWaiting() (account string, t *site.Site) {
	if c.waiting.Len() == 0 || c.Full() {
		return "", nil
	}
	if account, t = c.nextWaiting(); t == nil {
		return "", nil
	}
	if delete(t.Waiting, account); len(t.Waiting) == 0 {
		t.Waiting = nil
	}
	return account, t
}

func (c *Crew) nextWaiting() (account string, t *site.Site) {
	for range c.waiting.Len() {
		var ok bool
		if account, t, ok = c.waiting.PopIf(c.Within); !ok || t.Workers == 0 {
			return account, t
		}
		c.waiting.Push(account, t)
	}
	account, t, _ = c.waiting.PopIf(c.Within)
	return account, t
}

// Yields reports whether a worker is to make room because other sites wait for a connection:
// when it has nothing to do, when its site has others, or when it has had its share, with so many
// jobs done.
func (c *Crew) Yields(w *site.Hand, done int) bool {
	const fair, long = 20, 30 * time.Second
	return c.waiting.Len() > 0 && c.Full() &&
		(w.Site.Queue.Len() == 0 || w.Site.Workers > 1 || done >= fair || time.Since(w.Hired) > long)
}

// Waiting are the accounts that have mail for which only a connection is missing.
func (c *Crew) Waiting(now time.Time) (list []string) {
	for account := range c.waiting.Accounts() {
		if c.waits(account, now) {
			list = append(list, account)
		}
	}
	return list
}

// waits reports whether an account has mail for which only a connection is missing.
func (c *Crew) waits(account string, now time.Time) bool {
	for t := range c.waiting.All(account) {
		if t.Workers < t.Limit && t.Queue.Has(account) && !t.Blocked(now) {
			return true
		}
	}
	return false
}

// Relieve lets attempts that are slow give way when all connections are in use and an account
// waits that has hardly any: the oldest attempts of the account that has most. It returns how
// many such accounts it found; it looks once a second at most.
func (c *Crew) Relieve(now time.Time) (starving int) {
	if !c.Full() || c.waiting.Len() == 0 {
		c.lookAt = time.Time{}
		return 0
	}
	if time.Now().Before(c.lookAt) {
		return 0
	}
	c.lookAt = time.Now().Add(lookEvery)
	starving, least := c.starving(now)
	for n := starving - c.leaving; n > 0 && c.loosen(least); n-- {
	}
	return starving
}

// starving is how many accounts wait that have hardly any connection, and the least that one of
// them has.
func (c *Crew) starving(now time.Time) (n, least int) {
	least = fewConnections
	for account := range c.waiting.Accounts() {
		if mine := c.held[account]; mine < fewConnections && c.waits(account, now) {
			n, least = n+1, min(least, mine)
		}
	}
	return n, least
}

// loosen breaks off an attempt of the account that has most connections: of those that are slow
// the oldest one that can be.
func (c *Crew) loosen(least int) bool {
	var slow []*site.Hand
	for w := range c.team {
		if w.Job != nil && w.Job.Fault == nil && time.Since(w.Since) >= slowAttempt && c.held[w.Job.Message.Account] > least+1 {
			slow = append(slow, w)
		}
	}
	slices.SortFunc(slow, func(a, b *site.Hand) int {
		x, y := a.Job.Message.Account, b.Job.Message.Account
		return cmp.Or(cmp.Compare(c.held[y], c.held[x]), cmp.Compare(x, y), a.Since.Compare(b.Since))
	})
	for _, w := range slow {
		if w.Leash.Pull() {
			c.Release(w)
			w.Leaving = true
			c.leaving++
			return true
		}
	}
	return false
}
