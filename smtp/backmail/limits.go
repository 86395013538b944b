package backmail

import (
	"net/netip"
	"sync"
	"time"
)

// remembered is how many networks the limits know at once. When more come, those that have
// nothing against them are forgotten, at last all.
const remembered = 10_000

// pace bounds how many messages a network begins in a minute. A minute's share may come at
// once; it comes back evenly.
type pace struct {
	mu   sync.Mutex
	back map[netip.Prefix]time.Time // when all that was taken has come back
}

func newPace() *pace { return &pace{back: make(map[netip.Prefix]time.Time)} }

// take uses one message up, and reports whether one was left.
func (p *pace) take(from netip.Prefix, limit int) bool {
	now, step := time.Now(), time.Minute/time.Duration(limit)
	p.mu.Lock()
	defer p.mu.Unlock()
	back := p.back[from]
	if back.Before(now) {
		back = now
	}
	if back = back.Add(step); back.Sub(now) > time.Minute {
		return false
	}
	if len(p.back) >= remembered {
		for k, at := range p.back {
			if at.Before(now) {
				delete(p.back, k)
			}
		}
		if len(p.back) >= remembered {
			clear(p.back)
		}
	}
	p.back[from] = back
	return true
}

// What is passed on to the operator in a day, UTC.
const (
	mostOfAddress = 200 // of abuse@, and of postmaster@
	mostOfSource  = 20  // of it from one network

	// The same in octets, when one of them is begun: strangers' mail must not fill the disk
	// while the operator's host takes none.
	octetsOfAddress = 200_000_000
	octetsOfSource  = 40_000_000
)

// passed is what was passed on.
type passed struct {
	mails  int
	octets int64
}

// floods bounds what is passed on to the operator. Mail beyond it is refused for the day, and
// counted. The counts are in memory, so a restart begins them again.
type floods struct {
	mu     sync.Mutex
	day    int64
	of     map[Kind]passed
	from   map[netip.Prefix]passed
	over   int64 // today
	before int64 // the day before
}

func newFloods() *floods { return &floods{} }

// may reports whether another one would be passed on, and counts those that would not.
func (f *floods) may(kind Kind, from netip.Prefix, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.room(kind, from, now)
}

func (f *floods) room(kind Kind, from netip.Prefix, now time.Time) bool {
	f.turn(now)
	of, by := f.of[kind], f.from[from]
	if of.mails >= mostOfAddress || by.mails >= mostOfSource || of.octets >= octetsOfAddress || by.octets >= octetsOfSource {
		f.over++
		return false
	}
	return true
}

// take counts one that is to be passed on, if may.
func (f *floods) take(kind Kind, from netip.Prefix, size int64, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.room(kind, from, now) {
		return false
	}
	f.add(kind, from, 1, size)
	return true
}

func (f *floods) add(kind Kind, from netip.Prefix, mails int, octets int64) {
	of, by := f.of[kind], f.from[from]
	f.of[kind] = passed{of.mails + mails, of.octets + octets}
	f.from[from] = passed{by.mails + mails, by.octets + octets}
}

// giveBack takes one off that could not be passed on. At midnight it may be of a day that is over.
func (f *floods) giveBack(kind Kind, from netip.Prefix, size int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if of, by := f.of[kind], f.from[from]; of.mails > 0 && by.mails > 0 && of.octets >= size && by.octets >= size {
		f.add(kind, from, -1, -size)
	}
}

// turn begins a new day.
func (f *floods) turn(now time.Time) {
	day := now.Unix() / 86_400
	if day == f.day && f.of != nil {
		return
	}
	if f.before = 0; day == f.day+1 {
		f.before = f.over
	}
	f.day, f.over, f.of, f.from = day, 0, make(map[Kind]passed), make(map[netip.Prefix]passed)
}

// NotPassedOn is how many e-mails to abuse@ and postmaster@ were over the bound, today and the
// day before.
func (s *Server) NotPassedOn() int64 {
	f := s.floods
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn(s.st.Now())
	return f.over + f.before
}
