// Package bookclock keeps the clock of the books, by which months close and terms
// end. It is the wall clock, unless that is plainly wrong: then it stands still, so
// that nothing closes or ends that cannot be undone, until the wall clock is right
// again or the operator confirms it.
//
//  1. At the start the wall clock is compared with the time of the last commit. It
//     is wrong when it is more than MaxDowntime past it, or more than MaxStep before
//     it, and the system says that nobody keeps its clock.
//  2. While the process runs the wall clock is compared with the monotonic one. It
//     is wrong when the two part by more than MaxStep.
//  3. The state is stored with whatever is committed next. A crash before that loses
//     a hold that was found while running; the start decides anew.
//
// A system that says that its clock is kept now, and was not when the process
// started, has set it right: that is no reason to hold, and ends a hold.
package bookclock

import (
	"sync"
	"sync/atomic"
	"time"
)

// How far a clock may be from where it is expected.
const (
	MaxStep     = 24 * time.Hour
	MaxDowntime = 35 * 24 * time.Hour
)

// Hold says that the clock of the books stands still.
type Hold struct {
	Stands time.Time `json:"stands"` // what the clock of the books shows, UTC
	Wall   time.Time `json:"wall"`   // what the wall clock showed when it was found wrong, UTC

	// Unkept: nobody kept the system's clock when it was found wrong, or when the
	// process started. Once somebody does, the hold is over.
	Unkept bool `json:"unkept,omitempty"`
}

// State is what must last. The zero State is of a store that knows no time yet.
type State struct {
	Last time.Time `json:"last"`           // of the books, at the last commit that noted it, UTC
	Hold *Hold     `json:"hold,omitempty"` // nil: the clock goes
}

// noted is how old the noted time of the last commit may become: beside a day and 35
// days it does not matter, and not every commit has to write it.
const noted = time.Minute

// Options of a clock.
type Options struct {
	Wall func() time.Time // nil: time.Now

	// Kept asks the system whether somebody keeps its clock. nil: the wall clock is
	// believed, whatever it shows.
	Kept  func() bool
	Trust bool        // the wall clock is believed until Trust(false)
	Told  func(*Hold) // is told that a hold began; nil that it is over
}

// Clock may be used from any goroutine.
type Clock struct {
	opt Options

	trusts atomic.Bool
	hold   atomic.Pointer[Hold]
	begun  atomic.Pointer[start]

	mu    sync.Mutex // held to change hold and begun
	asked time.Time  // when the system was asked last
	kept  bool       // what it said
}

// start is when the two clocks were compared first.
type start struct {
	wall time.Time // without a monotonic reading
	mono time.Time
	kept bool
	sure bool // wall is believed
}

// New clock that goes on from a state.
func New(o Options, from State) *Clock {
	if o.Wall == nil {
		o.Wall = time.Now
	}
	c := &Clock{opt: o}
	c.trusts.Store(o.Trust || o.Kept == nil)
	c.begin(from)
	return c
}

// begin compares the wall clock with the last commit's.
func (c *Clock) begin(from State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.opt.Wall().Round(0)
	kept := c.trusts.Load() || c.isKept()
	c.begun.Store(&start{wall: now, mono: time.Now(), kept: kept, sure: true})
	if c.trusts.Load() {
		return
	}
	h := from.Hold
	if h == nil && !kept && !from.Last.IsZero() && !near(now, from.Last) {
		h = &Hold{Stands: from.Last, Wall: now.UTC(), Unkept: true}
	}
	if h == nil || h.Unkept && kept || h.left(now) {
		return
	}
	c.begun.Store(&start{wall: now, mono: time.Now(), kept: kept})
	c.change(h)
}

// near reports whether a start at now is plausible after a last commit.
func near(now, last time.Time) bool {
	down := now.Sub(last)
	return -MaxStep <= down && down <= MaxDowntime
}

