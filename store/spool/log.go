package spool

import (
	"context"
	"log/slog"
	"slices"

	"relay/store/spooled"
)

// logDropped logs the messages that an operator dropped. partly are those of them that still have other
// recipients.
func (s *Spool) logDropped(ids, partly []spooled.ID) {
	for _, id := range ids {
		text := "message dropped"
		if slices.Contains(partly, id) {
			text = "recipients dropped"
		}
		s.o.Log.Info(text, "component", "store", "spool_id", id.String())
	}
}

// LogDSNs logs what became of DSNs. The caller of the transaction calls it, after it has logged the
// outcomes that the DSNs tell of.
func (s *Spool) LogDSNs(list ...DSNResult) {
	for i := range list {
		switch d := &list[i]; {
		case d.Notice != nil:
			s.logDSN(d)
		case d.Withheld:
			s.o.Quiet.Often(slog.LevelWarn, d.Account, "no DSN: the account has had as many as it may in this hour",
				slog.String("component", "store"), slog.String("spool_id", d.About.String()), slog.String("account", d.Account))
		default:
			s.o.Log.Warn("no DSN: the sender's address has no domain to send it to", "component", "store",
				"spool_id", d.About.String(), "account", d.Account, "from", d.From)
		}
	}
}

func (s *Spool) logDSN(d *DSNResult) {
	m := &d.Notice.Message
	s.o.Log.LogAttrs(context.Background(), slog.LevelInfo, "DSN queued",
		slog.String("component", "store"),
		slog.String("spool_id", m.ID.String()),
		slog.String("about", d.About.String()),
		slog.String("account", m.Whose()),
		slog.String("to", m.Recipients[0].Address),
		slog.Int("size", len(d.Notice.Body)),
		slog.Int("rcpt", len(m.Recipients)),
		slog.String("message_id", m.MessageID))
	if d.Unread != nil {
		s.o.Quiet.Often(slog.LevelError, "", "a DSN goes without the message it is about",
			slog.String("component", "store"), slog.String("spool_id", d.About.String()), slog.Any("err", d.Unread))
	}
}
