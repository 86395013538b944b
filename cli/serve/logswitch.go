package serve

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
)

// logSwitch is a log handler that can be exchanged while loggers are in use, and
// with it the log's level and shape.
type logSwitch struct {
	now   *atomic.Pointer[slog.Handler]     // of all loggers
	steps []func(slog.Handler) slog.Handler // what this logger adds to it
	made  *atomic.Pointer[madeHandler]      // of this logger
}

// madeHandler is a handler with a logger's additions.
type madeHandler struct {
	from *slog.Handler
	with slog.Handler
}

func newLogSwitch(h slog.Handler) *logSwitch {
	l := &logSwitch{now: new(atomic.Pointer[slog.Handler]), made: new(atomic.Pointer[madeHandler])}
	l.set(h)
	return l
}

// set puts another handler in the place of all.
func (l *logSwitch) set(h slog.Handler) { l.now.Store(&h) }

// handler is the one in force, with this logger's additions.
func (l *logSwitch) handler() slog.Handler {
	from := l.now.Load()
	if m := l.made.Load(); m != nil && m.from == from {
		return m.with
	}
	with := *from
	for _, step := range l.steps {
		with = step(with)
	}
	l.made.Store(&madeHandler{from, with})
	return with
}

// then returns a logger's handler with one more addition, under the same switch.
func (l *logSwitch) then(step func(slog.Handler) slog.Handler) slog.Handler {
	return &logSwitch{now: l.now, steps: append(slices.Clip(l.steps), step), made: new(atomic.Pointer[madeHandler])}
}

// Enabled implements slog.Handler.
func (l *logSwitch) Enabled(ctx context.Context, level slog.Level) bool {
	return (*l.now.Load()).Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (l *logSwitch) Handle(ctx context.Context, r slog.Record) error {
	return l.handler().Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (l *logSwitch) WithAttrs(attrs []slog.Attr) slog.Handler {
	return l.then(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (l *logSwitch) WithGroup(name string) slog.Handler {
	return l.then(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}
