// Package untried ends mail that is given up without an attempt: mail that an override of the
// operator bounces, and recipients that the store suppressed when it was claimed.
//
// Bounced mail is settled as failed in one transaction with the DSNs about it. A crash before it
// leaves the mail claimed: it is due again at the next start, and bounced then if the override is
// in force still. Suppressed recipients are settled already; they are only logged here.
package untried

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/dsn"
	"relay/mailer/settings"
	"relay/mailer/verdict"
	"relay/store/egress"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// Ender ends mail without an attempt.
type Ender struct {
	Spool *spool.Spool
	Cfg   *atomic.Pointer[settings.Config]
	Out   *attempt.Sender // stores outcomes and logs them
	Log   *slog.Logger
}

// Bounce gives up what was claimed, by the operator's word. It waits for the disk.
func (e *Ender) Bounce(list []spool.Claimed, o *egress.Override) {
	results := bounced(list, o)
	if e.Out.Commit(results) {
		e.logBounced(list, o)
		e.Out.LogSettled(results)
	}
}

// bounced are the outcomes of claims that an override bounces.
func bounced(list []spool.Claimed, o *egress.Override) []spool.Result {
	reply := fmt.Sprintf("550 5.7.1 the operator of this mail system has stopped mail of this kind (%s %s): %s", o.Kind, o.Target, o.Reason)
	results := make([]spool.Result, len(list))
	for i, c := range list {
		r := &results[i]
		r.ID, r.Domain = c.Message.ID, c.Domain
		r.Event.Kind, r.Event.Note = trace.EventChanged, spooled.NoteBounced
		for _, k := range c.Rcpts {
			rcpt := &c.Message.Recipients[k]
			out := spool.Outcome{Rcpt: k, State: spooled.Failed, Reply: reply}
			if c.Message.Sender != "" && rcpt.WantsFailure() {
				out.DSN = &spooled.DSN{Action: string(dsn.Failed), Status: "5.7.1", Reply: reply}
			}
			r.Outcomes = append(r.Outcomes, out)
		}
	}
	return results
}

// logBounced writes a line for each recipient that failed by an override.
func (e *Ender) logBounced(list []spool.Claimed, o *egress.Override) {
	for _, c := range list {
		for _, i := range c.Rcpts {
			e.Log.LogAttrs(context.Background(), slog.LevelInfo, "message bounced by override",
				slog.String("spool_id", c.Message.ID.String()), slog.String("account", c.Message.Account),
				slog.String("from", c.Message.Sender), slog.String("to", c.Message.Recipients[i].Address), slog.Uint64("override", o.Number))
		}
	}
}

// Suppressed logs what the store has given up of a claim, and reports whether nothing is left of
// it to try.
func (e *Ender) Suppressed(c *spool.Claimed) bool {
	if len(c.Suppressed) == 0 {
		return false
	}
	e.logSuppressed(c)
	return len(c.Rcpts) == 0
}

// logSuppressed writes a line for each recipient that was suppressed, and what else came of it.
func (e *Ender) logSuppressed(c *spool.Claimed) {
	msg := c.Message
	for _, i := range c.Suppressed {
		r := &msg.Recipients[i]
		e.Log.LogAttrs(context.Background(), slog.LevelInfo, "message suppressed",
			slog.String("spool_id", msg.ID.String()),
			slog.String("account", msg.Account),
			slog.String("from", msg.Sender),
			slog.String("to", r.Address),
			slog.String("enhanced", e.statusOf(verdict.Category(r.Verdict.Category))),
			slog.Duration("delay", e.Spool.Now().Sub(msg.Accepted).Round(time.Millisecond)),
			slog.String("category", r.Verdict.Category),
			slog.String("reply", r.Reply))
	}
	e.Spool.LogDSNs(c.DSNs...)
	if msg.Done() {
		e.Out.Forget(msg.ID)
		e.Log.LogAttrs(context.Background(), slog.LevelInfo, "message removed", slog.String("spool_id", msg.ID.String()))
	}
}

// statusOf is the enhanced code of a recipient that is suppressed for a reason.
func (e *Ender) statusOf(c verdict.Category) string {
	if row := e.Cfg.Load().Suppress.Of(c); row != nil {
		return row.Status
	}
	return "5.7.1"
}