// left reports whether the wall clock went back from where it was found wrong, to
// where it can be right.
func (h *Hold) left(now time.Time) bool {
	if !near(now, h.Stands) {
		return false
	}
	if h.Wall.After(h.Stands) {
		return h.Wall.Sub(now) > MaxStep
	}
	return now.Sub(h.Wall) > MaxStep
}

// isKept asks the system, not more than once a second.
func (c *Clock) isKept() bool {
	if now := time.Now(); c.asked.IsZero() || now.Sub(c.asked) >= time.Second {
		c.asked, c.kept = now, c.opt.Kept()
	}
	return c.kept
}

func (c *Clock) change(h *Hold) {
	c.hold.Store(h)
	if c.opt.Told != nil {
		c.opt.Told(h)
	}
}

// Wall is what the wall clock shows, in UTC, right or wrong.
func (c *Clock) Wall() time.Time { return c.opt.Wall().UTC() }

// Now is what the wall clock and the clock of the books show, in UTC.
func (c *Clock) Now() (wall, books time.Time) {
	now := c.opt.Wall()
	wall = now.UTC()
	if c.trusts.Load() {
		return wall, wall
	}
	b := c.begun.Load()
	if c.hold.Load() == nil && b.agrees(now.Round(0)) {
		return wall, wall
	}
	if h := c.judge(now.Round(0)); h != nil {
		return wall, h.Stands
	}
	return wall, wall
}

// expected is what the wall clock should show by the monotonic one.
func (b *start) expected() time.Time { return b.wall.Add(time.Since(b.mono)) }

// agrees reports whether the wall clock is where the monotonic one expects it.
func (b *start) agrees(now time.Time) bool {
	return now.Sub(b.expected()).Abs() <= MaxStep
}

// judge begins a hold or ends it.
func (c *Clock) judge(now time.Time) *Hold {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, h := c.begun.Load(), c.hold.Load()
	if h == nil {
		switch {
		case b.agrees(now):
			return nil
		case !b.kept && c.isKept(): // somebody has set it right
			c.restart(now)
			return nil
		}
		h = &Hold{Stands: b.expected().UTC(), Wall: now.UTC(), Unkept: !b.kept}
		c.change(h)
		return h
	}
	if h.Unkept && c.isKept() || b.sure && b.agrees(now) || !b.sure && h.left(now) {
		c.restart(now)
		c.change(nil)
		return nil
	}
	return h
}

// restart believes the wall clock.
func (c *Clock) restart(now time.Time) {
	c.begun.Store(&start{wall: now, mono: time.Now(), kept: c.isKept(), sure: true})
}

// Hold is why the clock of the books stands still; nil: it goes.
func (c *Clock) Hold() *Hold {
	c.Now() // what it shows may have become right
	return c.hold.Load()
}

// Believe is the operator's word that the wall clock is right.
func (c *Clock) Believe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trusts.Load() || c.hold.Load() == nil {
		return
	}
	c.restart(c.opt.Wall().Round(0))
	c.change(nil)
}

// Trust has the wall clock believed whatever it shows, or no longer so.
func (c *Clock) Trust(on bool) {
	on = on || c.opt.Kept == nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if on == c.trusts.Load() {
		return
	}
	held := c.hold.Load() != nil
	if !on {
		c.restart(c.opt.Wall().Round(0))
	}
	c.trusts.Store(on)
	if held && on {
		c.change(nil)
	}
}

// Note is the state that must be stored with a commit, if it is not the one that is. A
// clock that is never asked about leaves it: what it shows proves nothing to the next
// start, and its work is no operator's word.
func (c *Clock) Note(stored State) (State, bool) {
	if c.opt.Kept == nil {
		return stored, false
	}
	_, books := c.Now()
	is := State{Last: books.Truncate(time.Second), Hold: c.hold.Load()}
	same := (is.Hold == nil) == (stored.Hold == nil)
	return is, !same || is.Last.Sub(stored.Last).Abs() >= noted
}
