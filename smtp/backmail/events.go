package backmail

import (
	"context"
	"log/slog"

	"relay/smtp/returned"
	"relay/smtp/wire"
	"relay/store/quiet"
)

// events writes the log of the listener: one function for each event.
type events struct {
	log   *slog.Logger
	quiet *quiet.Log // for what strangers, or a disk, can make repeat
}

func newEvents(log *slog.Logger) events {
	if log == nil {
		log = slog.Default()
	}
	log = log.With("component", "back-mail")
	return events{log, quiet.New(log)}
}

// taken is logged before the message is worked on: what follows from it is logged by the store.
func (e events) taken(m *message, mail *returned.Mail) {
	attrs := []slog.Attr{slog.String("to", m.to), slog.String("from", m.conn.mail.From.Addr), slog.String("remote", m.conn.remote.Addr().String()),
		slog.Int64("size", m.content.Size), slog.String("back_id", m.id.String())}
	if mail != nil {
		attrs = append(attrs, slog.String("kind", mail.Kind.String()), slog.String("shape", mail.Shape), slog.String("message_id", mail.MessageID))
	}
	e.log.LogAttrs(context.Background(), slog.LevelDebug, "mail came back", attrs...)
}

func (e events) refused(c *conn, to string, r *wire.Reply) {
	e.quiet.Often(slog.LevelInfo, r.Enhanced(), "mail refused", slog.String("to", to), slog.String("from", c.mail.From.Addr),
		slog.String("remote", c.remote.Addr().String()), slog.Int("code", r.Code), slog.String("enhanced", r.Enhanced()), slog.String("reply", r.Text))
}

func (e events) turnedAway(c *conn, r *wire.Reply) {
	e.quiet.Often(slog.LevelWarn, "", "connection turned away", slog.String("remote", c.remote.Addr().String()), slog.Int("code", r.Code),
		slog.String("enhanced", r.Enhanced()), slog.String("reply", r.Text))
}

func (e events) proxyBroken(c *conn, err error) {
	e.quiet.Often(slog.LevelWarn, c.remote.Addr().String(), "no good PROXY header from a listed proxy: connection closed",
		slog.String("remote", c.remote.Addr().String()), slog.Any("err", err))
}

func (e events) handshakeFailed(c *conn, err error) {
	e.quiet.Often(slog.LevelInfo, c.remote.Addr().String(), "TLS handshake failed", slog.String("remote", c.remote.Addr().String()), slog.Any("err", err))
}

func (e events) failed(c *conn, err error) {
	e.quiet.Often(slog.LevelError, "", "mail that came back could not be worked on: the client comes again", slog.String("remote", c.remote.Addr().String()), slog.Any("err", err))
}

func (e events) panicked(c *conn, v any, stack []byte) {
	e.log.LogAttrs(context.Background(), slog.LevelError, "session panicked", slog.String("remote", c.remote.Addr().String()), slog.Any("err", v), slog.String("stack", string(stack)))
}
