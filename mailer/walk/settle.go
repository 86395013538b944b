package walk

import (
	"time"

	"relay/mailer/dsn"
	"relay/mailer/verdict"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// settlePassing settles what is due for one message, as it is now.
func (w *Walk) settlePassing(due []Passing, now time.Time) {
	msg, err := w.spool.QueueMessage(due[0].ID)
	if err != nil {
		return // gone meanwhile
	}
	if w.spool.Stopped(msg.Account) {
		return
	}
	results := make([]spool.Result, 0, len(due))
	for _, p := range due {
		r := spool.Result{ID: p.ID, Domain: p.Lane.Domain}
		for _, i := range msg.Pending(p.Lane.Domain) {
			rcpt := &msg.Recipients[i]
			reply := reason(rcpt, p.Why)
			switch {
			case rcpt.Held:
			case p.Expire && !rcpt.Waits():
				o := spool.Outcome{Rcpt: i, State: spooled.Expired, Reply: reply, Suppress: w.out.Suppresses(verdict.Category(rcpt.Verdict.Category))}
				if msg.Sender != "" && rcpt.WantsFailure() {
					o.DSN = &spooled.DSN{Action: string(dsn.Failed), Reply: reply, Expired: true}
				}
				r.Event.Kind = trace.EventExpired
				r.Outcomes = append(r.Outcomes, o)
				w.out.LogExpired(msg, rcpt, reply)
			case w.delayDue(msg, rcpt, now):
				r.Outcomes = append(r.Outcomes, spool.Outcome{Rcpt: i, State: spooled.Queued, Delayed: true,
					DSN: &spooled.DSN{Action: string(dsn.Delayed), Reply: reply}})
			}
		}
		if len(r.Outcomes) > 0 {
			results = append(results, r)
		}
	}
	if len(results) == 0 {
		return
	}
	if w.out.Commit(results) {
		w.out.Meters.GaveUp(results)
		w.out.LogSettled(results)
	}
}

// reason says why a recipient does not have the message yet.
func reason(r *spooled.Recipient, why string) string {
	switch {
	case r.Waits():
		return "451 4.7.1 it waits for the account's daily limit of recipients that it never wrote to"
	case r.Reply != "":
		return r.Reply
	case why != "":
		return "451 4.4.1 " + why
	}
	return "451 4.4.1 the next hop could not be reached"
}
