package pace

import "time"

// Gate limits the messages of one account, or of several together, to a site. The caller
// names the limits each time, since they change.
type Gate struct {
	Busy     int // messages under way; the caller counts them
	messages bucket
}

// Free returns how many messages may begin now.
func (g *Gate) Free(now time.Time, l Limits) int {
	n := l.Connections - g.Busy
	if l.Rate > 0 {
		n = min(n, g.messages.free(now, speedOf(float64(l.Rate))))
	}
	return max(0, n)
}

// Next returns when the rate lets a message through, now or later.
func (g *Gate) Next(now time.Time, l Limits) time.Time {
	if l.Rate == 0 {
		return now
	}
	return g.messages.next(now, speedOf(float64(l.Rate)))
}

// Send notes that n messages begin.
func (g *Gate) Send(now time.Time, n int, l Limits) {
	if l.Rate > 0 {
		g.messages.take(now, n, speedOf(float64(l.Rate)))
	}
}

// AtRest reports whether a new gate would allow as much, so that this one can be forgotten.
func (g *Gate) AtRest(now time.Time) bool { return g.Busy == 0 && !g.messages.full.After(now) }
