package source

import "time"

// Warmth is how far the warm-up of a source has come at one provider. Receivers distrust an
// address that nobody knows, so it begins with few messages a day. Zero: it has sent nothing
// there yet.
type Warmth struct {
	Day     int64 `json:"day,omitempty"`     // of Sent, as Day counts them; 0: there was none
	Ceiling int   `json:"ceiling,omitempty"` // messages on that day
	Sent    int   `json:"sent,omitempty"`    // of these
	Days    int   `json:"days,omitempty"`    // with mail, that day included
	Blamed  bool  `json:"blamed,omitempty"`  // a reply on that day was about the address
}

// Warm is a ceiling that no source needs any more.
const Warm = 100_000

// Day numbers the days, which turn at midnight UTC.
func Day(t time.Time) int64 { return t.Unix() / int64(24*time.Hour/time.Second) }

// Turns is when the day of t ends.
func Turns(t time.Time) time.Time {
	return time.Unix((Day(t)+1)*int64(24*time.Hour/time.Second), 0).UTC()
}

// At returns the warmth on a day, for a source that begins with first messages. The ceiling
// doubles after a day on which half of it was used and no reply was about the address;
// else it stays. A day without mail changes nothing.
func (w Warmth) At(day int64, first int) Warmth {
	switch {
	case w.Day == 0:
		return Warmth{Day: day, Ceiling: first}
	case day <= w.Day: // today, or the clock was set back
		return w
	}
	next := Warmth{Day: day, Ceiling: max(w.Ceiling, first), Days: w.Days}
	if !w.Blamed && 2*w.Sent >= w.Ceiling {
		next.Ceiling = min(2*next.Ceiling, Warm)
	}
	return next
}

// Free returns how many messages may begin still.
func (w *Warmth) Free() int {
	if w.Ceiling >= Warm {
		return Warm
	}
	return max(0, w.Ceiling-w.Sent)
}

// Send notes that n messages begin.
func (w *Warmth) Send(n int) {
	if w.Sent == 0 && n > 0 {
		w.Days++
	}
	w.Sent += n
}
