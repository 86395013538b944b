package mailer

import (
	"time"

	"relay/mailer/pace"
)

// caps are limits of all sources together at a place.
type caps struct {
	limits pace.Limits // of the row; zero: there are none
	gate   pace.Gate
}

// capped reports whether the place has limits of all sources together.
func (p *place) capped() bool { return p.all.limits.Connections > 0 || p.all.limits.Rate > 0 }

// setCaps takes the limits of a row.
func (p *place) setCaps(r *pace.Row) {
	p.all.limits = pace.Limits{Connections: r.AllConns, Rate: r.AllRate}
}

// part is what one source may have of a place's limits, so that none keeps the others
// waiting: those that have mail there get equal parts.
func (p *place) part(l pace.Limits) pace.Limits {
	if !p.capped() {
		return l
	}
	n := 0
	for _, t := range p.sites {
		if t.lanes > 0 || t.workers > 0 {
			n++
		}
	}
	n = max(n, 1)
	if most := p.all.limits.Connections; most > 0 {
		l.Connections = min(l.Connections, max(1, most/n))
	}
	if most := p.all.limits.Rate; most > 0 {
		if share := max(1, most/n); l.Rate == 0 || l.Rate > share {
			l.Rate = share
		}
	}
	return l
}

// deal gives the sites of a place their parts anew.
func (s *schedule) deal(p *place) {
	if !p.capped() || len(p.sites) < 2 || p.path == nil {
		return
	}
	now := s.m.store.Now()
	for _, t := range p.sites {
		s.setPace(t)
		t.limit = min(t.limit, t.gate.Connections(now))
		s.touch(t)
	}
}

// free is how many messages may begin at a site now, by its own ceiling and that of all
// sources.
func (t *site) free(now time.Time) int {
	n := t.gate.Free(now)
	if t.all.limits.Rate > 0 {
		n = min(n, t.all.gate.Free(now, t.all.rate()))
	}
	if t.warm != nil {
		n = min(n, t.warm.now(now).Free())
	}
	return n
}

// freeAt is when a message may begin, now or later.
func (t *site) freeAt(now time.Time) time.Time {
	at := t.gate.Next(now)
	if t.all.limits.Rate > 0 {
		if all := t.all.gate.Next(now, t.all.rate()); all.After(at) {
			return all
		}
	}
	return at
}

// send notes that n messages begin.
func (t *site) send(now time.Time, n int) {
	t.gate.Send(now, n)
	if t.all.limits.Rate > 0 {
		t.all.gate.Send(now, n, t.all.rate())
	}
}

// rate is the limit for the gate, which counts no connections.
func (c *caps) rate() pace.Limits { return pace.Limits{Connections: pace.Any, Rate: c.limits.Rate} }

// crowdedOut reports whether the sources together have all connections that they may.
func (p *place) crowdedOut() bool {
	return p.all.limits.Connections > 0 && p.conns >= p.all.limits.Connections
}
