package smtp

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"relay/store"
)

// events writes the log of the listener: one function for each event, its text
// never changes.
type events struct {
	log  *slog.Logger
	away *interval
}

func newEvents(log *slog.Logger) events {
	return events{log: log.With("component", "smtp"), away: &interval{}}
}

// interval lets what repeats through once a minute, with the number of times.
type interval struct {
	mu    sync.Mutex
	last  time.Time
	times int
}

func (i *interval) due() (times int, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.times++
	now := time.Now()
	if now.Sub(i.last) < time.Minute {
		return 0, false
	}
	times, i.last, i.times = i.times, now, 0
	return times, true
}

// LoginFailed is the text of the line about a failed login; its attribute
// "remote" is the client's address. Tools that watch logs rely on both.
const LoginFailed = "login failed"

func (e events) at(level slog.Level, text string, attrs ...slog.Attr) {
	e.log.LogAttrs(context.Background(), level, text, attrs...)
}

func (e events) loginFailed(c *Conn, login string, banned bool) {
	e.at(slog.LevelWarn, LoginFailed, slog.String("remote", c.addr.String()), slog.String("login", printable(login)), slog.Bool("banned", banned))
}

func (e events) loggedIn(c *Conn, login, account string) {
	if e.log.Enabled(context.Background(), slog.LevelDebug) {
		e.at(slog.LevelDebug, "logged in", slog.String("remote", c.addr.String()), slog.String("login", login), slog.String("account", account))
	}
}

func (e events) accepted(c *Conn, m *store.Message) {
	e.at(slog.LevelInfo, "message accepted", slog.String("spool_id", m.ID.String()), slog.String("account", m.Account),
		slog.String("from", m.Sender), slog.Int64("size", m.Size), slog.Int("rcpt", len(m.Recipients)), slog.String("remote", c.client))
}

func (e events) refused(c *Conn, account string, r *reply) {
	e.at(slog.LevelInfo, "message refused", slog.String("account", account), slog.String("remote", c.client),
		slog.Int("code", r.code), slog.String("reply", r.text))
}

func (e events) turnedAway(c *Conn, r *reply) {
	if n, ok := e.away.due(); ok {
		e.at(slog.LevelWarn, "connection turned away", slog.String("remote", c.client), slog.String("reply", r.text), slog.Int("count", n))
	}
}

func (e events) handshakeFailed(c *Conn, err error) {
	e.at(slog.LevelInfo, "TLS handshake failed", slog.String("remote", c.client), slog.Any("err", err))
}

func (e events) storeFailed(c *Conn, err error) {
	e.at(slog.LevelError, "store failed", slog.String("remote", c.client), slog.Any("err", err))
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
	e.at(slog.LevelWarn, "go-smtp", slog.String("format", format), slog.Any("args", v))
}
