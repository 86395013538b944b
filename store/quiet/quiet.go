// Package quiet keeps a log readable while something goes wrong again and again.
//
//  1. The first failure under a key is logged at once.
//  2. Those that follow within Every are counted. When it is over the last of
//     them is logged with their number; and so on, once in that time.
//  3. What can tell that it works again says so with Works: that is logged once,
//     with the number of failures. Of what cannot, a time without any is the end:
//     the next failure is a first one again.
//  4. Flush tells at the end what was counted till then.
//
// A crash loses the count of at most one interval.
package quiet

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Every is how often the same failure is logged.
const Every = time.Minute

// maxKeys is how many keys are told apart at a time; more share a line. It is
// what bounds memory and log when strangers choose the keys.
const maxKeys = 256

// Log is a logger for what repeats. Its methods may be called from any goroutine.
type Log struct {
	log     *slog.Logger
	lasting atomic.Int32 // failures that wait for Works

	mu   sync.Mutex
	open map[id]*failure
}

type id struct{ text, key string }

// failure is what goes wrong at present.
type failure struct {
	since   time.Time
	total   int
	lasting bool        // until Works says that it is over
	timer   *time.Timer // runs until the next line is due; nil: the next failure is logged at once

	waiting int // failures since the last line
	level   slog.Level
	attrs   []slog.Attr // of the last one
}

// New makes a logger for what repeats.
func New(log *slog.Logger) *Log {
	return &Log{log: log, open: make(map[id]*failure)}
}

// Often logs what may come often, and of which nobody can say when it is over.
func (q *Log) Often(level slog.Level, key, text string, attrs ...slog.Attr) {
	q.add(level, id{text, key}, attrs, false)
}

// Fails logs a failure that lasts until Works is called with the same text and key.
func (q *Log) Fails(level slog.Level, key, text string, attrs ...slog.Attr) {
	q.add(level, id{text, key}, attrs, true)
}

// Works ends what Fails began, with the line "over: text". It costs next to
// nothing while nothing fails.
func (q *Log) Works(key, text string) {
	if q.lasting.Load() == 0 {
		return
	}
	q.mu.Lock()
	f := q.open[id{text, key}]
	if f == nil || !f.lasting {
		q.mu.Unlock()
		return
	}
	q.remove(id{text, key}, f)
	q.mu.Unlock()
	q.log.LogAttrs(context.Background(), slog.LevelInfo, "over: "+text, slog.String("key", key),
		slog.Int("failures", f.total), slog.Duration("lasted", time.Since(f.since).Round(time.Millisecond)))
}

func (q *Log) add(level slog.Level, k id, attrs []slog.Attr, lasting bool) {
	if !q.log.Enabled(context.Background(), level) {
		return
	}
	if first := q.count(level, k, attrs, lasting); first {
		q.log.LogAttrs(context.Background(), level, k.text, attrs...)
	}
}

// count notes a failure and reports whether it is to be logged now.
func (q *Log) count(level slog.Level, k id, attrs []slog.Attr, lasting bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := q.open[k]
	if f == nil && len(q.open) >= maxKeys && k.key != "" {
		k.key, lasting = "", false
		f = q.open[k]
	}
	if f == nil {
		f = &failure{since: time.Now(), lasting: lasting}
		q.open[k] = f
		if lasting {
			q.lasting.Add(1)
		}
	}
	f.total++
	if f.timer != nil {
		f.waiting++
		f.level, f.attrs = level, slices.Clone(attrs)
		return false
	}
	f.timer = time.AfterFunc(Every, func() { q.due(k, f) })
	return true
}

// due logs what was counted, or ends what has not come again.
func (q *Log) due(k id, f *failure) {
	q.mu.Lock()
	if q.open[k] != f {
		q.mu.Unlock()
		return
	}
	last := *f
	f.waiting, f.attrs = 0, nil
	switch {
	case last.waiting > 0:
		f.timer.Reset(Every)
	case f.lasting:
		f.timer = nil
	default:
		q.remove(k, f)
	}
	q.mu.Unlock()
	last.tell(q.log, k)
}

// tell logs what waits.
func (f *failure) tell(log *slog.Logger, k id) {
	if f.waiting > 0 {
		log.LogAttrs(context.Background(), f.level, k.text, append(f.attrs, slog.Int("count", f.waiting))...)
	}
}

// Flush logs what was counted since the last lines, and forgets it: it is for the
// end.
func (q *Log) Flush() {
	q.mu.Lock()
	open := q.open
	q.open = make(map[id]*failure)
	q.lasting.Store(0)
	q.mu.Unlock()
	for k, f := range open { // nobody else has them any more
		if f.timer != nil {
			f.timer.Stop()
		}
		f.tell(q.log, k)
	}
}

func (q *Log) remove(k id, f *failure) {
	delete(q.open, k)
	if f.lasting {
		q.lasting.Add(-1)
	}
	if f.timer != nil {
		f.timer.Stop()
	}
}
