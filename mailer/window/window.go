// Package window holds the lanes that are in memory, and shares their number among accounts and
// sites.
//
// The window is as large as the configuration says, so memory does not grow with the backlog.
// An account may have three lanes for each that is free; a site, or the look-ups of an account,
// as many as are free; and an account at a site as many as the site may still have. A few are
// always allowed, so no site and no account can fill the window. A lane that has no room stays
// in the store, where a scan finds it later (package scan).
//
// Lanes of a site that waits for a ceiling rest: they take no place of others. Such sites get no
// more lanes once those that rest would fill some windows.
//
// A Window is a value without locks, for the goroutine of the schedule (see package mailer).
package window

import (
	"sync/atomic"

	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/mailer/turns"
	"relay/store/spooled"
)

const (
	few            = 4 // lanes are always allowed
	restingWindows = 2 // as many lanes that rest are in memory; more, of sites that have none
)

// Window is the lanes in memory.
type Window struct {
	cfg *atomic.Pointer[settings.Config]

	lanes   map[spooled.Lane]*site.Lane
	shares  turns.Tally // lanes by account
	routed  turns.Tally // of them, those whose domain is being looked up or waits for it
	resting int         // lanes of sites that wait for a ceiling
}

// New is a window without lanes.
func New(cfg *atomic.Pointer[settings.Config]) *Window {
	return &Window{cfg: cfg, lanes: map[spooled.Lane]*site.Lane{}, shares: turns.Tally{}, routed: turns.Tally{}}
}

// Len is how many lanes there are.
func (w *Window) Len() int { return len(w.lanes) }

// Shares is how many lanes all accounts have.
func (w *Window) Shares() (n int) {
	for _, mine := range w.shares {
		n += mine
	}
	return n
}

// Lane is a lane in memory; nil: it is not there.
func (w *Window) Lane(key spooled.Lane) *site.Lane { return w.lanes[key] }

// Add takes in a lane. The caller has asked for room.
func (w *Window) Add(l *site.Lane) {
	w.lanes[l.Lane] = l
	w.shares.Add(l.Account, 1)
}

// Drop forgets a lane that does not stand in a turn.
func (w *Window) Drop(l *site.Lane) {
	delete(w.lanes, l.Lane)
	w.shares.Add(l.Account, -1)
}

// AwaitRoute notes that a lane waits for the look-up of its domain.
func (w *Window) AwaitRoute(l *site.Lane) { w.routed.Add(l.Account, 1) }

// Routed notes that its domain was looked up.
func (w *Window) Routed(l *site.Lane) { w.routed.Add(l.Account, -1) }

// size is how many lanes the window is for.
func (w *Window) size() int { return w.cfg.Load().Window }

// Crammed reports whether no lane has room.
func (w *Window) Crammed() bool { return len(w.lanes)-w.resting >= w.size() }

// Room reports whether there is room for one more lane of an account at a site;
// nil: the site is not known yet.
func (w *Window) Room(t *site.Site, account string) bool {
	size := w.size()
	if t != nil && t.Rests && w.resting >= restingWindows*size {
		return false // it has lanes
	}
	free := size - (len(w.lanes) - w.resting)
	if mine := w.shares[account]; free <= 0 || mine >= few && mine >= 3*free {
		return false
	}
	here, left := w.routed[account], free
	if t != nil {
		here, left = 0, free-t.Lanes
		if a := t.Accounts[account]; a != nil {
			here = a.Size
		}
	}
	return here < few || here < left
}

// Rest takes the lanes of a site out of the window, or back in.
func (w *Window) Rest(t *site.Site, rests bool) {
	t.Rests = rests
	if rests {
		w.resting += t.Lanes
	} else {
		w.resting -= t.Lanes
	}
}

// Joined notes that a site has one more lane.
func (w *Window) Joined(t *site.Site) {
	if t.Rests {
		w.resting++
	}
}

// Left notes that a site has one lane less.
func (w *Window) Left(t *site.Site) {
	if t.Rests {
		w.resting--
	}
}
