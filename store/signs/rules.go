package signs

import (
	"cmp"
	"fmt"
	"slices"
)

// Limit is reached by at least Count signs that are at least Share of the mail.
type Limit struct {
	Count int64 `json:"count"` // 0: there is no limit
	Share int64 `json:"share"` // in millionths: 1,000 is 0.1 %
}

const million = 1_000_000

// Reached reports whether n signs of so many e-mails are the limit or more.
func (l Limit) Reached(n, of int64) bool {
	return l.Count > 0 && n >= l.Count && n*million >= l.Share*of
}

// Rules are the limits. They hold in both windows.
type Rules struct {
	ComplaintWarn, ComplaintSuspend Limit
	BounceWarn, BounceSuspend       Limit // the first of them slows the account down too
	ListedSlow                      Limit
}

// Default rules.
var Default = Rules{
	ComplaintWarn: Limit{3, 1_000}, ComplaintSuspend: Limit{5, 3_000},
	BounceWarn: Limit{20, 50_000}, BounceSuspend: Limit{50, 100_000},
	ListedSlow: Limit{20, 50_000},
}

// limits of a sign.
func (r *Rules) limits(s Sign) (warn, suspend Limit) {
	switch s {
	case Complaint:
		return r.ComplaintWarn, r.ComplaintSuspend
	case Bounce:
		return r.BounceWarn, r.BounceSuspend
	}
	return r.ListedSlow, Limit{}
}

// Few reports whether a number of signs is below every limit of them, so that the mail need
// not be counted.
func (r *Rules) Few(s Sign, n int64) bool {
	warn, suspend := r.limits(s)
	return (warn.Count == 0 || n < warn.Count) && (suspend.Count == 0 || n < suspend.Count)
}

// Window is how long signs are added up.
type Window string

// The windows.
const (
	OfDay  Window = "day"  // the day on which the mail was accepted
	OfWeek Window = "week" // that and the days before it, seven until today
)

// Step is what follows from signs.
type Step int

// The steps.
const (
	Nothing Step = iota
	Warn
	Suspend
)

// Figures are the signs of a window, and what they are compared with.
type Figures struct {
	Sign   Sign    `json:"sign"`
	Window Window  `json:"window"`
	N      int64   `json:"n"`
	Of     int64   `json:"of"`    // e-mails
	Count  int64   `json:"count"` // of the limit
	Share  int64   `json:"share"` // likewise, in millionths
	Places []Place `json:"places,omitempty"`

	Next Limit `json:"next,omitzero"` // of a warning: the limit at which the account is suspended
}

// Part is N of Of in millionths.
func (f *Figures) Part() int64 {
	if f.Of <= 0 {
		return 0
	}
	return f.N * million / f.Of
}

// Mail is what became of an account's e-mails.
type Mail struct {
	Delivered map[int]int64 // by the day on which they were accepted, of the last seven days
	Deferred  int64         // that are tried again
}

// Total is what was delivered.
func (m *Mail) Total() (n int64) {
	for _, d := range m.Delivered {
		n += d
	}
	return n
}

// delivered on the days of a window. What goes out after the account was resumed counts on that
// day, and what went out before not at all.
func (r *Record) delivered(m *Mail, from, until int) (n int64) {
	for day, d := range m.Delivered {
		if on := max(day, r.From); on >= from && on <= until {
			n += max(0, d-r.Before[day])
		}
	}
	return n
}

// figures of a sign in a window. Complaints are compared with what was delivered, refusals with
// what was tried.
func (r *Record) figures(s Sign, w Window, from, until int, m *Mail) Figures {
	f := Figures{Sign: s, Window: w, N: r.sum(s, from, until), Of: r.delivered(m, from, until)}
	if s != Complaint {
		f.Of += f.N + m.Deferred
	}
	if s == Bounce {
		f.Of -= r.late(from, until) // these are among the delivered
	}
	f.Of = max(f.Of, f.N)
	return f
}

// span is a window with its days.
type span struct {
	Window
	from, until int
}

