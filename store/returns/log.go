package returns

import (
	"context"
	"log/slog"
)

// logReturned logs what came back and was counted, and how much was not.
func (s *Returns) logReturned(list []Return, effects []Effect) {
	for i := range effects {
		e, kind := &effects[i], slog.String("kind", string(list[i].Kind))
		if !e.Counted {
			s.o.Quiet.Often(slog.LevelInfo, string(e.Why), "what came back is not counted",
				slog.String("component", "store"), kind, slog.String("why", string(e.Why)), slog.String("reporter", list[i].Reporter))
			continue
		}
		s.o.Log.LogAttrs(context.Background(), slog.LevelInfo, "mail came back", slog.String("component", "store"), kind,
			slog.String("spool_id", e.ID.String()), slog.String("account", e.Account), slog.String("to", e.Recipient),
			slog.String("reporter", list[i].Reporter), slog.String("reply", list[i].Reply), slog.Bool("suppressed", e.Suppressed))
	}
}
