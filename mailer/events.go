package mailer

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"relay/mailer/client"
	"relay/store"
)

var attemptText = map[store.RecipientState]string{
	store.Delivered: "message delivered",
	store.Deferred:  "message deferred",
	store.Failed:    "message bounced",
	store.Expired:   "message expired",
}

// logAttempt writes a line for each kind of outcome, which is one line for
// nearly all messages.
func (m *Mailer) logAttempt(a *attempt, states []store.RecipientState) {
	if !m.log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	for i, state := range states {
		first := true
		for _, before := range states[:i] {
			first = first && before != state
		}
		if first {
			m.logOutcome(a, states, state, &a.targets[i].out)
		}
	}
}

func (m *Mailer) logOutcome(a *attempt, states []store.RecipientState, state store.RecipientState, o *client.Outcome) {
	msg := a.job.message
	m.log.LogAttrs(context.Background(), slog.LevelInfo, attemptText[state],
		slog.String("spool_id", msg.ID.String()),
		slog.String("account", msg.Account),
		slog.String("from", msg.Sender),
		slog.String("to", a.names(states, state)),
		slog.String("next_hop", a.hop),
		slog.String("tls", a.tls),
		slog.Int("code", o.Reply.Code),
		slog.String("enhanced", o.Reply.Status()),
		slog.String("stage", o.Stage.String()),
		slog.String("reply", o.Reply.Text),
		slog.Int64("ms", time.Since(a.began).Milliseconds()))
}

// names are the recipients in that state, the first ones of many.
func (a *attempt) names(states []store.RecipientState, state store.RecipientState) string {
	const most = 10
	var list []string
	for i, s := range states {
		if s != state {
			continue
		}
		if len(list) == most {
			list = append(list, "…")
			break
		}
		list = append(list, a.recipient(i).Address)
	}
	return strings.Join(list, ",")
}

func (m *Mailer) logExpired(msg *store.Message, r *store.Recipient, reply string) {
	m.log.Info(attemptText[store.Expired], "spool_id", msg.ID.String(), "account", msg.Account,
		"from", msg.Sender, "to", r.Address, "reply", reply)
}

func (m *Mailer) logNoNotice(msg *store.Message) {
	m.log.Warn("no DSN: the sender's address has no domain to send it to",
		"spool_id", msg.ID.String(), "account", msg.Account, "from", msg.Sender)
}

// logSiteDown comes once an interval, since a site is tried once an interval.
func (m *Mailer) logSiteDown(t *site) {
	m.log.Warn("next hop down", "next_hop", t.key, "failures", t.failures, "next_attempt", t.until, "err", t.why)
}

func (m *Mailer) logSiteUp(t *site) {
	m.log.Info("next hop up again", "next_hop", t.key, "failures", t.failures)
}

func (m *Mailer) logHostFailed(f *failure) {
	m.log.Debug("connection not made", "next_hop", hopName(f.host, f.addr), "err", f.err)
}

// logStoreError writes the first error of an operation, and one a minute after it.
func (m *Mailer) logStoreError(op string, err error) {
	if m.quiet.pass(op, time.Now()) {
		m.log.Error("store", "op", op, "err", err)
	}
}

// quiet lets a repeating event through once a minute.
type quiet struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (q *quiet) pass(key string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if last, ok := q.last[key]; ok && now.Sub(last) < time.Minute {
		return false
	}
	if q.last == nil {
		q.last = map[string]time.Time{}
	}
	q.last[key] = now
	return true
}
