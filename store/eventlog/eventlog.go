// Package eventlog writes the lines of the log that each message has.
//
// slog walks the stack for every line, to tell where in the code it was asked for. relay's log does
// not show that, so these lines are made without it.
package eventlog

import (
	"context"
	"log/slog"
	"time"
)

// Write is slog.Logger.LogAttrs for lines without their place in the code.
func Write(log *slog.Logger, level slog.Level, text string, attrs ...slog.Attr) {
	ctx, h := context.Background(), log.Handler()
	if !h.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(time.Now(), level, text, 0)
	r.AddAttrs(attrs...)
	_ = h.Handle(ctx, r) // a log that cannot be written is not a reason to stop mail
}
