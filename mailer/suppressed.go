package mailer

import (
	"context"
	"log/slog"
	"time"

	"relay/mailer/verdict"
	"relay/store"
)

// suppressed logs what the store has given up of a claim, and reports whether nothing is
// left of it to try.
func (s *schedule) suppressed(c *store.Claimed) bool {
	if len(c.Suppressed) == 0 {
		return false
	}
	s.m.logSuppressed(c)
	return len(c.Rcpts) == 0
}

// logSuppressed writes a line for each recipient that was suppressed, and what else came of it.
func (m *Mailer) logSuppressed(c *store.Claimed) {
	msg := c.Message
	for _, i := range c.Suppressed {
		r := &msg.Recipients[i]
		m.log.LogAttrs(context.Background(), slog.LevelInfo, "message suppressed",
			slog.String("spool_id", msg.ID.String()),
			slog.String("account", msg.Account),
			slog.String("from", msg.Sender),
			slog.String("to", r.Address),
			slog.String("enhanced", m.statusOf(verdict.Category(r.Verdict.Category))),
			slog.Duration("delay", m.store.Now().Sub(msg.Accepted).Round(time.Millisecond)),
			slog.String("category", r.Verdict.Category),
			slog.String("reply", r.Reply))
	}
	m.store.LogDSNs(c.DSNs...)
	if msg.Done() {
		m.doubts.settle(msg.ID)
		m.signatures.forget(msg.ID)
		m.log.LogAttrs(context.Background(), slog.LevelInfo, "message removed", slog.String("spool_id", msg.ID.String()))
	}
}

// statusOf is the enhanced code of a recipient that is suppressed for a reason.
func (m *Mailer) statusOf(c verdict.Category) string {
	if row := m.config().Suppress.Of(c); row != nil {
		return row.Status
	}
	return "5.7.1"
}

// suppresses says what a category of replies means for further mail to the recipient; nil:
// nothing.
func (m *Mailer) suppresses(c verdict.Category) *store.Suppressing {
	row := m.config().Suppress.Of(c)
	if row == nil {
		return nil
	}
	return &store.Suppressing{Reason: string(c), Status: row.Status, Messages: row.Messages, Over: row.Over, Keep: row.Keep}
}
