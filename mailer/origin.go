package mailer

import (
	"strings"
	"time"

	"relay/mailer/pace"
	"relay/mailer/policy"
	"relay/mailer/source"
	"relay/store"
)

// origin is a source as the schedule knows it. Only the goroutine of schedule.run touches
// it, except for what is configured, which never changes: a reload makes another Source.
type origin struct {
	*source.Source
	name string // see Source.Name

	gone    bool   // the machine lacks its address, or the configuration has it no more
	drained bool   // by the operator
	listed  bool   // by a blocklist that drains
	culprit string // account that stays while it is listed; "": none

	warm map[string]*warmth // by provider; nil: it needs no warm-up
	sent map[string]int     // messages by provider, on day
	day  int64
	news bool    // the store is to be told of sent
	via  *domain // the server that its mail goes through; nil: it goes to the hosts of its domain

	blamers map[string]bool // places without a row that refused the address on day, up to fewBlame
}

// originsOf are the sources of a configuration.
func originsOf(list []source.Source) []*origin {
	all := make([]*origin, len(list))
	for i := range list {
		all[i] = newOrigin(&list[i])
	}
	return all
}

func newOrigin(src *source.Source) *origin {
	o := &origin{Source: src, name: src.Name(), sent: map[string]int{}, blamers: map[string]bool{}}
	if src.WarmUp > 0 {
		o.warm = map[string]*warmth{}
	}
	return o
}

// usable reports whether mail may leave by a source at all.
func (o *origin) usable(now time.Time) bool { return !o.gone && !o.drained && !now.Before(o.Since) }

// count notes that n messages begin to a provider.
func (o *origin) count(provider string, n int, now time.Time) {
	if o.name == "" {
		return
	}
	o.turn(now)
	o.sent[provider] += n
	o.news = true
}

// turn begins a day.
func (o *origin) turn(now time.Time) {
	if day := source.Day(now); day != o.day {
		o.day = day
		clear(o.sent)
		clear(o.blamers)
	}
}

// id tells a site from all others, in the store too.
func (t *site) id() string {
	if t.origin.name == "" {
		return t.key
	}
	return t.key + fromMark + t.origin.name
}

const fromMark = "\x00from "

// label is the site in a log.
func (t *site) label() string { return strings.ReplaceAll(t.id(), "\x00", " ") }

// rowName is the provider under which what a source sends is counted: all hosts without a
// row of their own are one.
func (t *site) rowName() string {
	if t.row == nil {
		return pace.AnyOther
	}
	return t.row.Name
}

// termsFor are what a domain asks of TLS at a site; nil: nothing, as of a server that the
// source goes through.
func (t *site) termsFor(d *domain) *policy.Terms {
	if t.origin.Via != nil {
		return nil
	}
	return d.terms
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
