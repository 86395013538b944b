package mailer

import (
	"strings"
	"time"

	"relay/mailer/source"
	"relay/store"
)

// origin is a source as the schedule knows it.
type origin struct {
	*source.Source
	name string // see Source.Name
}

// id tells a site from all others, in the store too.
func (t *site) id() string {
	if t.origin.name == "" {
		return t.key
	}
	return t.key + fromMark + t.origin.name
}

const fromMark = "\x00from "

// siteFor is the site that an account's mail to a place goes by; nil: it has no source.
func (s *schedule) siteFor(p *place, _ string, _ time.Time) *site {
	return s.siteAt(p, s.origins[0])
}

// label is the site in a log.
func (t *site) label() string { return strings.ReplaceAll(t.id(), "\x00", " ") }

// originsOf are the sources of a configuration.
func originsOf(list []source.Source) []*origin {
	all := make([]*origin, len(list))
	for i := range list {
		all[i] = &origin{Source: &list[i], name: list[i].Name()}
	}
	return all
}

// home is the site that a lane's mail goes by; nil: it is not known, or there is none.
func (s *schedule) home(lane store.Lane, now time.Time) *site {
	d := s.domains[s.m.routeKey(lane.Domain)]
	if d == nil || d.place == nil {
		return nil
	}
	return s.siteFor(d.place, lane.Account, now)
}

// letOthers has the other sources of a place look whether they may open a connection now.
func (s *schedule) letOthers(t *site) {
	if len(t.sites) < 2 {
		return
	}
	for _, other := range t.sites {
		if other != t && other.queue.len() > 0 {
			s.touch(other)
		}
	}
}
