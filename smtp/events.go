package smtp

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"relay/smtp/backmail"
	"relay/smtp/guard"
	"relay/store/eventlog"
	"relay/store/people"
	"relay/store/quiet"
	"relay/store/spooled"
)

// events writes the log of the listener: one function for each event, its text
// never changes.
type events struct {
	log   *slog.Logger
	quiet *quiet.Log // for what strangers, or a disk, can make repeat
}

func newEvents(log *slog.Logger) events {
	log = log.With("component", "smtp")
	return events{log, quiet.New(log)}
}

// LoginFailed is the text of the line about a failed login; its attribute
// "remote" is the client's address. Tools that watch logs rely on both.
const LoginFailed = "login failed"

func (e events) at(level slog.Level, text string, attrs ...slog.Attr) {
	eventlog.Write(e.log, level, text, attrs...)
}

// loginFailed has another text for the same wrong login again, as it counts once:
// a device with an old password must not have tools ban its whole office.
func (e events) loginFailed(c *Conn, login string, f guard.Failure) {
	e.failed(c.client, login, c.session.mech, f)
}

func (e events) wrongToken(from netip.Addr, f guard.Failure) { e.failed(from.String(), "", "TOKEN", f) }

func (e events) failed(remote, login, auth string, f guard.Failure) {
	attrs := []slog.Attr{slog.String("remote", remote), slog.String("login", login), slog.String("auth", auth)}
	if f.Again {
		e.quiet.Often(slog.LevelWarn, remote, "login failed again", attrs...)
		return
	}
	e.at(slog.LevelWarn, LoginFailed, append(attrs, slog.Bool("banned", !f.Until.IsZero()))...)
}

func (e events) banned(b guard.Ban) {
	attrs := []slog.Attr{slog.String("network", b.Network.String()), slog.Int("failed", b.Failed), slog.Time("until", b.Until.UTC())}
	if b.Wide() {
		e.at(slog.LevelWarn, "network banned", attrs...)
		return
	}
	e.at(slog.LevelWarn, "address banned", attrs...)
}

func (e events) locked(login string, f guard.Failure) {
	e.at(slog.LevelWarn, "login locked", slog.String("login", login), slog.Int("failed", f.Failed), slog.Time("until", f.Until.UTC()))
}

// loginLocked is another text than LoginFailed: who comes with the right password
// to a locked login must not be banned by tools for it.
func (e events) loginLocked(c *Conn, login string, until time.Time) {
	e.quiet.Often(slog.LevelWarn, login, "login refused while it is locked", slog.String("remote", c.client),
		slog.String("login", login), slog.Time("until", until.UTC()))
}

// loginHeld is another text than LoginFailed too: the password was right.
func (e events) loginHeld(c *Conn, login string, h *people.LoginHold) {
	e.quiet.Often(slog.LevelWarn, login, "login refused while it is held", slog.String("remote", c.client),
		slog.String("login", login), slog.Time("since", h.Since), slog.String("by", string(h.Holder)), slog.String("reason", h.Reason))
}

// accessLost is that a use from a new network was not noted, so nobody is told of it.
func (e events) accessLost(c *Conn, login string, err error) {
	e.quiet.Often(slog.LevelWarn, login, "use of a login not noted", slog.String("remote", c.client), slog.String("login", login), slog.Any("err", err))
}

// watched is that a login came from a new network after wrong passwords.
func (e events) watched(c *Conn, login string) {
	e.at(slog.LevelWarn, "login watched: it came from a new network after wrong passwords", slog.String("remote", c.client), slog.String("login", login))
}

func (e events) loggedIn(c *Conn, login, account string) {
	if e.log.Enabled(context.Background(), slog.LevelDebug) {
		e.at(slog.LevelDebug, "logged in", slog.String("remote", c.client), slog.String("login", login), slog.String("account", account))
	}
}

func (e events) accepted(c *Conn, m *spooled.Message) {
	e.quiet.Works("", storeFailed)
	e.at(slog.LevelInfo, "message accepted", slog.String("spool_id", m.ID.String()), slog.String("account", m.Account),
		slog.String("login", c.session.login.Login), slog.String("auth", c.session.mech), slog.String("from", m.Sender), slog.Int64("size", m.Size),
		slog.Int("rcpt", len(m.Recipients)), slog.String("message_id", m.MessageID), slog.String("remote", c.client))
}

