package site

import (
	"time"

	"relay/mailer/pace"
	"relay/mailer/settings"
)

// caps are limits of all sources together at a place.
type caps struct {
	Limits pace.Limits // of the row; zero: there are none
	Gate   pace.Gate
}

// Capped reports whether the place has limits of all sources together.
func (p *Place) Capped() bool { return p.All.Limits.Connections > 0 || p.All.Limits.Rate > 0 }

// SetCaps takes the limits of a row.
func (p *Place) SetCaps(r *pace.Row) {
	p.All.Limits = pace.Limits{Connections: r.AllConns, Rate: r.AllRate}
}

// Part is what one source may have of a place's limits, so that none keeps the others
// waiting: those that have mail there get equal parts.
func (p *Place) Part(l pace.Limits) pace.Limits {
	if !p.Capped() {
		return l
	}
	n := 0
	for _, t := range p.Sites {
		if t.Lanes > 0 || t.Workers > 0 {
			n++
		}
	}
	n = max(n, 1)
	if most := p.All.Limits.Connections; most > 0 {
		l.Connections = min(l.Connections, max(1, most/n))
	}
	if most := p.All.Limits.Rate; most > 0 {
		if share := max(1, most/n); l.Rate == 0 || l.Rate > share {
			l.Rate = share
		}
	}
	return l
}

// Free is how many messages may begin at a site now, by its own ceiling and that of all
// sources.
func (t *Site) Free(now time.Time) int {
	n := t.Gate.Free(now)
	if t.All.Limits.Rate > 0 {
		n = min(n, t.All.Gate.Free(now, t.All.Rate()))
	}
	if t.Warm != nil {
		n = min(n, t.Warm.Now(now).Free())
	}
	return n
}

// FreeAt is when a message may begin, now or later.
func (t *Site) FreeAt(now time.Time) time.Time {
	at := t.Gate.Next(now)
	if t.All.Limits.Rate > 0 {
		if all := t.All.Gate.Next(now, t.All.Rate()); all.After(at) {
			return all
		}
	}
	return at
}

// Send notes that n messages begin.
func (t *Site) Send(now time.Time, n int) {
	t.Gate.Send(now, n)
	if t.All.Limits.Rate > 0 {
		t.All.Gate.Send(now, n, t.All.Rate())
	}
}

// Rate is the limit for the gate, which counts no connections.
func (c *caps) Rate() pace.Limits { return pace.Limits{Connections: pace.Any, Rate: c.Limits.Rate} }

// crowdedOut reports whether the sources together have all connections that they may.
func (p *Place) crowdedOut() bool {
	return p.All.Limits.Connections > 0 && p.Conns >= p.All.Limits.Connections
}

// GateNamed is a gate of a site; those that say nothing any more make room for it.
func (t *Site) GateNamed(name string, now time.Time) *pace.Gate {
	g := t.gates[name]
	if g != nil {
		return g
	}
	if n := len(t.gates); n >= 16 && n&(n-1) == 0 {
		for other, g := range t.gates {
			if g.AtRest(now) {
				delete(t.gates, other)
			}
		}
	}
	if t.gates == nil {
		t.gates = map[string]*pace.Gate{}
	}
	g = &pace.Gate{}
	t.gates[name] = g
	return g
}

// MayOpen reports whether a message may begin on a new connection.
func (t *Site) MayOpen(now time.Time) bool {
	return t.Free(now) > 0 && !t.crowdedOut() && !t.Gate.MayOpen(now).After(now)
}

// Provider is the name that an account's conduct goes by: that of the row, or the site
// itself where the row is for any.
func (t *Site) Provider() string {
	if t.Row == nil || t.Row.Name == pace.AnyOther || t.Row.Name == settings.FixedRow {
		return t.Key
	}
	return t.Row.Name
}
