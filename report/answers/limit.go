package answers

import (
	"sync"
	"time"
)

const (
	perDay       = 10     // answers to an address
	mostCounted  = 50_000 // addresses; further ones are not answered that day
	dayOfAnswers = 24 * time.Hour
)

// limit counts answers by address, in memory, in days of UTC.
type limit struct {
	mu   sync.Mutex
	day  int64
	sent map[string]int
}

func newLimit() *limit { return &limit{sent: map[string]int{}} }

// take counts an answer; false: there were enough.
func (l *limit) take(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over(key, now) {
		return false
	}
	l.sent[key]++
	return true
}

func (l *limit) full(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over(key, now)
}

func (l *limit) over(key string, now time.Time) bool {
	if day := now.Unix() / int64(dayOfAnswers/time.Second); day != l.day {
		l.day = day
		clear(l.sent)
	}
	n := l.sent[key]
	return n >= perDay || n == 0 && len(l.sent) >= mostCounted
}
