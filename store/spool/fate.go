package spool

import (
	"cmp"
	"relay/store/outcomes"
	"relay/store/refusals"
	"relay/store/signing"
	"relay/store/spooled"
	"relay/store/trace"
)

// Categories of outcomes that no reply explains.
const (
	MessageExpired = "MessageExpired" // given up after its time, and nothing else is known
	Uncategorized  = "Uncategorized"  // failed, and the rules do not know why
	ByOperator     = "Operator"       // dropped, or let fail by an override
	Complained     = "Complaint"      // reported as spam
)

// fateOf is what an outcome makes of a recipient, which is still as it was before.
func fateOf(r *Result, rcpt *spooled.Recipient, o *Outcome) outcomes.Fate {
	is := outcomes.Fate{From: rcpt.State, To: o.State, Provider: r.Provider}
	switch {
	case !o.State.Final() || o.State == spooled.Delivered:
	case r.Event.Kind == trace.EventChanged:
		is.Category = ByOperator
	case o.Verdict.Category != "":
		is.Category = o.Verdict.Category
	case o.State != spooled.Expired:
		is.Category = Uncategorized
	case rcpt.Verdict.Category != "": // what it was deferred for
		is.Category = rcpt.Verdict.Category
	default:
		is.Category = MessageExpired
	}
	return is
}

// counted is where a message counts.
func counted(m *spooled.Message) outcomes.Mail {
	return outcomes.Mail{Account: m.Account, Period: m.Period, Accepted: m.Accepted}
}

// count counts the fate of one of a message's recipients.
func (t *Tx) count(m *spooled.Message, is outcomes.Fate) {
	t.Touch()
	if is.To.Final() {
		t.totals().Recipients--
	}
	t.s.Outcomes.Count(&t.Tx, counted(m), is)
}

// listed enters an outcome in the account's list of errors.
func (t *Tx) listed(m *spooled.Message, r *spooled.Recipient, is outcomes.Fate, reply string) error {
	switch {
	case m.OfRelay(), is.Category == ByOperator, !is.To.Final():
		return nil
	case is.To == spooled.Delivered:
		return t.s.Refusals.Reached(&t.Tx, m.Account, r.Mailbox())
	}
	return t.s.Refusals.Enter(&t.Tx, m.Account, r.Mailbox(), &refusals.Refusal{Address: r.Address, Category: is.Category,
		Class: string(is.To), Source: refusals.SourceSMTP, Reply: reply, MessageID: m.MessageID})
}

// follow brings an outcome to the suppressions: a failure counts against the recipient's address, and a
// delivery pardons it.
func (t *Tx) follow(m *spooled.Message, r *spooled.Recipient, o *Outcome) error {
	switch by := o.Suppress; {
	case m.OfRelay():
		return nil
	case o.State == spooled.Delivered:
		return t.s.Refusals.Pardon(&t.Tx, m.Account, r.Mailbox())
	case by == nil, by.Messages <= 1 && !o.State.Final():
		return nil
	default:
		_, err := t.s.Refusals.Strike(&t.Tx, m.Account, r.Mailbox(), &refusals.Strike{Message: m.ID, Address: r.Address, Reply: o.Reply, Rule: by})
		return err
	}
}

// tally counts an outcome of a message that a domain has signed. before is the recipient's state until
// then.
func (t *Tx) tally(m *spooled.Message, r *Result, before spooled.State, o *Outcome) error {
	domain := cmp.Or(r.Signature.Domain, m.Signature.Domain)
	if domain == "" || m.OfRelay() || r.Provider == "" {
		return nil
	}
	is := signing.Outcome{Reply: o.Sample.Reply, Category: o.Verdict.Category}
	switch {
	case o.State == spooled.Delivered:
		is.Fate = signing.Delivered
	case o.State == spooled.Deferred && before != spooled.Deferred:
		is.Fate = signing.Deferred
	case o.State.Final():
		is.Fate = signing.Failed
	}
	return t.s.Signing.Count(&t.Tx, m.Account, domain, r.Provider, is)
}
