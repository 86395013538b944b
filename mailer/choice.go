package mailer

import (
	"hash/fnv"
	"time"

	"relay/mailer/source"
)

// Which source an account's mail to a place takes is chosen when a lane begins to stand
// there, so all that waits for one stays with it, and a lane moves only between two claims.

// How good a source is for an account's mail to a place, the best first.
const (
	rankCulprit rank = iota // it is listed, and the account is why: it stays
	rankWarming             // its warm-up has room
	rankFree                // it needs none
	rankPaced               // as much as may be goes there already
	rankWaits               // down, suspended, or its warm-up has no room
	rankStandby             // of the pool, in good standing
	rankShunned             // the place refuses mail from it
	rankStandbyWaits
	rankListed    // there is no other
	rankUnreached // it has no address of the kind that the place has
	rankUnusable
)

type rank int

// siteFor is the site that an account's mail to a place goes by; nil: none of its sources
// may be used. It notes that mail waits where the site lets nothing through today.
func (s *schedule) siteFor(p *place, account string, now time.Time) *site {
	if len(s.origins) == 1 && s.origins[0].name == "" {
		return s.siteAt(p, s.origins[0])
	}
	o := s.choose(p, account, now)
	if o == nil {
		p.waits(now)
		return nil
	}
	t := s.enter(p, o, account)
	if t != nil && t.cold(now) {
		t.waits(source.Turns(now))
	}
	return t
}

// waits notes that a ceiling keeps mail until then.
func (p *place) waits(until time.Time) {
	if until.After(p.since) {
		p.since = until
	}
}

// enter is the site of a source for mail to a place: there, or at the server that the
// source goes through. nil: the way to that is being looked up.
func (s *schedule) enter(p *place, o *origin, account string) *site {
	if o.Via == nil || p.path == nil {
		return s.siteAt(p, o)
	}
	d := s.viaOf(o)
	if !d.usable(s.m.store.Now()) && !d.asking {
		s.want(d, account)
	}
	if d.place == nil {
		return nil
	}
	return s.siteAt(d.place, o)
}

// viaOf is the server that a source goes through, as a domain of its own.
func (s *schedule) viaOf(o *origin) *domain {
	if o.via == nil {
		o.via = &domain{name: "source " + o.name, via: o.Via}
	}
	return o.via
}

// choose picks a source; nil: the account has none that may be used now.
func (s *schedule) choose(p *place, account string, now time.Time) *origin {
	if o := s.sourceByOverride(p, account, now); o != nil {
		return o
	}
	pool := s.poolOf(account)
	var best *origin
	least, draw := rankUnusable, uint32(0)
	for _, o := range s.origins {
		if o.Pool != pool {
			continue
		}
		r := s.rankOf(p, o, account, now)
		if r > least || r == rankUnusable {
			continue
		}
		if lot := lotOf(account, o.name); r < least || lot < draw {
			best, least, draw = o, r, lot
		}
	}
	return best
}

// lotOf spreads accounts over sources that are equally good. An account stays with one.
func lotOf(account, name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(account))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(name))
	return h.Sum32()
}

func (s *schedule) rankOf(p *place, o *origin, account string, now time.Time) rank {
	t := p.at(o)
	if o.Via != nil {
		if t = nil; o.via != nil && o.via.place != nil {
			t = o.via.place.at(o)
		}
	}
	switch {
	case !o.usable(now):
		return rankUnusable
	case o.Via == nil && !p.reachedFrom(o):
		return rankUnreached
	case o.listed && account != "" && o.culprit == account:
		return rankCulprit
	case o.listed:
		return rankListed
	case t != nil && now.Before(t.shunned):
		return rankShunned
	case o.Standby && t != nil && t.blocked(now):
		return rankStandbyWaits
	case o.Standby:
		return rankStandby
	case t != nil && t.blocked(now), t == nil && s.coldAt(p, o, now):
		return rankWaits
	case t != nil && t.free(now) == 0:
		return rankPaced
	case o.warm != nil:
		return rankWarming
	}
	return rankFree
}

// reachedFrom reports whether one of the place's addresses is of the source's kind.
func (p *place) reachedFrom(o *origin) bool {
	if p.path == nil || !o.Addr.IsValid() {
		return true
	}
	for i := range p.path.Hosts {
		for _, a := range p.path.Hosts[i].Addrs {
			if o.Reaches(a) {
				return true
			}
		}
	}
	return false
}
