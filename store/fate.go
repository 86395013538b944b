package store

import (
	"relay/store/refusals"
	"relay/store/spooled"
	"relay/store/trace"
)

// fate is what statistics and the list of errors need of an outcome.
type fate struct {
	from, to spooled.State
	category string // of one that is given up
	provider string // whose hosts decided it; "": none did
}

// Categories that no reply has.
const (
	MessageExpired = "MessageExpired" // given up, and nothing is known but that
	Uncategorized  = "Uncategorized"
	ByOperator     = "Operator"  // dropped, or let fail by an override
	Complained     = "Complaint" // reported as spam
)

// fateOf is what an outcome means for a recipient as it is until then.
func fateOf(r *Result, rcpt *spooled.Recipient, o *Outcome) fate {
	is := fate{from: rcpt.State, to: o.State, provider: r.Provider}
	switch {
	case !o.State.Final() || o.State == spooled.Delivered:
	case r.Event.Kind == trace.EventChanged:
		is.category = ByOperator
	case o.Verdict.Category != "":
		is.category = o.Verdict.Category
	case o.State != spooled.Expired:
		is.category = Uncategorized
	case rcpt.Verdict.Category != "": // what it was deferred for
		is.category = rcpt.Verdict.Category
	default:
		is.category = MessageExpired
	}
	return is
}

// listed enters an outcome in the account's list of errors.
func (t *tx) listed(m *spooled.Message, r *spooled.Recipient, is fate, reply string) error {
	switch {
	case m.OfRelay(), is.category == ByOperator, !is.to.Final():
		return nil
	case is.to == spooled.Delivered:
		return t.s.Refusals.Reached(&t.Tx, m.Account, r.Mailbox())
	}
	return t.s.Refusals.Enter(&t.Tx, m.Account, r.Mailbox(), &refusals.Refusal{Address: r.Address, Category: is.category,
		Class: string(is.to), Source: refusals.SourceSMTP, Reply: reply, MessageID: m.MessageID})
}

// follow draws the consequences of an outcome for the recipient's address.
func (t *tx) follow(m *spooled.Message, r *spooled.Recipient, o *Outcome) error {
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
