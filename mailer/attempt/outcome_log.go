package attempt

import (
	"context"
	"log/slog"
	"time"

	"relay/mailer/link"
	"relay/store/eventlog"
	"relay/store/spool"
	"relay/store/spooled"
)

var outcomeText = map[spooled.State]string{
	spooled.Delivered: "message delivered",
	spooled.Deferred:  "message deferred",
	spooled.Failed:    "message bounced",
	spooled.Expired:   "message expired",
}

// logOutcome writes a line for a recipient of an attempt.
func (m *Sender) logOutcome(a *attempt, i int, state spooled.State, now time.Time) {
	if !m.log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	msg, t, o := a.job.Message, &a.targets[i], &a.targets[i].out
	eventlog.Write(m.log, slog.LevelInfo, outcomeText[state],
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

// LogSettled is what else a settled attempt led to: DSNs, and the end of messages.
func (m *Sender) LogSettled(results []spool.Result) {
	for i := range results {
		r := &results[i]
		m.spool.LogDSNs(r.DSNs...)
		if r.Done {
			eventlog.Write(m.log, slog.LevelInfo, "message removed", slog.String("spool_id", r.ID.String()))
		}
	}
}

func (m *Sender) logHostFailed(f *link.Failure) {
	m.log.Debug("connection not made", "next_hop", link.HopName(f.Host, f.Addr), "err", f.Err)
}

// LogExpired writes a line for a recipient that is given up without a further attempt.
func (m *Sender) LogExpired(msg *spooled.Message, r *spooled.Recipient, reply string) {
	m.log.Info(outcomeText[spooled.Expired], "spool_id", msg.ID.String(), "account", msg.Whose(),
		"from", msg.Sender, "to", r.Address, "reply", reply)
}