func (e events) asked(c *Conn, in *backmail.Incoming) {
	e.at(slog.LevelInfo, "question taken", slog.String("account", in.Account), slog.String("login", in.Login), slog.String("from", in.Sender),
		slog.String("to", in.Recipient), slog.Int64("size", in.Size), slog.String("remote", c.client))
}

func (e events) unanswered(c *Conn, in *backmail.Incoming, err error) {
	e.quiet.Often(slog.LevelWarn, in.Account, "question not answered: its sender may try again", slog.String("account", in.Account),
		slog.String("to", in.Recipient), slog.String("remote", c.client), slog.Any("err", err))
}

// refused at a stage: MAIL, RCPT, or the end of the content.
func (e events) refused(c *Conn, account, stage string, r *reply) {
	e.quiet.Often(slog.LevelInfo, account+" "+stage+" "+r.Enhanced(), "message refused", refusalAttrs(c, account, stage, r)...)
}

func (e events) tooFast(c *Conn, account, stage string, r *reply) {
	e.quiet.Often(slog.LevelInfo, account+" "+stage, "account over its rate", refusalAttrs(c, account, stage, r)...)
}

func refusalAttrs(c *Conn, account, stage string, r *reply) []slog.Attr {
	s := &c.session
	attrs := []slog.Attr{slog.String("account", account), slog.String("from", s.mail.From.Addr), slog.String("remote", c.client),
		slog.String("stage", stage), slog.Int("code", r.Code), slog.String("enhanced", r.Enhanced()), slog.String("reply", r.Text)}
	if stage == "RCPT" {
		attrs = append(attrs, slog.String("to", s.rcpt.To.Addr))
	}
	return attrs
}

func (e events) turnedAway(c *Conn, r *reply) {
	e.quiet.Often(slog.LevelWarn, "", "connection turned away", slog.String("remote", c.client), slog.Int("code", r.Code),
		slog.String("enhanced", r.Enhanced()), slog.String("reply", r.Text))
}

func (e events) proxyBroken(c *Conn, err error) {
	e.quiet.Often(slog.LevelWarn, c.client, "no good PROXY header from a listed proxy: connection closed",
		slog.String("remote", c.client), slog.Any("err", err))
}

func (e events) notMail(c *Conn) {
	e.quiet.Often(slog.LevelWarn, c.client, "HTTP request on a port for mail: connection closed", slog.String("remote", c.client))
}

func (e events) handshakeFailed(c *Conn, err error) {
	e.quiet.Often(slog.LevelInfo, c.client, "TLS handshake failed", slog.String("remote", c.client), slog.Any("err", err))
}

const storeFailed = "store failed"

// storeFailed lasts until a message is accepted.
func (e events) storeFailed(c *Conn, err error) {
	e.quiet.Fails(slog.LevelError, "", storeFailed, slog.String("remote", c.client), slog.Any("err", err))
}

const placesNotSaved = "addresses of logins not saved: after a restart they are strangers"

// placesSaved tells a failure, once until it is over.
func (e events) placesSaved(err error) {
	if err == nil {
		e.quiet.Works("", placesNotSaved)
		return
	}
	e.quiet.Fails(slog.LevelWarn, "", placesNotSaved, slog.Any("err", err))
}

func (e events) panicked(c *Conn, v any, stack []byte) {
	e.at(slog.LevelError, "session panicked", slog.String("remote", c.client), slog.Any("err", v), slog.String("stack", string(stack)))
}

func (e events) drained(left int, took time.Duration) {
	e.at(slog.LevelInfo, "listener stopped", slog.Int("cut_off", left), slog.Duration("delay", took))
}

// Printf and Println make events go-smtp's logger.
func (e events) Printf(format string, v ...any) { e.library(format, v) }

// Println is the other half of go-smtp's Logger.
func (e events) Println(v ...any) { e.library("", v) }

func (e events) library(format string, v []any) {
	e.quiet.Often(slog.LevelWarn, format, "go-smtp", slog.String("format", format), slog.Any("args", v))
}
