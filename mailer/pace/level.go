package pace

import "time"

// Level is a figure that is halved when it was too much, and comes back in steps. Each
// step takes a clean quarter of an hour and gives back a quarter of the top. A step up to
// what was refused before takes longer each time it is refused again, so that a limit that
// nobody publishes is found without running into it all day.
type Level struct {
	At       float64   `json:"at,omitempty"`       // 0: at the top
	Edge     float64   `json:"edge,omitempty"`     // what was refused last; 0: nothing
	Patience int       `json:"patience,omitempty"` // steps that one up to Edge takes
	Calm     time.Time `json:"calm,omitzero"`      // the last change
}

const (
	step        = 15 * time.Minute // clean, before something is given back
	steps       = 4                // of which the top is made
	maxPatience = 16               // steps: four hours
)

// rests reports a level at the top that nothing is remembered of.
func (l *Level) rests() bool { return l.At == 0 && l.Edge == 0 }

func (l *Level) value(top float64) float64 {
	if l.At > 0 && (top == 0 || l.At < top) {
		return l.At
	}
	return top
}

// cut goes down to a value, from one that was refused.
func (l *Level) cut(now time.Time, refused, to float64) {
	if l.Edge > 0 && refused >= l.Edge {
		l.Patience = min(2*max(1, l.Patience), maxPatience)
	} else {
		l.Patience = 1
	}
	l.At, l.Edge, l.Calm = max(1, to), refused, now
}

// grow gives back what the clean time since the last change is worth.
func (l *Level) grow(now time.Time, top float64) {
	if now.Before(l.Calm) { // the clock was set back
		l.Calm = now
	}
	for !l.rests() && l.up(now, top) {
	}
}

// up is one step, if its time has come.
func (l *Level) up(now time.Time, top float64) bool {
	next, wait := l.At+top/steps, step
	if l.At > 0 && l.At < l.Edge && next >= l.Edge {
		wait = time.Duration(l.Patience) * step
	}
	if now.Sub(l.Calm) < wait {
		return false
	}
	l.Calm = l.Calm.Add(wait)
	if l.Edge > 0 && l.value(top) >= l.Edge { // it was clean at what had been refused
		l.Edge, l.Patience = 0, 0
	}
	if l.At > 0 {
		if l.At = next; next >= top {
			l.At = 0
		}
	}
	return true
}
