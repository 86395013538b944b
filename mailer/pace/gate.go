package pace

import "time"

// Gate lets the messages of one account, or of several together, through to a site at the
// pace of limits that the caller names each time.
type Gate struct {
	Busy     int // messages that are under way; the caller counts them
	messages bucket
}

// Free is how many messages may begin now.
func (g *Gate) Free(now time.Time, l Limits) int {
	n := l.Connections - g.Busy
	if l.Rate > 0 {
		n = min(n, g.messages.free(now, speedOf(float64(l.Rate))))
	}
	return max(0, n)
}

// Next is when the rate lets a message through, now or later.
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

// AtRest reports whether a new gate would let no less through.
func (g *Gate) AtRest(now time.Time) bool { return g.Busy == 0 && !g.messages.full.After(now) }
