// Package scan plans when the store's lanes are looked through for mail that is due.
//
// The store names lanes that get new mail by itself. A scan finds the others: lanes whose retry
// has come, lanes whose site was down, lanes that the window had no room for, and after a start
// all of them. A scan is made in steps, so that each stays short. Most scans stop after as many
// lanes as a few windows hold; now and then one goes on to the end, so that what waits behind a
// crowd is found as well. Neither takes more than a small part of the time.
//
// A Plan is a value without locks that does no I/O: the schedule (see package mailer) asks it
// what to do, walks the lanes itself, and tells it what came of that. Nothing of it is stored,
// since a start scans everything.
package scan

import (
	"time"

	"relay/mailer/settings"
	"relay/mailer/site"
)

// ErrorGap is how long there is no scan after an error of the store, as time passes.
const ErrorGap = 10 * time.Second

// All of these but fastGap are of time as it passes: what they keep small is the
// work. A store's clock that runs faster gets more of it between two scans (gapOf, RestOf).
const (
	minGap  = 200 * time.Millisecond // less, when the store's clock runs faster
	fastGap = 10 * time.Millisecond  // but not less than this
	duty    = 20                     // a scan may take a part in so many of the time
)

const (
	stepLanes = 50  // lanes that one step looks at
	stepSites = 500 // blocked sites that one step looks at
)

// gapOf is the least time between two scans, by the store's clock.
func gapOf(c *settings.Config) time.Duration { return max(minGap, c.Shown(fastGap)) }

// RestOf is the longest time between two scans, by the store's clock: site.MaxInterval, and
// never less than a second as time passes.
func RestOf(c *settings.Config) time.Duration { return max(site.MaxInterval, c.Shown(time.Second)) }

// Plan says when lanes are looked through. The zero Plan has a scan due at once.
type Plan struct {
	at    time.Time     // when the next scan or step is due; store's clock
	last  time.Time     // when the last scan ended
	gap   time.Duration // least time between two scans
	full  time.Time     // before it a scan stops early
	crowd bool          // a lane had no room
	freed bool          // and some has come free since

	from   []byte        // where the scan under way goes on; nil: none is
	whole  bool          // the scan under way goes to the end
	visits int           // lanes that it has looked at
	step   int           // of them, those of the step under way
	broken bool          // the step under way stopped before the end of the lanes
	took   time.Duration // how long the scan under way has taken
	later  time.Time     // when another scan is due, said while one is under way; zero: never

	sites []*site.Site // a scan is also due when these are tried again
}

// At is when the next step is due.
func (p *Plan) At() time.Time { return p.at }

// Sites reports whether there are sites that SeeBlocked has not looked at.
func (p *Plan) Sites() bool { return len(p.sites) > 0 }

// Restart has a scan begin at once and from the first lane.
func (p *Plan) Restart() { p.at, p.from = time.Time{}, nil }

// Missed notes that a lane had no room.
func (p *Plan) Missed() { p.crowd = true }

// Freed notes that there is room.
func (p *Plan) Freed() { p.freed = true }

// Due reports whether a step is due.
func (p *Plan) Due(cfg *settings.Config, now time.Time) bool {
	if p.at.Sub(now) > max(RestOf(cfg), cfg.Shown(ErrorGap))+p.gap { // the clock was set back
		p.at = now
	}
	soon := p.last.Add(p.gap)
	if p.crowd && p.freed && soon.Before(p.at) {
		p.at = soon
	}
	return !now.Before(p.at)
}

// DueAt has the lanes looked through at that time, or as soon after it as may be.
func (p *Plan) DueAt(at time.Time) {
	if soon := p.last.Add(p.gap); at.Before(soon) {
		at = soon
	}
	if at.Before(p.at) {
		p.at = at
	}
	if p.from != nil && (p.later.IsZero() || at.Before(p.later)) {
		p.later = at
	}
}

// SeeBlocked has the lanes looked through when sites that are left alone now are tried
// again.
func (p *Plan) SeeBlocked(now time.Time) {
	n := min(len(p.sites), stepSites)
	for _, t := range p.sites[:n] {
		if t.Blocked(now) {
			p.DueAt(t.Back(now))
		}
	}
	if p.sites = p.sites[n:]; len(p.sites) == 0 {
		p.sites = nil
	}
}

// Begin begins a step, and a scan if none is under way. It returns where the step begins;
// nil: at the first lane.
func (p *Plan) Begin(now time.Time) (from []byte) {
	if p.from == nil {
		p.whole, p.visits, p.took = !now.Before(p.full), 0, 0
		p.crowd, p.freed = false, false
	}
	p.step, p.broken = 0, false
	return p.from
}

// Visit reports whether the step looks at one more lane. crammed says that none has room.
func (p *Plan) Visit(cfg *settings.Config, crammed bool) bool {
	p.broken = crammed || !p.whole && p.visits > 4*cfg.Window
	if p.broken || p.step == stepLanes {
		return false
	}
	p.step++
	p.visits++
	return true
}

// Step is what came of a step.
type Step struct {
	From    []byte        // where the next one begins; nil: that was the last lane
	Next    time.Time     // when the first of the lanes that are not due is; zero: there is none
	Failed  bool          // the store could not be read
	Took    time.Duration // as time passes
	Crammed bool          // no lane has room now
}

// End ends a step, and reports whether the scan has ended with it, and has not failed.
func (p *Plan) End(cfg *settings.Config, now time.Time, is Step) bool {
	p.took += is.Took
	if !is.Failed && is.From != nil && !p.broken {
		p.from, p.at = is.From, now
		return false
	}
	later := p.later
	p.from, p.later = nil, time.Time{}
	p.last = now
	p.gap = gapOf(cfg)
	if p.whole {
		p.full = now.Add(cfg.Shown(max(time.Second, duty*p.took)))
	}
	if !p.whole || p.broken {
		p.gap = max(p.gap, cfg.Shown(duty*p.took))
	}
	if is.Failed {
		p.at = now.Add(cfg.Shown(ErrorGap))
		return false
	}
	p.crowd = p.crowd || p.broken
	p.at = now.Add(RestOf(cfg))
	switch {
	case p.broken && !is.Crammed:
		p.DueAt(p.full) // go on to the end then
	case !p.broken && !is.Next.IsZero():
		p.DueAt(is.Next)
	}
	if !later.IsZero() {
		p.DueAt(later) // where the scan had been already
	}
	return true
}

// Watch has the next scan made when one of these sites is tried again.
func (p *Plan) Watch(sites []*site.Site) { p.sites = sites }
