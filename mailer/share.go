package mailer

import (
	"cmp"
	"slices"
	"time"
)

// Connections are shared like the window: an account may have three for each that
// is free, and a few in any case. So an account that wants all leaves a quarter to
// others. When all are in use nevertheless, slow attempts give way.
const (
	fewConnections = 4
	slowAttempt    = 5 * time.Second // by then a host that is well has said something
	lookEvery      = time.Second     // between looks for what is slow
)

// within reports whether an account's share allows it one more of the connections
// that are free.
func (s *schedule) within(account string) bool { return !s.full() && s.modest(account) }

// modest is within for a connection that is there already.
func (s *schedule) modest(account string) bool {
	mine := s.held[account]
	return mine < fewConnections || mine < 3*(s.m.config().Connections-s.conns)
}

// crowded reports whether an account might have used up its share.
func (s *schedule) crowded() bool {
	return s.conns >= min(fewConnections, s.m.config().Connections) && s.conns >= 3*(s.m.config().Connections-s.conns)
}

// full reports whether all connections are in use.
func (s *schedule) full() bool { return s.conns >= s.m.config().Connections }

// stuck tells the accounts whose jobs wait at a site for a share of the connections;
// nil: there is none. At a site that has connections, jobs come to their turn.
func (s *schedule) stuck(t *site) func(account string) bool {
	if t.workers > 0 || !s.crowded() {
		return nil
	}
	return func(account string) bool { return t.queue.has(account) && !s.within(account) }
}

// relieve lets attempts that are slow give way when all connections are in use and
// an account waits that has hardly any: the oldest attempts of the account that has
// most.
func (s *schedule) relieve(now time.Time) {
	if s.stopping || !s.full() || s.waiting.len() == 0 {
		s.lookAt = time.Time{}
		return
	}
	if time.Now().Before(s.lookAt) {
		return
	}
	s.lookAt = time.Now().Add(lookEvery)
	starving, least := s.starving(now)
	if starving == 0 {
		return
	}
	s.m.logPoolFull(s.m.config().Connections, starving)
	for n := starving - s.leaving; n > 0 && s.loosen(least); n-- {
	}
}

// starving is how many accounts wait that have hardly any connection, and the least
// that one of them has.
func (s *schedule) starving(now time.Time) (n, least int) {
	least = fewConnections
	for account := range s.waiting.items {
		if mine := s.held[account]; mine < fewConnections && s.waits(account, now) {
			n, least = n+1, min(least, mine)
		}
	}
	return n, least
}

// waits reports whether an account has mail for which only a connection is missing.
func (s *schedule) waits(account string, now time.Time) bool {
	for t := range s.waiting.items[account].all() {
		if t.workers < t.limit && t.queue.has(account) && !t.blocked(now) {
			return true
		}
	}
	return false
}

// loosen breaks off an attempt of the account that has most connections: of those
// that are slow the oldest one that can be.
func (s *schedule) loosen(least int) bool {
	var slow []*worker
	for w := range s.team {
		if w.job != nil && w.job.fault == nil && time.Since(w.since) >= slowAttempt && s.held[w.job.message.Account] > least+1 {
			slow = append(slow, w)
		}
	}
	slices.SortFunc(slow, func(a, b *worker) int {
		x, y := a.job.message.Account, b.job.message.Account
		return cmp.Or(cmp.Compare(s.held[y], s.held[x]), cmp.Compare(x, y), a.since.Compare(b.since))
	})
	for _, w := range slow {
		if w.leash.pull() {
			s.release(w)
			w.leaving = true
			s.leaving++
			return true
		}
	}
	return false
}
