package logline

import (
	"context"
	"io"
	"log/slog"
	"sync"
)

// Journal is slog's text handler for a stream into the journal.
func Journal(w io.Writer, level slog.Leveler) slog.Handler {
	to := &prefixed{w: w}
	return &journal{to: to, Handler: slog.NewTextHandler(to, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})}
}

type journal struct {
	slog.Handler
	to *prefixed
}

// Handle implements slog.Handler.
func (j *journal) Handle(ctx context.Context, r slog.Record) error {
	j.to.mu.Lock()
	defer j.to.mu.Unlock()
	j.to.priority = priority(r.Level)
	return j.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (j *journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &journal{j.Handler.WithAttrs(attrs), j.to}
}

// WithGroup implements slog.Handler.
func (j *journal) WithGroup(name string) slog.Handler {
	return &journal{j.Handler.WithGroup(name), j.to}
}

// prefixed puts the priority before a record. mu is held from the choice of the
// priority to the end of the write.
type prefixed struct {
	mu       sync.Mutex
	w        io.Writer
	priority byte
	buf      []byte
}

func (p *prefixed) Write(b []byte) (int, error) {
	p.buf = append(append(p.buf[:0], '<', p.priority, '>'), b...)
	if n, err := p.w.Write(p.buf); err != nil {
		return max(0, n-3), err
	}
	return len(b), nil
}

// priority of syslog, as a digit.
func priority(l slog.Level) byte {
	switch {
	case l >= slog.LevelError:
		return '3'
	case l >= slog.LevelWarn:
		return '4'
	case l >= slog.LevelInfo:
		return '6'
	}
	return '7'
}