// windows that mail of a day counts in.
func windows(day, today int) []span {
	return []span{{OfDay, day, day}, {OfWeek, today - Days + 1, today}}
}

// Judge returns the step that the signs about a day's mail call for, and the figures behind it.
// The record need not be turned.
func (r *Record) Judge(rules *Rules, s Sign, day, today int, m *Mail) (Step, Figures) {
	warn, suspend := rules.limits(s)
	for _, step := range []struct {
		Step
		Limit
	}{{Suspend, suspend}, {Warn, warn}} {
		for _, w := range windows(day, today) {
			f := r.figures(s, w.Window, w.from, w.until, m)
			if !step.Reached(f.N, f.Of) {
				continue
			}
			f.Count, f.Share, f.Places = step.Count, step.Share, r.places(s, w.from, w.until)
			if step.Step == Warn && suspend.Count > 0 {
				f.Next = suspend
			}
			return step.Step, f
		}
	}
	return Nothing, Figures{}
}

// Sum is what came back in a window, beside its limits.
type Sum struct {
	Figures
	Warn, Suspend Limit
}

// State of a sum.
type State string

// The states, the worst last.
const (
	Fine   State = "fine"
	Near   State = "near"   // half of a limit is reached
	Warned State = "warned" // the limit of a warning is
	Over   State = "over"   // that of a suspension is
)

// State says how near a sum is to its limits.
func (s *Sum) State() State {
	switch {
	case s.Suspend.Reached(s.N, s.Of):
		return Over
	case s.Warn.Reached(s.N, s.Of):
		return Warned
	case s.Warn.half().Reached(s.N, s.Of), s.Suspend.half().Reached(s.N, s.Of):
		return Near
	}
	return Fine
}

// states from the best to the worst.
var states = []State{Fine, Near, Warned, Over}

// Reaches reports whether a state is that bad, or worse.
func (s State) Reaches(least State) bool {
	return slices.Index(states, s) >= slices.Index(states, least)
}

// Next is the limit that a sum reaches next, if more comes back; zero: there is none.
func (s *Sum) Next() Limit {
	switch s.State() {
	case Over:
		return Limit{}
	case Warned:
		return s.Suspend
	}
	return cmp.Or(s.Warn, s.Suspend)
}

// Worst is the sum in the worst state, of several the first; nil: there is none.
func Worst(list []Sum) (worst *Sum) {
	for i := range list {
		if worst == nil || !worst.State().Reaches(list[i].State()) {
			worst = &list[i]
		}
	}
	return worst
}

// half of a limit, rounded up.
func (l Limit) half() Limit { return Limit{(l.Count + 1) / 2, (l.Share + 1) / 2} }

// Sums are the signs of both windows as of today. Windows without any are left out.
func (r *Record) Sums(rules *Rules, today int, m *Mail) (list []Sum) {
	for _, s := range All {
		warn, suspend := rules.limits(s)
		for _, w := range windows(today, today) {
			if f := r.figures(s, w.Window, w.from, w.until, m); f.N > 0 {
				list = append(list, Sum{f, warn, suspend})
			}
		}
	}
	return list
}

// Tell reports whether a warning of a window is news, and notes it: each window is told once,
// the day's for its day, the week's for a week.
func (r *Record) Tell(f *Figures, today int) bool {
	lasts := 1
	if f.Window == OfWeek {
		lasts = Days
	}
	if last, ok := r.Told[f.Sign]; ok && today >= last && today-last < lasts {
		return false
	}
	if r.Told == nil {
		r.Told = map[Sign]int{}
	}
	r.Told[f.Sign] = today
	return true
}

// Reason is what a refused customer reads, and the operator in lists.
func (f *Figures) Reason() string {
	span, what := "a day", "too many complaints"
	if f.Window == OfWeek {
		span = "seven days"
	}
	if f.Sign == Bounce {
		what = "too many recipients do not exist"
	}
	return fmt.Sprintf("%s: %d of %d e-mails of %s", what, f.N, f.Of, span)
}
