package pace

import "time"

// Level is a figure that goes down after a refusal and comes back in steps. A step takes a
// quarter of an hour without a refusal, and gives back a quarter of the top. A step up to
// the value that was refused takes longer after each further refusal, so that a limit which
// no provider publishes is found without exceeding it all day.
type Level struct {
	At       float64   `json:"at,omitempty"`       // 0: at the top
	Edge     float64   `json:"edge,omitempty"`     // the value that was refused last; 0: none
	Patience int       `json:"patience,omitempty"` // a step up to Edge takes so many times as long
	Calm     time.Time `json:"calm,omitzero"`      // the last change
}

const (
	step        = 15 * time.Minute // without a refusal
	steps       = 4                // from nothing to the top
	maxPatience = 16               // steps: four hours
)

// rests reports whether the level is at the top and remembers no refusal.
func (l *Level) rests() bool { return l.At == 0 && l.Edge == 0 }

// value returns the present figure, at most top (0: no limit).
func (l *Level) value(top float64) float64 {
	if l.At > 0 && (top == 0 || l.At < top) {
		return l.At
	}
	return top
}

// cut goes down to a value after another one was refused.
func (l *Level) cut(now time.Time, refused, to float64) {
	if l.Edge > 0 && refused >= l.Edge {
		l.Patience = min(2*max(1, l.Patience), maxPatience)
	} else {
		l.Patience = 1
	}
	l.At, l.Edge, l.Calm = max(1, to), refused, now
}

// grow makes the steps that are due since the last change.
func (l *Level) grow(now time.Time, top float64) {
	if now.Before(l.Calm) { // the clock was set back
		l.Calm = now
	}
	for !l.rests() && l.up(now, top) {
	}
}

// up makes one step, if it is due, and reports whether it did.
func (l *Level) up(now time.Time, top float64) bool {
	next, wait := l.At+top/steps, step
	if l.At > 0 && l.At < l.Edge && next >= l.Edge {
		wait = time.Duration(l.Patience) * step
	}
	if now.Sub(l.Calm) < wait {
		return false
	}
	l.Calm = l.Calm.Add(wait)
	if l.Edge > 0 && l.value(top) >= l.Edge { // the refused value is accepted now
		l.Edge, l.Patience = 0, 0
	}
	if l.At > 0 {
		if l.At = next; next >= top {
			l.At = 0
		}
	}
	return true
}
