package spool

import (
	"relay/store/outcomes"
	"relay/store/refusals"
	"relay/store/spooled"
	"relay/store/trace"
)

// Categories that no reply has.
const (
	MessageExpired = "MessageExpired" // given up, and nothing is known but that
	Uncategorized  = "Uncategorized"
	ByOperator     = "Operator"  // dropped, or let fail by an override
	Complained     = "Complaint" // reported as spam
)

// fateOf is what an outcome means for a recipient as it is until then.
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

// counted says where a message counts.
func counted(m *spooled.Message) outcomes.Mail {
	return outcomes.Mail{Account: m.Account, Period: m.Period, Accepted: m.Accepted}
}

// count counts what became of one of a message's recipients.
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

// follow draws the consequences of an outcome for the recipient's address.
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
