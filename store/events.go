package store

import (
	"context"
	"log/slog"
	"slices"

	"relay/store/spooled"
)

// One function per event. What an account does with a message is logged by who
// does it; here is what only the store knows.

func (s *Store) logDropped(ids, partly []spooled.ID) {
	for _, id := range ids {
		text := "message dropped"
		if slices.Contains(partly, id) {
			text = "recipients dropped"
		}
		s.log.Info(text, "component", "store", "spool_id", id.String())
	}
}

// LogDSNs logs what became of DSNs. The caller of the transaction does, since it logs
// first what they are about.
func (s *Store) LogDSNs(list ...DSNResult) {
	for i := range list {
		switch d := &list[i]; {
		case d.Notice != nil:
			s.logDSN(d)
		case d.Withheld:
			s.quiet.Often(slog.LevelWarn, d.Account, "no DSN: the account has had as many as it may in this hour",
				slog.String("component", "store"), slog.String("spool_id", d.About.String()), slog.String("account", d.Account))
		default:
			s.log.Warn("no DSN: the sender's address has no domain to send it to", "component", "store",
				"spool_id", d.About.String(), "account", d.Account, "from", d.From)
		}
	}
}

func (s *Store) logDSN(d *DSNResult) {
	m := &d.Notice.Message
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "DSN queued",
		slog.String("component", "store"),
		slog.String("spool_id", m.ID.String()),
		slog.String("about", d.About.String()),
		slog.String("account", m.Whose()),
		slog.String("to", m.Recipients[0].Address),
		slog.Int("size", len(d.Notice.Body)),
		slog.Int("rcpt", len(m.Recipients)),
		slog.String("message_id", m.MessageID))
	if d.Unread != nil {
		s.quiet.Often(slog.LevelError, "", "a DSN goes without the message it is about",
			slog.String("component", "store"), slog.String("spool_id", d.About.String()), slog.Any("err", d.Unread))
	}
}

// logReturned logs what came back and was counted, and how much was not.
func (s *Store) logReturned(list []Return, effects []ReturnEffect) {
	for i := range effects {
		e, kind := &effects[i], slog.String("kind", string(list[i].Kind))
		if !e.Counted {
			s.quiet.Often(slog.LevelInfo, string(e.Why), "what came back is not counted",
				slog.String("component", "store"), kind, slog.String("why", string(e.Why)), slog.String("reporter", list[i].Reporter))
			continue
		}
		s.log.LogAttrs(context.Background(), slog.LevelInfo, "mail came back", slog.String("component", "store"), kind,
			slog.String("spool_id", e.ID.String()), slog.String("account", e.Account), slog.String("to", e.Recipient),
			slog.String("reporter", list[i].Reporter), slog.String("reply", list[i].Reply), slog.Bool("suppressed", e.Suppressed))
	}
}
