package pace

import "time"

// bucket limits messages a minute, with a small burst (generic cell rate algorithm). It
// begins full.
type bucket struct {
	full time.Time // when the whole burst is there again
	last time.Time // when something was taken, or the bucket began
}

// speed has a bucket's parameters: in no minute more than the rate goes through.
type speed struct {
	every time.Duration
	burst int
}

// burstPart of a minute's messages may go at once.
const burstPart = 10

func speedOf(rate float64) speed {
	burst := max(1, int(rate)/burstPart)
	return speed{time.Duration(float64(time.Minute)/(rate-float64(burst)+1)) + 1, burst}
}

// settle fills a new bucket, and moves it along with a clock that was set back.
func (b *bucket) settle(now time.Time, s speed) {
	switch {
	case b.last.IsZero():
		b.full = now
	case now.Before(b.last):
		b.full = b.full.Add(now.Sub(b.last))
	default:
		return
	}
	b.last = now
}

// free returns how many may go through now.
func (b *bucket) free(now time.Time, s speed) int {
	b.settle(now, s)
	lacks := b.full.Sub(now)
	if lacks <= 0 {
		return s.burst
	}
	return max(0, s.burst-int((lacks+s.every-1)/s.every))
}

// take lets n through, whether or not they are free.
func (b *bucket) take(now time.Time, n int, s speed) {
	b.settle(now, s)
	if b.full.Before(now) {
		b.full = now
	}
	b.full, b.last = b.full.Add(time.Duration(n)*s.every), now
}

// empty takes the burst away: the next one goes through after a whole interval.
func (b *bucket) empty(now time.Time, s speed) {
	b.full, b.last = now.Add(time.Duration(s.burst)*s.every), now
}

// next returns when one may go through, now or later.
func (b *bucket) next(now time.Time, s speed) time.Time {
	b.settle(now, s)
	if at := b.full.Add(-time.Duration(s.burst-1) * s.every); at.After(now) {
		return at
	}
	return now
}

// meter counts what went through in about the last minute.
type meter struct {
	began       time.Time
	now, before int
}

func (m *meter) add(now time.Time, n int) {
	m.turn(now)
	m.now += n
}

func (m *meter) turn(now time.Time) {
	switch age := now.Sub(m.began); {
	case age < 0 || age >= 2*time.Minute:
		*m = meter{began: now}
	case age >= time.Minute:
		*m = meter{began: m.began.Add(time.Minute), before: m.now}
	}
}

// rate returns about how many went through in the last minute.
func (m *meter) rate(now time.Time) float64 {
	m.turn(now)
	left := 1 - float64(now.Sub(m.began))/float64(time.Minute)
	return float64(m.now) + float64(m.before)*left
}
