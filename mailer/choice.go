package mailer

import (
	"time"

	"relay/mailer/site"
	"relay/mailer/source"
	"relay/store/egress"
	"relay/store/spooled"
)

// siteFor is the site that an account's mail to a place goes by; nil: none of its sources
// may be used. It notes that mail waits where the site lets nothing through today.
func (s *schedule) siteFor(p *site.Place, account string, now time.Time) *site.Site {
	if o := s.origins.Sole(); o != nil {
		return s.siteAt(p, o)
	}
	o := s.choose(p, account, now)
	if o == nil {
		p.Waits(now)
		return nil
	}
	t := s.enter(p, o, account)
	if t != nil && t.Cold(now) {
		t.Waits(source.Turns(now))
	}
	return t
}

// enter is the site of a source for mail to a place: there, or at the server that the
// source goes through. nil: the way to that is being looked up.
func (s *schedule) enter(p *site.Place, o *site.Origin, account string) *site.Site {
	if o.Via == nil || p.Path == nil {
		return s.siteAt(p, o)
	}
	d := o.Door()
	if !d.Usable(s.m.spool.Now()) && !d.Asking {
		s.atlas.Want(d, account)
	}
	if d.Place == nil {
		return nil
	}
	return s.siteAt(d.Place, o)
}

// choose picks a source: the one that an override names, or else one of the account's pool; nil:
// there is none that may be used now.
func (s *schedule) choose(p *site.Place, account string, now time.Time) *site.Origin {
	if !s.orders.None() {
		o := s.orders.Find(egress.OverrideSource, spooled.Lane{Account: account}, p, now)
		if o != nil {
			if from := s.origins.Named(o.Source, p, now); from != nil {
				return from
			}
		}
	}
	return s.origins.Choose(s.m.config(), p, account, s.poolOf(account), now)
}

// home is the site that a lane's mail goes by; nil: it is not known, or there is none.
func (s *schedule) home(lane spooled.Lane, now time.Time) *site.Site {
	d := s.atlas.Find(lane.Domain)
	if d == nil || d.Place == nil {
		return nil
	}
	return s.siteFor(d.Place, lane.Account, now)
}

// letOthers has the other sources of a place look whether they may open a connection now.
func (s *schedule) letOthers(t *site.Site) {
	if len(t.Sites) < 2 {
		return
	}
	for _, other := range t.Sites {
		if other != t && other.Queue.Len() > 0 {
			s.touch(other)
		}
	}
}
