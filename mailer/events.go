package mailer

import (
	"context"
	"log/slog"
	"time"

	"relay/mailer/pace"
	"relay/mailer/source"
	"relay/store"
)

var attemptText = map[store.RecipientState]string{
	store.Delivered: "message delivered",
	store.Deferred:  "message deferred",
	store.Failed:    "message bounced",
	store.Expired:   "message expired",
}

// logOutcome writes a line for a recipient of an attempt.
func (m *Mailer) logOutcome(a *attempt, i int, state store.RecipientState, now time.Time) {
	if !m.log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	msg, t, o := a.job.message, &a.targets[i], &a.targets[i].out
	m.log.LogAttrs(context.Background(), slog.LevelInfo, attemptText[state],
		slog.String("spool_id", msg.ID.String()),
		slog.String("account", msg.Whose()),
		slog.String("from", msg.Sender),
		slog.String("to", a.recipient(i).Address),
		slog.String("next_hop", t.hop),
		slog.String("tls", t.tls),
		slog.Int("code", o.Reply.Code),
		slog.String("enhanced", o.Reply.Status()),
		slog.String("stage", o.Stage.String()),
		slog.Bool("local", o.Local), // the reply is our own
		slog.String("reply", o.Reply.Text),
		slog.Duration("delay", now.Sub(msg.Accepted).Round(time.Millisecond)),
		slog.String("category", string(t.verdict.Category)),
		slog.String("rule", t.verdict.Rule),
		slog.Int64("connect_ms", a.connecting.Milliseconds()),
		slog.Int64("ms", time.Since(a.began).Milliseconds()))
}

// logSettled is what else a settled attempt led to: DSNs, and the end of messages.
func (m *Mailer) logSettled(results []store.Result) {
	for i := range results {
		r := &results[i]
		m.store.LogDSNs(r.DSNs...)
		if r.Done {
			m.log.LogAttrs(context.Background(), slog.LevelInfo, "message removed", slog.String("spool_id", r.ID.String()))
		}
	}
}

func (m *Mailer) logExpired(msg *store.Message, r *store.Recipient, reply string) {
	m.log.Info(attemptText[store.Expired], "spool_id", msg.ID.String(), "account", msg.Whose(),
		"from", msg.Sender, "to", r.Address, "reply", reply)
}

// logSiteDown comes once an interval, since a site is tried once an interval.
func (m *Mailer) logSiteDown(t *site) {
	m.log.Warn("next hop down", "next_hop", t.label(), "failures", t.failures, "next_attempt", t.until, "err", t.why)
}

// logPoolFull says so once a minute while looks find that accounts wait.
func (m *Mailer) logPoolFull(connections, waiting int) {
	m.quiet.Often(slog.LevelWarn, "", "all connections are in use", slog.Int("connections", connections), slog.Int("accounts", waiting))
}

// logSiteSlowed comes once a minute at most, since replies that follow are to mail that
// was under way.
func (m *Mailer) logSiteSlowed(t *site, now time.Time, reply string) {
	m.log.Warn("next hop slowed", "next_hop", t.label(), "provider", t.row.Name, "connections", t.gate.Connections(now),
		"messages_per_minute", t.gate.Rate(now), "reply", reply)
}

func (m *Mailer) logSiteSuspended(t *site, until time.Time, reply string) {
	m.log.Warn("next hop suspended", "next_hop", t.label(), "provider", t.row.Name, "next_attempt", until, "reply", reply)
}

// logAccountSlowed comes once a minute at most too.
func (m *Mailer) logAccountSlowed(key conductKey, c *pace.Account, now time.Time) {
	st := c.State(now)
	if c.Held(now) {
		m.log.Warn("account held at provider", "account", key.account, "provider", key.provider, "reason", string(st.Reason), "next_attempt", st.Held, "reply", st.Why)
		return
	}
	m.log.Warn("account slowed at provider", "account", key.account, "provider", key.provider, "reason", string(st.Reason), "percent", st.Share.At, "reply", st.Why)
}

// logSourceGone comes when the machine lost a source's address, and with nil when it has it
// again.
func (m *Mailer) logSourceGone(o *origin, err error) {
	if err == nil {
		m.log.Info("source back", "egress", o.name)
		return
	}
	m.log.Warn("source gone, the machine lacks its address; other sources take its mail", "egress", o.name, "err", err,
		"advice", "give the address back to the machine, or take it out of the configuration")
}

func (m *Mailer) logWarmUpFull(t *site, w *source.Warmth) {
	m.log.Info("warm-up of a source is full for today", "egress", t.origin.name, "provider", t.rowName(), "limit", w.Ceiling, "day", w.Days)
}

func (m *Mailer) logSiteUp(t *site) {
	m.log.Info("next hop up again", "next_hop", t.label(), "failures", t.failures)
}

// logLanePaused comes once an interval too.
func (m *Mailer) logLanePaused(key store.Lane, p *pause) {
	m.log.Warn("mail to a domain paused", "account", key.Account, "domain", key.Domain,
		"failures", p.failures, "next_attempt", p.until, "err", p.why)
}

func (m *Mailer) logHostFailed(f *failure) {
	m.log.Debug("connection not made", "next_hop", hopName(f.host, f.addr), "err", f.err)
}

const storeFailed = "store failed"

// logStoreError lasts until the operation works again.
func (m *Mailer) logStoreError(op string, err error) {
	m.quiet.Fails(slog.LevelError, op, storeFailed, slog.String("op", op), slog.Any("err", err))
}

// logUnsigned is for a message that goes without its signature: it is worth more than that.
func (m *Mailer) logUnsigned(msg *store.Message, err error) {
	m.quiet.Often(slog.LevelError, "", "message not signed", slog.String("spool_id", msg.ID.String()), slog.String("account", msg.Whose()), slog.Any("err", err))
}

func (m *Mailer) storeWorks(op string) { m.quiet.Works(op, storeFailed) }
