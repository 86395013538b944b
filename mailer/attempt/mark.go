package attempt

import (
	"time"

	"relay/mailer/dsn"
	"relay/mailer/verdict"
	"relay/store/refusals"
	"relay/store/signs"
	"relay/store/spooled"
	"relay/store/strangers"
)

// markOf is what an outcome says of the account; "" where mail did not go by MX.
func markOf(a *attempt, t *target) strangers.Mark {
	if !a.job.Direct {
		return ""
	}
	switch v := &t.verdict; {
	case v.Class == verdict.Delivered:
		return strangers.MarkDelivered
	case Unknown(v):
		return strangers.MarkUnknown
	case v.Slows == verdict.Account:
		return strangers.MarkBlamed
	}
	return strangers.MarkOther
}

// Unknown reports whether a reply says that there is no such recipient.
func Unknown(v *verdict.Verdict) bool {
	return v.Category == verdict.InvalidRecipient || v.Category == verdict.InactiveMailbox
}

// signOf is what an outcome says against the account: that the recipient does not exist, or
// that a blocklist names the account's domain or links. A reply that blames our address or
// that no rule knows speaks against nobody: all accounts would suffer from it.
func signOf(t *target, state spooled.State) signs.Sign {
	switch v := &t.verdict; {
	case state == spooled.Failed && v.Blame == verdict.OfRecipient && v.Category != verdict.QuotaIssues:
		return signs.Bounce
	case v.Category == verdict.SpamBlock && v.Slows == verdict.Account:
		return signs.Listed
	}
	return ""
}

// dsnOf is what the sender is to be told of a target's outcome; nil: nothing. It
// hears of recipients that are given up, and of those that went to a host that does
// not report itself, where it asked for that (RFC 3461 §5.2.2). The null
// reverse-path hears nothing (RFC 5321 §4.5.5).
func dsnOf(msg *spooled.Message, t *target, state spooled.State, now time.Time) *spooled.DSN {
	r := &msg.Recipients[t.rcpt]
	d := &spooled.DSN{Action: string(dsn.Failed), Reply: t.out.Reply.String(), Host: t.host, At: now}
	switch {
	case msg.Sender == "":
	case state == spooled.Failed && r.WantsFailure():
		d.Status = t.out.Reply.Status()
		return d
	case state == spooled.Expired && r.WantsFailure():
		d.Expired = true
		return d
	case state == spooled.Delivered && t.relayed && r.Notify&spooled.NotifySuccess != 0:
		d.Action, d.Status = string(dsn.Relayed), t.out.Reply.Status()
		return d
	}
	return nil
}

// Suppresses says what a category of replies means for further mail to the recipient; nil:
// nothing.
func (m *Sender) Suppresses(c verdict.Category) *refusals.Rule {
	row := m.config().Suppress.Of(c)
	if row == nil {
		return nil
	}
	return &refusals.Rule{Reason: string(c), Status: row.Status, Messages: row.Messages, Over: row.Over, Keep: row.Keep}
}
